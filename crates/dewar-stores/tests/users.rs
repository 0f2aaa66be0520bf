//! A user's sessions, on every store of this package: the same battery that examines the memory
//! store.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "../../dewar/tests/users/battery.rs"]
mod battery;
mod support;

use dewar_stores::sqlite::SqliteStore;
use support::Folder;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_a_users_sessions() {
    let folder = Folder::new();
    battery::examine(SqliteStore::open(folder.db()).unwrap()).await;
}
