//! One database, seen by two processes.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::super::{
    Created, Cursor, Entry, Loaded, Moved, Owner, Page, Reached, Record, Scan, Store, StoreError,
    Sweep, Swept, UserIndex, WriteId, Written,
};
use crate::id::StoreKey;

/// Two stores on one database: every call goes to the other one than the call before.
///
/// Whatever a store remembers beside its database, the second one does not know, as a second process
/// would not. Examine it as one store: what one half wrote, the other must see.
///
/// ```
/// use dewar::store::{MemoryStore, conformance::{self, Alternating}};
///
/// # conformance::block_on(async {
/// let two = || async {
///     let database = MemoryStore::new();
///     Alternating::of([database.clone(), database])
/// };
/// conformance::check(two).await.assert_passed();
/// # });
/// ```
pub struct Alternating<S> {
    stores: [S; 2],
    calls: AtomicUsize,
}

impl<S> Alternating<S> {
    /// Both must have been opened on the same database.
    pub fn of(stores: [S; 2]) -> Self {
        Self { stores, calls: AtomicUsize::new(0) }
    }

    fn next(&self) -> &S {
        &self.stores[self.calls.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

impl<S> fmt::Debug for Alternating<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alternating").finish_non_exhaustive()
    }
}

impl<S: Store> Store for Alternating<S> {
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

impl<S: Sweep> Sweep for Alternating<S> {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        self.next().sweep(now_ms, limit).await
    }

    fn paces_itself(&self) -> bool {
        self.stores[0].paces_itself()
    }
}

impl<S: UserIndex> UserIndex for Alternating<S> {
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

impl<S: Scan> Scan for Alternating<S> {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.next().scan(from, limit).await
    }
}
