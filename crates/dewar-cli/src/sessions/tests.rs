//! Sessions that are rotated while a command looks at them.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use clap::Parser;
use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Cursor, Loaded, MemoryStore, Moved, Owner, Page, Reached, Record, Scan,
        Store, StoreError, Sweep, Swept, WriteId, Writes, Written,
    },
};

use super::{
    args::{Sessions, SessionsCommand},
    reach::{End, Reach},
    revoke,
};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    sessions: Sessions,
}

/// A session goes from a page that is still to be read to one that was read already.
#[derive(Clone, Default)]
struct Rotating {
    store: MemoryStore,
    pages: Arc<AtomicUsize>,
}

/// The memory store shows a key by its last byte.
fn key(last: u8) -> StoreKey {
    let mut bytes = [7; 32];
    bytes[31] = last;
    StoreKey::from_bytes(bytes)
}

fn record(user: Option<&str>) -> Record {
    Record {
        owner: user.map(Owner::of),
        created_ms: 1,
        idle_deadline_ms: u64::MAX,
        absolute_deadline_ms: u64::MAX,
        writes: Writes::first(WriteId::new(1)),
        data: b"{}".to_vec(),
    }
}

async fn rotate(store: &MemoryStore, from: u8, to: u8, user: Option<&str>) {
    store.create(&key(to), &record(user)).await.unwrap();
    let moved = Moved { to: key(to), until_ms: u64::MAX };
    let written = store.supersede(&key(from), WriteId::new(1), moved).await.unwrap();
    assert_eq!(written, Written::Done);
}

fn reach(store: BoxStore) -> Reach {
    Reach { store, url: "sqlite:none.db".parse().unwrap(), now_ms: 1000 }
}

#[tokio::test]
async fn a_session_that_is_rotated_while_all_are_revoked_ends() {
    let Rotating { store, pages } = Rotating::default();
    for last in [40, 41] {
        store.create(&key(last), &record(None)).await.unwrap();
    }
    let rotating = Rotating { store: store.clone(), pages: Arc::clone(&pages) };
    let boxed = BoxStore::without_users(rotating);
    let line = Line::parse_from(["sessions", "revoke", "--all", "--yes"]);
    let SessionsCommand::Revoke(args) = line.sessions.command else { panic!("another verb") };
    assert_eq!(revoke::end_all(&reach(boxed), &args).await.unwrap(), (2, 0));
    assert!(pages.load(Ordering::Relaxed) > 40, "it was rotated between two pages");
    for last in [3, 41] {
        assert!(matches!(store.load(&key(last)).await, Ok(Loaded::Ended { .. })), "{last}");
    }
}

#[tokio::test]
async fn what_somebody_else_has_logged_in_to_is_not_the_users() {
    let (store, ada) = (MemoryStore::new(), Owner::of("ada"));
    for (from, to, user) in [(1, 2, "ada"), (3, 4, "bob")] {
        store.create(&key(from), &record(Some("ada"))).await.unwrap();
        rotate(&store, from, to, Some(user)).await;
    }
    let reach = reach(store.clone().boxed());
    assert!(reach.end_of(&ada, &key(1)).await.unwrap());
    assert!(!reach.end_of(&ada, &key(3)).await.unwrap());
    assert!(matches!(store.load(&key(2)).await, Ok(Loaded::Ended { .. })));
    assert!(matches!(store.load(&key(4)).await, Ok(Loaded::Live(_))), "it is bob's");
    // Whoever names the session itself means it, whosever it is.
    assert_eq!(reach.end(&key(3), Some(&ada)).await.unwrap(), End::Ended);
    // The tombstone lasts from now on, not from when the command began.
    let Ok(Loaded::Ended { until_ms }) = store.load(&key(4)).await else { panic!("alive") };
    assert!(until_ms > 1_700_000_000_000, "{until_ms}");
}

/// Its marker names its own key: here it can be neither shown nor ended. The others still are.
#[tokio::test]
async fn what_was_carried_over_to_another_store_is_an_error() {
    let store = MemoryStore::new();
    store.create(&key(9), &record(None)).await.unwrap();
    store.create(&key(1), &record(Some("ada"))).await.unwrap();
    let mark = Moved { to: key(1), until_ms: u64::MAX };
    store.supersede(&key(1), WriteId::new(1), mark).await.unwrap();
    let reach = reach(store.boxed());
    assert!(reach.load(&key(1)).await.is_err());
    assert!(reach.follow(&key(1)).await.is_err());
    assert_eq!(reach.end(&key(1), None).await.unwrap(), End::Elsewhere);
    assert!(reach.end_of(&Owner::of("ada"), &key(1)).await.is_err());
    let line = Line::parse_from(["sessions", "revoke", "--all", "--yes"]);
    let SessionsCommand::Revoke(args) = line.sessions.command else { panic!("another verb") };
    assert_eq!(revoke::end_all(&reach, &args).await.unwrap(), (1, 1));
}

impl Scan for Rotating {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        if self.pages.fetch_add(1, Ordering::Relaxed) == 10 {
            rotate(&self.store, 40, 3, None).await;
        }
        self.store.scan(from, limit).await
    }
}

impl Sweep for Rotating {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        self.store.sweep(now_ms, limit).await
    }
}

impl Store for Rotating {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.store.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.store.create(key, record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.store.update(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.store.touch(key, idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.store.delete(key, until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.store.supersede(old, expected, moved).await
    }
}
