//! Faults on demand: what a network and a dying request do to a store.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use super::executor::{lock, wait_turns};
use crate::{
    id::StoreKey,
    store::{
        Created, Loaded, Moved, Reached, Record, Store, StoreError, StoreErrorKind, WriteId,
        Written,
    },
};

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Others get this many turns before the call and as many after it.
    Delay(usize),
    /// The call is made, and its answer is lost.
    ErrorAfter,
    /// The call is not made.
    ErrorBefore,
}

/// A store whose calls fail on demand; for the tests of whatever uses a store.
///
/// ```
/// use dewar::store::{
///     MemoryStore, Store,
///     conformance::{Fault, Faulty, block_on},
/// };
/// # use dewar::StoreKey;
///
/// let store = Faulty::new(MemoryStore::new());
/// store.inject(Fault::ErrorBefore);
/// let key = StoreKey::from_bytes([7; 32]);
/// assert!(block_on(store.load(&key)).is_err());
/// assert!(block_on(store.load(&key)).is_ok());
/// ```
#[derive(Debug)]
pub struct Faulty<S> {
    store: Arc<S>,
    faults: Mutex<VecDeque<Fault>>,
}

impl<S> Faulty<S> {
    /// Wraps a store; without [`inject`](Self::inject) it is as good as that.
    pub fn new(store: S) -> Self {
        Self::sharing(Arc::new(store))
    }

    /// Wraps a store that others use too, without its faults.
    pub fn sharing(store: Arc<S>) -> Self {
        Self { store, faults: Mutex::default() }
    }

    /// Adds a fault: the first one meets the next call, the second one the call after that.
    pub fn inject(&self, fault: Fault) {
        lock(&self.faults).push_back(fault);
    }

    async fn suffer<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let fault = lock(&self.faults).pop_front();
        match fault {
            None => call.await,
            Some(Fault::Delay(turns)) => {
                wait_turns(turns).await;
                let answer = call.await;
                wait_turns(turns).await;
                answer
            }
            Some(Fault::ErrorAfter) => {
                call.await?;
                Err(StoreError::new(StoreErrorKind::OutcomeUnknown))
            }
            Some(Fault::ErrorBefore) => Err(StoreError::new(StoreErrorKind::Unavailable)),
        }
    }
}

impl<S: Store> Store for Faulty<S> {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.suffer(self.store.load(key)).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.suffer(self.store.create(key, record)).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.suffer(self.store.update(key, expected, record)).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.suffer(self.store.touch(key, idle_deadline_ms)).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.suffer(self.store.delete(key, until_ms)).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.suffer(self.store.supersede(old, expected, moved)).await
    }

    fn answers_within(&self) -> Option<Duration> {
        self.store.answers_within()
    }
}

/// Runs `call` for `polls` polls and drops it where it then waits; `None` if it was not done.
///
/// With 0, 1, 2 … it is cancelled at each of its awaits in turn.
pub async fn cancel_after<F: Future>(polls: usize, call: F) -> Option<F::Output> {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match call.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
