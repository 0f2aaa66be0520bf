//! The write-ahead log of one process: it is copied into the database and stays short.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::fs;

use dewar::{
    StoreKey,
    store::{Loaded, Store},
};
use dewar_stores::sqlite::{Durability, SqliteStore};
use support::{Folder, record};

fn key(number: u32) -> StoreKey {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&number.reverse_bits().to_be_bytes());
    StoreKey::from_bytes(bytes)
}

/// 16 callers write 120 MiB of pages, and there is never a pause: the database has them while the
/// store is open, the log begins anew, and not a session is lost on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_copied_and_begins_anew_though_nobody_pauses() {
    const CALLERS: u32 = 16;
    const EACH: u32 = 1200;
    let folder = Folder::new();
    let store = SqliteStore::builder(folder.db()).durability(Durability::Normal);
    let store = store.open().unwrap();
    let tasks: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0..EACH {
                    let number = caller * EACH + number;
                    let data = number.to_be_bytes().repeat(800);
                    store.create(&key(number), &record(1, data)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let size = |name| fs::metadata(folder.join(name)).unwrap().len();
    assert!(size("sessions.db") > 32 << 20, "{}", size("sessions.db"));
    assert!(size("sessions.db-wal") < 64 << 20, "{}", size("sessions.db-wal"));
    for number in (0..CALLERS * EACH).step_by(97) {
        let Loaded::Live(found) = store.load(&key(number)).await.unwrap() else { panic!("gone") };
        let expected = record(1, number.to_be_bytes().repeat(800));
        assert_eq!(found, expected);
    }
}
