//! Stores on the test's own Redis servers.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use dewar::{
    StoreKey,
    store::{
        Created, Loaded, Moved, Reached, Record, Store, StoreError, Sweep, Swept, WriteId, Written,
    },
};
use dewar_stores::redis::{RedisStore, RedisStoreBuilder};
use dewar_testdata::redis::Node;

/// A store on this node.
pub fn on(node: &Node) -> RedisStoreBuilder {
    RedisStore::builder(&format!("redis://127.0.0.1:{}", node.port()))
}

/// The name of a session's key, with the default prefix.
pub fn name(key: &StoreKey) -> Vec<u8> {
    [b"dewar:", &key.as_bytes()[..]].concat()
}

/// The machine's clock, by which Redis forgets.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// Every call goes to the other store than the call before.
pub struct Alternating {
    stores: [RedisStore; 2],
    calls: AtomicUsize,
}

impl Alternating {
    pub fn new(stores: [RedisStore; 2]) -> Self {
        Self { stores, calls: AtomicUsize::new(0) }
    }

    fn next(&self) -> &RedisStore {
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

/// Of stores that [tell](RedisStoreBuilder::tell_expired).
impl Sweep for Alternating {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        self.next().sweep(now_ms, limit).await
    }
}
