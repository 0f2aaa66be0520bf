//! A user's sessions, on every store of this package: the same battery that examines the memory
//! store.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "../../dewar/tests/users/battery.rs"]
mod battery;
mod pg;
mod support;

use dewar_stores::{migrate::Migrating, redis::RedisStore, sqlite::SqliteStore};
use dewar_testdata::redis::{Cluster, Node};
use support::{Folder, redis::on};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_a_users_sessions() {
    let folder = Folder::new();
    battery::examine(SqliteStore::open(folder.db()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_a_users_sessions() {
    let Some(node) = Node::start(&[]) else { return };
    battery::examine(on(&node).connect().await.unwrap()).await;
}

/// Without notifications of expired keys, and with a list that lies on another node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_a_users_sessions() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let seeds = cluster.addresses().into_iter().take(1);
    battery::examine(RedisStore::at("", 0).cluster(seeds).connect().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_a_users_sessions() {
    let Some(server) = pg::Server::start() else { return };
    battery::examine(server.store().await).await;
}

/// Begun in the old store, or not begun yet: a user does not see that his sessions move.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_keeps_a_users_sessions() {
    let folder = Folder::new();
    let Some(node) = Node::start(&[]) else { return };
    let old = SqliteStore::open(folder.db()).unwrap();
    battery::examine(Migrating::new(old, on(&node).connect().await.unwrap())).await;
}
