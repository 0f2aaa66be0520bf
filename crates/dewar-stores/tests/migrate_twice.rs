//! One store, named twice, and a store that was left before: what a migration does about it.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use dewar::store::{BoxStore, Loaded, MemoryStore, Record, Scan, Store};
use dewar_stores::{
    migrate::{CarriedOver, Migrating, Migration, MigrationError},
    sqlite::SqliteStore,
    url::open,
};
use dewar_testdata::redis::{Cluster, Node};
use support::{Folder, key, redis::now_ms};

const HOUR_MS: u64 = 3_600_000;

fn record() -> Record {
    Record {
        created_ms: now_ms(),
        idle_deadline_ms: now_ms() + HOUR_MS,
        absolute_deadline_ms: now_ms() + 24 * HOUR_MS,
        ..support::record(1, "here")
    }
}

/// Ten sessions, and none of them moves: not by the sweep, and not by a node that has both names.
async fn is_refused_twice(old: BoxStore, new: BoxStore, what: &str) {
    for number in 0..10 {
        old.create(&key(number), &record()).await.unwrap();
    }
    let refused = Migrating::new(old.clone(), new.clone()).ensure_two().await;
    assert!(matches!(refused, Err(MigrationError::SameStore)), "{what}: {refused:?}");
    let refused = Migration::new(Migrating::new(old.clone(), new.clone())).run().await;
    assert!(matches!(refused, Err(MigrationError::SameStore)), "{what}: {refused:?}");
    let node = Migrating::new(old.clone(), new);
    for number in 0..10 {
        node.carry_over(&key(number)).await.unwrap_err();
        assert!(matches!(old.load(&key(number)).await.unwrap(), Loaded::Live(_)), "{what}");
    }
    let (mut live, mut from) = (0, None);
    loop {
        let page = old.scan(from.as_ref(), 1000).await.unwrap();
        live += page.found.iter().filter(|(_, it)| matches!(it, Ok(Loaded::Live(_)))).count();
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(live, 10, "{what}: what was put there to look is gone again");
}

#[tokio::test]
async fn one_store_under_two_names_is_refused_and_keeps_its_sessions() {
    let memory = MemoryStore::new();
    is_refused_twice(memory.clone().boxed(), memory.boxed(), "memory").await;
    let folder = Folder::new();
    let sqlite = || SqliteStore::open(folder.db()).unwrap().boxed();
    is_refused_twice(sqlite(), sqlite(), "sqlite").await;
    let Some(node) = Node::start(&[]) else { return };
    let at = |host, rest| format!("redis://{host}:{}{rest}", node.port());
    let old = open(&at("127.0.0.1", "")).await.unwrap();
    for (host, rest) in [("127.0.0.1", ""), ("localhost", ""), ("127.0.0.1", "/0?prefix=dewar:")] {
        let new = open(&at(host, rest)).await.unwrap();
        is_refused_twice(old.clone(), new, &at(host, rest)).await;
        assert_eq!(node.ask(&["DBSIZE"]).text(), "10", "nothing is left of the look");
        node.ask(&["FLUSHALL"]);
    }
    // Two databases, or two prefixes, of one server are two stores.
    for rest in ["/1", "?prefix=other:"] {
        let new = open(&at("127.0.0.1", rest)).await.unwrap();
        Migrating::new(old.clone(), new).ensure_two().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_named_by_other_nodes_is_the_same() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let nodes = cluster.addresses();
    let at = |number: usize| format!("redis+cluster://{}:{}", nodes[number].0, nodes[number].1);
    let (old, new) = (open(&at(0)).await.unwrap(), open(&at(1)).await.unwrap());
    let refused = Migrating::new(old, new).ensure_two().await;
    assert!(matches!(refused, Err(MigrationError::SameStore)), "{refused:?}");
}

#[tokio::test]
async fn what_was_carried_to_another_store_is_not_told_as_being_here() {
    let (old, first, second) = (MemoryStore::new(), MemoryStore::new(), MemoryStore::new());
    for number in 0..40 {
        old.create(&key(number), &record()).await.unwrap();
    }
    let there = Migrating::new(old.clone(), first.clone());
    for number in 0..30 {
        assert_eq!(there.carry_over(&key(number)).await.unwrap(), CarriedOver::Now);
    }
    let done = Migration::new(Migrating::new(old.clone(), second)).run().await.unwrap();
    assert_eq!((done.carried, done.already_there, done.carried_elsewhere), (10, 0, 30));
    let done = Migration::new(Migrating::new(old, first)).run().await.unwrap();
    assert_eq!((done.carried, done.already_there, done.carried_elsewhere), (0, 30, 10));
}
