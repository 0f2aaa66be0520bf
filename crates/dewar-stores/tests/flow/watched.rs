//! A store that remembers its keys, and can be made to ignore the version.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Loaded, Moved, Reached, Record, Store, StoreError, WriteId, Written,
    },
};

/// Clones share the keys, and so do the stores of one history.
#[derive(Clone, Debug)]
pub struct Watched {
    pub inner: BoxStore,
    pub keys: Arc<Mutex<BTreeSet<StoreKey>>>,
    /// The sabotage: an update overwrites whatever is there.
    pub ignores_the_version: bool,
}

impl Watched {
    fn note(&self, key: &StoreKey) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(*key);
    }

    /// How many live records contain `text`, whoever wrote them.
    pub async fn live_with(&self, text: &str) -> usize {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut live = 0;
        for key in keys {
            if let Loaded::Live(record) = self.inner.load(&key).await.unwrap() {
                live += usize::from(String::from_utf8_lossy(&record.data).contains(text));
            }
        }
        live
    }
}

impl Store for Watched {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.inner.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.note(key);
        self.inner.create(key, record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        match self.inner.update(key, expected, record).await? {
            Written::Conflict(there) if self.ignores_the_version => {
                self.inner.update(key, there.version(), record).await
            }
            answer => Ok(answer),
        }
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.inner.touch(key, idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.inner.delete(key, until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.inner.supersede(old, expected, moved).await
    }
}
