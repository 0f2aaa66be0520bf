//! The contract: of one store, and of two on one file, which know of each other as two processes do.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use dewar::{
    StoreKey,
    store::{
        Created, Cursor, Entry, Loaded, Moved, Owner, Page, Reached, Record, Scan, Store,
        StoreError, Sweep, Swept, UserIndex, WriteId, Written, conformance,
    },
};
use dewar_stores::sqlite::{Durability, SqliteStore};
use support::Folder;

/// Every call goes to the other store than the call before.
struct Alternating {
    stores: [SqliteStore; 2],
    calls: AtomicUsize,
}

impl Alternating {
    fn next(&self) -> &SqliteStore {
        &self.stores[self.calls.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

impl Store for Alternating {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.next().load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.next().create(key, record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.next().update(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.next().touch(key, idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.next().delete(key, until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.next().supersede(old, expected, moved).await
    }
}

impl Sweep for Alternating {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        self.next().sweep(now_ms, limit).await
    }
}

impl UserIndex for Alternating {
    async fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<(), StoreError> {
        self.next().enter(owner, key, now_ms, until_ms).await
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        self.next().leave(owner, key).await
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.next().sessions_of(owner, after, limit).await
    }
}

impl Scan for Alternating {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.next().scan(from, limit).await
    }
}

/// Power cuts are another test's subject; here ten thousands of syncs would only take time.
fn open(path: PathBuf) -> SqliteStore {
    SqliteStore::builder(path).durability(Durability::Normal).open().unwrap()
}

/// A new file for each case.
struct Files {
    folder: Folder,
    count: AtomicUsize,
}

impl Files {
    fn new() -> Self {
        Self { folder: Folder::new(), count: AtomicUsize::new(0) }
    }

    async fn one(&self) -> SqliteStore {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        open(self.folder.join(&format!("{number}.db")))
    }

    async fn two(&self) -> Alternating {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(&format!("{number}.db"));
        Alternating { stores: [open(path.clone()), open(path)], calls: AtomicUsize::new(0) }
    }
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    let files = Files::new();
    conformance::check(|| files.one()).await.assert_passed();
    conformance::check_sweep(|| files.one()).await.assert_passed();
    conformance::check_users(|| files.one()).await.assert_passed();
    conformance::check_scan(|| files.one()).await.assert_passed();
}

#[tokio::test]
async fn two_stores_on_one_file_keep_the_contract() {
    let files = Files::new();
    conformance::check(|| files.two()).await.assert_passed();
    conformance::check_sweep(|| files.two()).await.assert_passed();
    conformance::check_users(|| files.two()).await.assert_passed();
    conformance::check_scan(|| files.two()).await.assert_passed();
}
