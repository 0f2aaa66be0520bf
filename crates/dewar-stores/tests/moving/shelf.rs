//! The smallest store, which can be told to forget, and to overwrite.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dewar::{
    StoreKey,
    store::{Created, Loaded, Moved, Reached, Record, Store, StoreError, WriteId, Written},
};

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    held: Arc<Mutex<BTreeMap<StoreKey, Loaded>>>,
    /// The sabotage: a create puts its record over whatever is there.
    pub create_overwrites: bool,
}

impl Shelf {
    fn open(&self) -> MutexGuard<'_, BTreeMap<StoreKey, Loaded>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time has passed: markers and tombstones are forgotten.
    pub fn forget(&self) {
        self.open().retain(|_, held| matches!(held, Loaded::Live(_)));
    }

    pub fn put(&self, key: StoreKey, held: Loaded) {
        self.open().insert(key, held);
    }

    pub fn get(&self, key: &StoreKey) -> Loaded {
        self.open().get(key).cloned().unwrap_or(Loaded::Nothing)
    }

    /// The next of them by key.
    pub fn after(&self, key: Option<StoreKey>, limit: usize) -> Vec<(StoreKey, Loaded)> {
        let held = self.open();
        let next = held.iter().filter(|(it, _)| key.is_none_or(|key| **it > key));
        next.take(limit).map(|(key, held)| (*key, held.clone())).collect()
    }

    fn replace(&self, key: &StoreKey, expected: WriteId, new: Loaded) -> Written {
        let mut shelf = self.open();
        match shelf.get(key) {
            Some(Loaded::Live(now)) if now.version() != expected => Written::Conflict(now.clone()),
            Some(Loaded::Live(_)) => {
                shelf.insert(*key, new);
                Written::Done
            }
            Some(Loaded::Moved(moved)) => Written::Moved(*moved),
            _ => Written::Gone,
        }
    }
}

impl Store for Shelf {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        Ok(self.get(key))
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        let mut shelf = self.open();
        Ok(match shelf.get(key) {
            Some(Loaded::Ended { .. }) if !self.create_overwrites => Created::Ended,
            Some(_) if !self.create_overwrites => Created::Exists,
            _ => {
                shelf.insert(*key, Loaded::Live(record.clone()));
                Created::Done
            }
        })
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        Ok(self.replace(key, expected, Loaded::Live(record.clone())))
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        Ok(match self.open().get_mut(key) {
            Some(Loaded::Live(now)) => {
                let wanted = idle_deadline_ms.min(now.absolute_deadline_ms);
                now.idle_deadline_ms = now.idle_deadline_ms.max(wanted);
                Reached::Done
            }
            Some(Loaded::Moved(moved)) => Reached::Moved(*moved),
            _ => Reached::Gone,
        })
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        let mut shelf = self.open();
        let (reached, until_ms) = match shelf.get(key) {
            Some(Loaded::Live(_)) => (Reached::Done, until_ms),
            Some(Loaded::Moved(moved)) => return Ok(Reached::Moved(*moved)),
            Some(Loaded::Ended { until_ms: now }) => (Reached::Gone, until_ms.max(*now)),
            _ => (Reached::Gone, until_ms),
        };
        shelf.insert(*key, Loaded::Ended { until_ms });
        Ok(reached)
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        Ok(self.replace(old, expected, Loaded::Moved(moved)))
    }
}
