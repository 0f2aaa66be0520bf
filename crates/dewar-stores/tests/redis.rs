//! The contract on Redis: one node, Sentinel, Cluster, and two stores on one node.
//!
//! `check_sweep` of the kit runs in `redis_sweep.rs`: by default Redis forgets by its own clock, and
//! nobody sweeps it.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use dewar::store::{
    Store,
    conformance::{Alternating, Kit},
};
use dewar_stores::redis::RedisStore;
use dewar_testdata::redis::{Cluster, Node, Sentinels};
use support::redis::on;

/// Fewer rounds than usual: each call goes to a server and back.
const ROUNDS: usize = 40;

async fn examine<S: Store>(store: impl AsyncFn(usize) -> S) {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let make = || store(count.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let kit = Kit::new(make).rounds(ROUNDS).spawn(|client| drop(tokio::spawn(client)));
    kit.check().await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_the_contract_on_one_node() {
    let Some(node) = Node::start(&[]) else { return };
    examine(async |case| on(&node).prefix(format!("{case}:")).connect().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_node_keep_the_contract() {
    let Some(node) = Node::start(&[]) else { return };
    examine(async |case| {
        let store = async || on(&node).prefix(format!("{case}:")).connect().await.unwrap();
        Alternating::of([store().await, store().await])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_the_contract_under_sentinel_with_passwords() {
    let Some(sentinels) = Sentinels::start(&[], Some("open-sesame")) else { return };
    examine(async |case| {
        RedisStore::at("", 0)
            .sentinel(sentinels.service(), sentinels.addresses())
            .user(None, "open-sesame")
            .sentinel_user(None, "open-sesame")
            .prefix(format!("{case}:"))
            .connect()
            .await
            .unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_the_contract_on_a_cluster() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    examine(async |case| {
        let seeds = cluster.addresses().into_iter().take(1);
        RedisStore::at("", 0).cluster(seeds).prefix(format!("{case}:")).connect().await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn nobody_sweeps_what_forgets_by_itself() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).connect().await.unwrap().boxed();
    assert!(!store.sweeps() && store.knows_users() && store.scans());
}
