//! Two stores as one, where each session begins as the migration may find it.

use std::sync::atomic::{AtomicUsize, Ordering};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Cursor, Entry, Loaded, Moved, Owner, Page, Reached, Record, Scan, Store,
        StoreError, Sweep, Swept, UserIndex, WriteId, Written,
    },
};
use dewar_stores::migrate::Migrating;

/// Where a new session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Born {
    /// Where the migration puts it.
    New,
    /// In the old store: it was there before.
    Old,
    /// In both: whoever carried it over was killed halfway.
    Halfway,
}

/// What several nodes do, each call on the next one.
pub struct Nodes {
    pub old: BoxStore,
    pub new: BoxStore,
    pub born: Born,
    pub nodes: Vec<Migrating>,
    pub calls: AtomicUsize,
}

impl Nodes {
    pub fn new(old: impl Store, new: impl Store, born: Born, count: usize) -> Self {
        let (old, new) = (old.boxed(), new.boxed());
        let nodes = (0..count).map(|_| Migrating::new(old.clone(), new.clone())).collect();
        Self { old, new, born, nodes, calls: AtomicUsize::new(0) }
    }

    /// One node stands by, the other one moves sessions.
    pub fn mixed(old: impl Store, new: impl Store, born: Born) -> Self {
        let (old, new) = (old.boxed(), new.boxed());
        let (by, on) = (
            Migrating::standing_by(old.clone(), new.clone()),
            Migrating::new(old.clone(), new.clone()),
        );
        let nodes = vec![by, on];
        Self { old, new, born, nodes, calls: AtomicUsize::new(0) }
    }

    fn next(&self) -> &Migrating {
        &self.nodes[self.calls.fetch_add(1, Ordering::Relaxed) % self.nodes.len()]
    }
}

impl Store for Nodes {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.next().load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        if self.born == Born::New || self.load(key).await? != Loaded::Nothing {
            return self.next().create(key, record).await;
        }
        let created = self.old.create(key, record).await?;
        if created == Created::Done && self.born == Born::Halfway {
            self.new.create(key, record).await?;
        }
        Ok(created)
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

impl Sweep for Nodes {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        self.next().sweep(now_ms, limit).await
    }
}

impl UserIndex for Nodes {
    async fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<(), StoreError> {
        // Of a session that is about to begin there only the old store knows.
        if self.born != Born::New && self.load(key).await? == Loaded::Nothing {
            self.old.enter(owner, key, now_ms, until_ms).await?;
            if self.born == Born::Old {
                return Ok(());
            }
        }
        self.next().enter(owner, key, now_ms, until_ms).await
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        self.next().leave(owner, key).await
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.next().sessions_of(owner, after, limit).await
    }
}

impl Scan for Nodes {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.next().scan(from, limit).await
    }
}
