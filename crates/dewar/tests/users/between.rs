//! A store in whose calls others come between.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Cursor, Entry, Loaded, Moved, Owner, Page, Reached, Record, Scan, Store,
        StoreError, StoreErrorKind, Sweep, Swept, UserIndex, WriteId, Written,
    },
};

use super::noting::Noting;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A store in whose calls others come between: before a write, behind a list.
#[derive(Clone, Default)]
pub(crate) struct Between {
    store: Noting,
    job: Arc<Mutex<Option<(&'static str, Job)>>>,
    /// The next call of this verb gets no answer, or all from now on.
    silent: Arc<Mutex<Option<(&'static str, bool)>>>,
}

impl Between {
    pub(crate) fn on(&self, verb: &'static str, job: impl Future<Output = ()> + Send + 'static) {
        *self.job.lock().unwrap() = Some((verb, Box::pin(job)));
    }

    pub(crate) fn silence(&self, verb: &'static str, for_ever: bool) {
        *self.silent.lock().unwrap() = Some((verb, for_ever));
    }

    async fn others(&self, verb: &str) -> Result<(), StoreError> {
        let job = {
            let mut job = self.job.lock().unwrap();
            job.take_if(|(at, _)| *at == verb)
        };
        if let Some((_, job)) = job {
            job.await;
        }
        let mut silent = self.silent.lock().unwrap();
        match *silent {
            Some((at, for_ever)) if at == verb => {
                *silent = for_ever.then_some((at, for_ever));
                Err(StoreError::new(StoreErrorKind::NotReplicated))
            }
            _ => Ok(()),
        }
    }
}

impl Store for Between {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.others("load").await?;
        self.store.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.others("create").await?;
        self.store.create(key, record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
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
        self.others("supersede").await?;
        self.store.supersede(old, expected, moved).await
    }

    fn boxed(self) -> BoxStore {
        BoxStore::full(self)
    }
}

impl Sweep for Between {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        self.store.sweep(now_ms, limit).await
    }
}

impl Scan for Between {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.store.scan(from, limit).await
    }
}

impl UserIndex for Between {
    async fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<(), StoreError> {
        self.store.enter(owner, key, now_ms, until_ms).await
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        self.store.leave(owner, key).await
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let found = self.store.sessions_of(owner, after, limit).await;
        self.others("sessions_of").await?;
        found
    }
}
