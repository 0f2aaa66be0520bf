//! The contract, on Postgres: of one store, of two on one database, and of broken ones.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod pg;

use dewar::store::conformance::{self, Alternating, CaseReport, Kit};
use dewar_stores::postgres::{PostgresStore, Sabotage};
use pg::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract() {
    let Some(server) = Server::start() else { return };
    Kit::new(|| server.store()).rounds(60).check().await.assert_passed();
    conformance::check_sweep(|| server.store()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_database_keep_the_contract() {
    let Some(server) = Server::start() else { return };
    let two = || async {
        let schema = server.schema();
        let one = server.builder(&schema).connections(1).connect().await.unwrap();
        let other = server.builder(&schema).connections(1).connect().await.unwrap();
        Alternating::of([one, other])
    };
    Kit::new(two).rounds(30).check().await.assert_passed();
    Kit::new(two).check_sweep().await.assert_passed();
}

/// The cases that fail on a store with this sabotage.
async fn caught(server: &Server, sabotage: Sabotage) -> Vec<&'static str> {
    let store =
        || async { server.builder(&server.schema()).sabotage(sabotage).connect().await.unwrap() };
    let report = Kit::new(store).rounds(3).check().await;
    report.failed().map(CaseReport::name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kit_catches_every_sabotage_of_a_verb() {
    let Some(server) = Server::start() else { return };
    for sabotage in [
        Sabotage::UpdateWithoutVersion,
        Sabotage::DeleteWithoutTombstone,
        Sabotage::CreateOverwrites,
        Sabotage::TouchWithoutLimit,
    ] {
        let caught = caught(&server, sabotage).await;
        println!("{sabotage:?}: {caught:?}");
        assert!(!caught.is_empty(), "{sabotage:?} was not caught");
    }
}

/// A store is shared by threads that know no runtime.
#[test]
fn a_call_needs_no_runtime_of_its_own() {
    let Some(server) = Server::start() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store: PostgresStore = runtime.block_on(server.store());
    let (key, record) = (pg::key(1), pg::record(1, "here"));
    conformance::block_on(async {
        use dewar::store::{Created, Loaded, Store};
        assert_eq!(store.create(&key, &record).await.unwrap(), Created::Done);
        assert_eq!(store.load(&key).await.unwrap(), Loaded::Live(record));
    });
}
