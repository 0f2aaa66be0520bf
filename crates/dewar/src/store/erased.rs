//! The boxed form of a store: for configurations that choose one at run time.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use super::{Created, Loaded, Moved, Reached, Record, Store, StoreError, WriteId, Written};
use crate::id::StoreKey;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The verbs of [`Store`], each future boxed.
pub(crate) trait ErasedStore: Send + Sync + 'static {
    fn load<'a>(&'a self, key: &'a StoreKey) -> Answer<'a, Loaded>;
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a Record) -> Answer<'a, Created>;
    fn update<'a>(
        &'a self,
        key: &'a StoreKey,
        expected: WriteId,
        record: &'a Record,
    ) -> Answer<'a, Written>;
    fn touch<'a>(&'a self, key: &'a StoreKey, idle_deadline_ms: u64) -> Answer<'a, Reached>;
    fn delete<'a>(&'a self, key: &'a StoreKey, until_ms: u64) -> Answer<'a, Reached>;
    fn supersede<'a>(
        &'a self,
        old: &'a StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<'a, Written>;
}

impl<S: Store> ErasedStore for S {
    fn load<'a>(&'a self, key: &'a StoreKey) -> Answer<'a, Loaded> {
        Box::pin(Store::load(self, key))
    }

    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a Record) -> Answer<'a, Created> {
        Box::pin(Store::create(self, key, record))
    }

    fn update<'a>(
        &'a self,
        key: &'a StoreKey,
        expected: WriteId,
        record: &'a Record,
    ) -> Answer<'a, Written> {
        Box::pin(Store::update(self, key, expected, record))
    }

    fn touch<'a>(&'a self, key: &'a StoreKey, idle_deadline_ms: u64) -> Answer<'a, Reached> {
        Box::pin(Store::touch(self, key, idle_deadline_ms))
    }

    fn delete<'a>(&'a self, key: &'a StoreKey, until_ms: u64) -> Answer<'a, Reached> {
        Box::pin(Store::delete(self, key, until_ms))
    }

    fn supersede<'a>(
        &'a self,
        old: &'a StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<'a, Written> {
        Box::pin(Store::supersede(self, old, expected, moved))
    }
}

/// Any store, chosen at run time; clones share it. It is a [`Store`] itself.
#[derive(Clone)]
pub struct BoxStore(Arc<dyn ErasedStore>);

impl BoxStore {
    /// Boxes a store.
    pub fn new(store: impl Store) -> Self {
        Self(Arc::new(store))
    }
}

impl fmt::Debug for BoxStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxStore")
    }
}

impl Store for BoxStore {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.0.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.0.create(key, record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.0.update(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.0.touch(key, idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.0.delete(key, until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.0.supersede(old, expected, moved).await
    }
}
