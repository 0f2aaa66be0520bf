//! A store that finds a user's sessions by notes, as one without an index of its records has to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Cursor, Entry, Loaded, Moved, Owner, Page, Reached, Record, Scan, Store,
        StoreError, StoreErrorKind, Sweep, Swept, UserIndex, WriteId, Written,
    },
};

type Notes = BTreeMap<([u8; 32], StoreKey), u64>;

/// Clones share it. A record whose owner was not noted before is refused.
#[derive(Clone)]
pub struct Noted<S> {
    store: S,
    notes: Arc<Mutex<Notes>>,
}

impl<S> Noted<S> {
    pub fn on(store: S) -> Self {
        Self { store, notes: Arc::default() }
    }

    fn open(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn must_be_noted(&self, key: &StoreKey, record: &Record) -> Result<(), StoreError> {
        let Some(owner) = record.owner else { return Ok(()) };
        if self.open().contains_key(&(*owner.as_bytes(), *key)) {
            return Ok(());
        }
        Err(StoreError::new(StoreErrorKind::Unavailable).with_source("it was not noted before"))
    }
}

impl<S: Sweep + Scan> Store for Noted<S> {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.store.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.must_be_noted(key, record)?;
        self.store.create(key, record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.must_be_noted(key, record)?;
        self.store.update(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.store.touch(key, idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.store.delete(key, until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.store.supersede(old, expected, moved).await
    }

    fn boxed(self) -> BoxStore {
        BoxStore::full(self)
    }
}

impl<S: Sweep + Scan> UserIndex for Noted<S> {
    async fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        _: u64,
    ) -> Result<(), StoreError> {
        let mut notes = self.open();
        let since_ms = notes.entry((*owner.as_bytes(), *key)).or_default();
        *since_ms = now_ms.max(*since_ms);
        Ok(())
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        self.open().remove(&(*owner.as_bytes(), *key));
        Ok(())
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let notes = self.open();
        let own = notes.iter().filter(|((of, _), _)| of == owner.as_bytes());
        let mut own: Vec<_> =
            own.map(|((_, key), since_ms)| Entry { key: *key, since_ms: *since_ms }).collect();
        own.sort_unstable_by_key(|entry| (entry.since_ms, entry.key));
        own.retain(|entry| {
            after.is_none_or(|after| (entry.since_ms, entry.key) > (after.since_ms, after.key))
        });
        own.truncate(limit);
        Ok(own)
    }
}

impl<S: Sweep + Scan> Sweep for Noted<S> {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        self.store.sweep(now_ms, limit).await
    }
}

impl<S: Sweep + Scan> Scan for Noted<S> {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.store.scan(from, limit).await
    }
}
