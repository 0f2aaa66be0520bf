//! How much of Redis a page of a scan holds at once.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use dewar::{
    StoreKey,
    store::{Cursor, Loaded, Record, Scan, Store, conformance::Kit},
};
use dewar_stores::redis::RedisStore;
use dewar_testdata::redis::{Cluster, Node};
use support::{
    chance::Chance,
    redis::{now_ms, on},
};

fn record(data: Vec<u8>) -> Record {
    Record {
        idle_deadline_ms: now_ms() + 3_600_000,
        absolute_deadline_ms: now_ms() + 3_600_000,
        ..support::record(1, data)
    }
}

async fn fill(store: &RedisStore, count: usize, data: &[u8]) -> BTreeSet<StoreKey> {
    let (mut chance, mut keys) = (Chance::new(), BTreeSet::new());
    for _ in 0..count {
        let key = StoreKey::from_bytes(chance.bytes());
        store.create(&key, &record(data.to_vec())).await.unwrap();
        keys.insert(key);
    }
    keys
}

/// All keys, and how many the largest page had.
async fn scanned(store: &RedisStore, limit: usize) -> (Vec<StoreKey>, usize) {
    let (mut found, mut most, mut from) = (Vec::new(), 0, None::<Cursor>);
    loop {
        let page = store.scan(from.as_ref(), limit).await.unwrap();
        most = most.max(page.found.len());
        for (key, what) in page.found {
            assert!(matches!(what, Ok(Loaded::Live(_))));
            found.push(key);
        }
        // As bytes, as a program that is started again has it.
        match page.next {
            Some(next) => from = Some(Cursor::from_bytes(next.as_bytes())),
            None => return (found, most),
        }
    }
}

/// A tag in the prefix sends all sessions to one slot of a cluster.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_cluster_is_bounded_even_if_all_lie_in_one_slot() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    for prefix in ["{tag}:", "spread:"] {
        let store = RedisStore::at("", 0).cluster(cluster.addresses()).prefix(prefix);
        let store = store.connect().await.unwrap();
        let keys = fill(&store, 600, b"small").await;
        for (limit, bound) in [(7, 7), (50, 50), (usize::MAX, 256)] {
            let (found, most) = scanned(&store, limit).await;
            assert!(most <= bound, "{prefix} by {limit}: a page has {most}");
            assert_eq!(found.len(), 600, "{prefix} by {limit}: each is shown once");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), keys, "{prefix} by {limit}");
        }
    }
}

/// What the kit asks of a scan, on one node and on a cluster.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_of_redis_keeps_the_contract() {
    let Some(node) = Node::start(&[]) else { return };
    let Some(cluster) = Cluster::start(&[]) else { return };
    let case = AtomicUsize::new(0);
    let prefix = || format!("{}:", case.fetch_add(1, Ordering::Relaxed));
    let kit = Kit::new(|| async { on(&node).prefix(prefix()).connect().await.unwrap() });
    let spawn = |client| drop(tokio::spawn(client));
    kit.rounds(10).spawn(spawn).check_scan().await.assert_passed();
    let kit = Kit::new(|| async {
        let store = RedisStore::at("", 0).cluster(cluster.addresses()).prefix(prefix());
        store.connect().await.unwrap()
    });
    kit.rounds(10).spawn(spawn).check_scan().await.assert_passed();
}

/// The server cuts off whoever has it keep more than 4 MB of answers.
#[tokio::test]
async fn large_sessions_are_asked_for_a_few_at_a_time() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).connect().await.unwrap();
    let large: Vec<u8> = Chance::new().bytes::<60_000>().to_vec();
    let keys = fill(&store, 400, &large).await;
    node.ask(&["CONFIG", "SET", "client-output-buffer-limit", "normal 4mb 0 0"]);
    let (found, most) = scanned(&store, usize::MAX).await;
    assert!((100..=512).contains(&most), "a page has {most}");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), keys);
}
