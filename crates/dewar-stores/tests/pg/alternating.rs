//! Two stores on one database, which know of each other as two processes do.

use std::sync::atomic::{AtomicUsize, Ordering};

use dewar::{
    StoreKey,
    store::{
        Created, Loaded, Moved, Reached, Record, Store, StoreError, Sweep, Swept, WriteId, Written,
    },
};

/// Every call goes to the other store than the call before.
pub struct Alternating<S> {
    stores: [S; 2],
    calls: AtomicUsize,
}

impl<S> Alternating<S> {
    pub fn of(stores: [S; 2]) -> Self {
        Self { stores, calls: AtomicUsize::new(0) }
    }

    fn next(&self) -> &S {
        &self.stores[self.calls.fetch_add(1, Ordering::Relaxed) % 2]
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
}
