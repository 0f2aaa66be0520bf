//! A store whose every call lets others in before and after it, and may fail.

use std::{
    future::{Future, poll_fn},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use dewar::{
    StoreKey,
    store::{
        Created, Loaded, Moved, Reached, Record, Store, StoreError, StoreErrorKind, WriteId,
        Written,
    },
};

use super::chance::Chance;

/// One node's way to a store.
#[derive(Clone, Debug)]
pub struct Stepping<S> {
    pub store: S,
    pub chance: Arc<Mutex<Chance>>,
    /// One call in so many fails before it is made, and one after; 0 for none.
    pub fails: usize,
}

async fn a_turn() {
    let mut waited = false;
    poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

impl<S> Stepping<S> {
    fn is_out_of_luck(&self) -> bool {
        self.fails > 0
            && self.chance.lock().unwrap_or_else(PoisonError::into_inner).below(self.fails) == 0
    }

    async fn step<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        a_turn().await;
        if self.is_out_of_luck() {
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        }
        let answer = call.await?;
        a_turn().await;
        if self.is_out_of_luck() {
            return Err(StoreError::new(StoreErrorKind::OutcomeUnknown));
        }
        Ok(answer)
    }
}

impl<S: Store> Store for Stepping<S> {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.step(self.store.load(key)).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.step(self.store.create(key, record)).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.step(self.store.update(key, expected, record)).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.step(self.store.touch(key, idle_deadline_ms)).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.step(self.store.delete(key, until_ms)).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.step(self.store.supersede(old, expected, moved)).await
    }
}
