//! A store whose list of users is a place of its own, as on a cluster: what it notes and what it
//! keeps do not change at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Cursor, Entry, Loaded, MemoryStore, Moved, Owner, Page, Reached, Record,
        Scan, Store, StoreError, Sweep, Swept, UserIndex, WriteId, Written,
    },
};
use tokio::task::yield_now;

type Notes = BTreeMap<[u8; 32], BTreeMap<StoreKey, u64>>;

#[derive(Clone, Default)]
pub(crate) struct Noting {
    records: MemoryStore,
    notes: Arc<Mutex<Notes>>,
    /// Sabotage: each third note is lost.
    lossy: bool,
}

impl Noting {
    pub(crate) fn lossy() -> Self {
        Self { lossy: true, ..Self::default() }
    }

    pub(crate) fn notes_of(&self, user: &str) -> usize {
        self.notes.lock().unwrap().get(Owner::of(user).as_bytes()).map_or(0, BTreeMap::len)
    }
}

impl Store for Noting {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        yield_now().await;
        self.records.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        yield_now().await;
        self.records.create(key, record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        yield_now().await;
        self.records.update(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.records.touch(key, idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        yield_now().await;
        self.records.delete(key, until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        yield_now().await;
        self.records.supersede(old, expected, moved).await
    }

    fn boxed(self) -> BoxStore {
        BoxStore::full(self)
    }
}

impl UserIndex for Noting {
    async fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        _: u64,
    ) -> Result<(), StoreError> {
        yield_now().await;
        if !(self.lossy && key.as_bytes()[0] % 3 == 0) {
            self.notes.lock().unwrap().entry(*owner.as_bytes()).or_default().insert(*key, now_ms);
        }
        Ok(())
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        yield_now().await;
        self.notes.lock().unwrap().entry(*owner.as_bytes()).or_default().remove(key);
        Ok(())
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        yield_now().await;
        let notes = self.notes.lock().unwrap();
        let his = notes.get(owner.as_bytes()).into_iter().flatten();
        let mut order: Vec<_> = his.map(|(key, since_ms)| (*since_ms, *key)).collect();
        order.retain(|at| after.is_none_or(|after| *at > (after.since_ms, after.key)));
        order.sort_unstable();
        order.truncate(limit);
        Ok(order.into_iter().map(|(since_ms, key)| Entry { key, since_ms }).collect())
    }
}

impl Sweep for Noting {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        self.records.sweep(now_ms, limit).await
    }
}

impl Scan for Noting {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.records.scan(from, limit).await
    }
}
