//! Sweeps: what they look at, what they forget, and what they leave to others meanwhile.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::time::Duration;

use dewar::store::{Loaded, Owner, Record, Store, StoreErrorKind, Sweep, WriteId};
use dewar_stores::sqlite::SqliteStore;
use rusqlite::Connection;
use support::{Folder, key, record};

const GRACE_MS: u64 = 300_000;

fn store(folder: &Folder) -> SqliteStore {
    SqliteStore::builder(folder.db()).busy_timeout(Duration::from_millis(200)).open().unwrap()
}

#[tokio::test]
async fn a_sweep_forgets_what_is_past_its_grace_and_nothing_else() {
    let folder = Folder::new();
    let store = store(&folder);
    store.create(&key(1), &record(1, "dead from 2000")).await.unwrap();
    store.create(&key(2), &Record { idle_deadline_ms: 2001, ..record(1, "") }).await.unwrap();
    store.delete(&key(3), 1999).await.unwrap();
    store.delete(&key(4), u64::MAX).await.unwrap();
    assert_eq!(store.sweep(0, 10).await.unwrap().forgotten, 0);
    assert_eq!(store.sweep(GRACE_MS + 2001, 10).await.unwrap().forgotten, 2);
    let live = |key| {
        let store = store.clone();
        async move { store.load(&key).await.unwrap() != Loaded::Nothing }
    };
    assert_eq!([live(key(1)).await, live(key(2)).await], [false, true]);
    assert_eq!([live(key(3)).await, live(key(4)).await], [false, true]);
    assert_eq!(store.sweep(u64::MAX, 10).await.unwrap().forgotten, 1);
    assert!(live(key(4)).await, "u64::MAX is later than every moment");
}

/// `due_ms` of this key: from then on a sweep looks at it.
fn due_ms(folder: &Folder, number: u8) -> Option<i64> {
    let other = Connection::open(folder.db()).unwrap();
    let sql = "SELECT due_ms FROM dewar_sessions WHERE key = ?";
    other.query_row(sql, [key(number).as_bytes()], |row| row.get(0)).ok()
}

#[tokio::test]
async fn a_session_that_lives_on_moves_in_no_index_until_a_sweep_comes_upon_it() {
    let folder = Folder::new();
    let store = store(&folder);
    for number in [1, 2, 3, 4] {
        store.create(&key(number), &record(1, "until 2000")).await.unwrap();
    }
    let later = Record { idle_deadline_ms: 5000, ..record(2, "until 5000") };
    store.update(&key(1), WriteId::new(1), &later).await.unwrap();
    store.touch(&key(2), 5000).await.unwrap();
    let sooner = Record { idle_deadline_ms: 1500, ..record(2, "until 1500") };
    store.update(&key(3), WriteId::new(1), &sooner).await.unwrap();
    let owned = Record { owner: Some(Owner::of("ada")), ..later };
    store.update(&key(4), WriteId::new(1), &owned).await.unwrap();
    let due = [1, 2, 3, 4].map(|number| due_ms(&folder, number));
    assert_eq!(due, [Some(2000), Some(2000), Some(1500), Some(5000)]);
    assert_eq!(store.load(&key(4)).await.unwrap(), Loaded::Live(owned));

    assert_eq!(store.sweep(GRACE_MS + 2001, 10).await.unwrap().forgotten, 1);
    let due = [1, 2, 3, 4].map(|number| due_ms(&folder, number));
    assert_eq!(due, [Some(5000), Some(5000), None, Some(5000)]);
    assert_eq!(store.sweep(GRACE_MS + 5001, 10).await.unwrap().forgotten, 3);
}

/// Were it to take the lock, it would fail here.
#[tokio::test]
async fn a_sweep_that_finds_nothing_needs_no_lock() {
    let folder = Folder::new();
    let store = store(&folder);
    store.create(&key(1), &record(1, "")).await.unwrap();
    let other = Connection::open(folder.db()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(store.sweep(GRACE_MS + 2000, 10).await.unwrap().forgotten, 0);
    let due = store.sweep(GRACE_MS + 2001, 10).await.unwrap_err();
    assert_eq!(due.kind(), StoreErrorKind::TimedOut);
}

#[tokio::test]
async fn others_write_between_the_steps_of_a_sweep() {
    let folder = Folder::new();
    let store = store(&folder);
    let mut keys = Vec::new();
    for number in 0..2000_u32 {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        keys.push(dewar::StoreKey::from_bytes(bytes));
    }
    // Together they share their syncs.
    for some in keys.chunks(500) {
        let ended = some.iter().map(|key| {
            let (store, key) = (store.clone(), *key);
            tokio::spawn(async move { store.delete(&key, 1).await.unwrap() })
        });
        for task in ended.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }
    let sweep = tokio::spawn({
        let store = store.clone();
        async move { store.sweep(u64::MAX, usize::MAX).await.unwrap().forgotten }
    });
    let mut between = 0;
    while !sweep.is_finished() {
        store.touch(&key(1), 1).await.unwrap();
        between += 1;
    }
    assert_eq!(sweep.await.unwrap(), 2000);
    assert!(between >= 10, "{between} calls were answered during 21 steps");
}

/// Many sessions live on although they are due to be looked at, and few have ended.
#[tokio::test]
async fn a_sweep_counts_what_it_forgets_and_not_what_it_looks_at() {
    let folder = Folder::new();
    let store = store(&folder);
    for number in 0..200 {
        let live =
            Record { idle_deadline_ms: u64::MAX, absolute_deadline_ms: u64::MAX, ..record(1, "") };
        let ended = Record { idle_deadline_ms: 2000, ..record(1, "") };
        let ends = number % 50 == 49;
        store.create(&key(number), if ends { &ended } else { &live }).await.unwrap();
    }
    let other = Connection::open(folder.db()).unwrap();
    other.execute("UPDATE dewar_sessions SET due_ms = 1000", []).unwrap();
    let now_ms = GRACE_MS + 2001;
    assert_eq!(
        store.sweep(now_ms, 1).await.unwrap().forgotten,
        1,
        "the limit is what is forgotten"
    );
    assert_eq!(store.sweep(now_ms, 2).await.unwrap().forgotten, 2, "and the next call goes on");
    assert_eq!(store.sweep(now_ms, 10).await.unwrap().forgotten, 1);
    assert_eq!(store.sweep(now_ms, 10).await.unwrap().forgotten, 0);
}
