//! The fair queue: commits of one session in one process, one after the other.
//!
//! Without it, overlapping requests of one visitor would all write over the same version and all
//! but one would have to try again. Here each waits for its turn and receives what its
//! predecessor wrote. The permit is the only thing held across an await, and dropping it releases
//! it.

#[cfg(all(test, dewar_models))]
mod models;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use tokio::sync::{Mutex as Turnstile, OwnedMutexGuard};

use crate::{id::StoreKey, store::Record, sync::shuttled::Mutex};

/// One session's turnstile, and what the last one through it wrote. tokio's lock lets waiters
/// through in the order they came.
type Turn = Arc<Turnstile<Option<Record>>>;

/// The turnstiles of the sessions that are being committed now.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    turns: Mutex<HashMap<StoreKey, Turn>>,
}

/// The permit to commit one session.
#[derive(Debug)]
pub(crate) struct Permit<'q> {
    queue: &'q Queue,
    key: StoreKey,
    /// `None` while it waits.
    guard: Option<OwnedMutexGuard<Option<Record>>>,
}

impl Queue {
    /// Waits for the turn of the session under `key`.
    pub(crate) async fn enter(&self, key: StoreKey) -> Permit<'_> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(key).or_default())
        };
        // Dropped while it waits, the permit leaves the queue all the same.
        let mut permit = Permit { queue: self, key, guard: None };
        permit.guard = Some(turn.lock_owned().await);
        permit
    }

    /// Forgets a turnstile that nobody holds or waits for.
    fn leave(&self, key: &StoreKey) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.get(key).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(key);
        }
    }
}

impl Permit<'_> {
    /// What the predecessor wrote, if there was one just now.
    pub(crate) fn predecessor(&mut self) -> Option<Record> {
        self.guard.as_mut().and_then(|guard| guard.take())
    }

    /// Leaves what was written to the successor.
    pub(crate) fn pass_on(&mut self, record: Record) {
        if let Some(guard) = &mut self.guard {
            **guard = Some(record);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.guard = None;
        self.queue.leave(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> StoreKey {
        StoreKey::from_bytes([byte; 32])
    }

    #[tokio::test]
    async fn a_turn_that_nobody_wants_is_forgotten() {
        let queue = Queue::default();
        let first = queue.enter(key(1)).await;
        let other = queue.enter(key(2)).await;
        let given_up =
            tokio::time::timeout(std::time::Duration::from_millis(1), queue.enter(key(1)));
        assert!(given_up.await.is_err(), "the first permit is still held");
        assert_eq!(queue.turns.lock().unwrap().len(), 2);
        drop((first, other));
        assert!(queue.turns.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn turns_come_in_order() {
        let queue = Arc::new(Queue::default());
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = queue.enter(key(1)).await;
        let mut tasks = Vec::new();
        for i in 0..10 {
            let (queue, order) = (Arc::clone(&queue), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _permit = queue.enter(key(1)).await;
                order.lock().unwrap().push(i);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
    }
}
