//! The whole flow on every store of this package: on one, and on two that are the same and know of
//! each other as two processes do.

#![cfg(unix)]
#![allow(unreachable_pub, reason = "the modules are shared")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod flow;
mod pg;
mod support;

use dewar::store::{BoxStore, Store};
use dewar_stores::{
    migrate::Migrating,
    redis::RedisStore,
    sqlite::{Durability, SqliteStore},
};
use dewar_testdata::redis::{Cluster, Node};
use flow::model::{Histories, keep_the_promises};
use support::{Folder, redis::on};

const HISTORIES: u64 = 500;

/// Power cuts are another test's subject.
fn open(folder: &Folder) -> BoxStore {
    SqliteStore::builder(folder.db()).durability(Durability::Normal).open().unwrap().boxed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_requests_keep_the_promises_on_one_store() {
    let folder = Folder::new();
    keep_the_promises(Histories::on([open(&folder)], HISTORIES), 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_requests_keep_the_promises_on_two_stores_of_one_file() {
    let folder = Folder::new();
    keep_the_promises(Histories::on([open(&folder), open(&folder)], HISTORIES), 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_requests_keep_the_promises_on_two_stores_of_one_redis() {
    let Some(node) = Node::start(&[]) else { return };
    let store = async || on(&node).connect().await.unwrap().boxed();
    keep_the_promises(Histories::on([store().await, store().await], HISTORIES), 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_requests_keep_the_promises_on_two_stores_of_one_cluster() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let store = async || {
        let seeds = cluster.addresses().into_iter().take(1);
        RedisStore::at("", 0).cluster(seeds).connect().await.unwrap().boxed()
    };
    keep_the_promises(Histories::on([store().await, store().await], HISTORIES), 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_requests_keep_the_promises_on_two_stores_of_one_postgres() {
    let Some(server) = pg::Server::start() else { return };
    let schema = server.schema();
    let store = async || server.builder(&schema).connect().await.unwrap().boxed();
    keep_the_promises(Histories::on([store().await, store().await], HISTORIES), 8).await;
}

/// As during a migration from one machine to many: two nodes, each with both stores.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_requests_keep_the_promises_while_sessions_move() {
    let (folder, node) = (Folder::new(), Node::start(&[]));
    let Some(node) = node else { return };
    let old = open(&folder);
    let nodes = async || Migrating::new(old.clone(), on(&node).connect().await.unwrap()).boxed();
    let nodes = [nodes().await, nodes().await];
    let histories = Histories::on(nodes, HISTORIES).beginning_in(old);
    keep_the_promises(histories, 9).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_ignores_the_version_is_caught() {
    let folder = Folder::new();
    let histories = Histories::on([open(&folder), open(&folder)], HISTORIES).ignoring_the_version();
    let wrong = histories.all(5).await.unwrap_err();
    println!("{}", wrong.lines().next().unwrap_or_default());
}
