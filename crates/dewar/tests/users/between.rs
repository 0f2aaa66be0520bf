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

/// What becomes of the calls of one verb.
#[derive(Clone, Copy)]
struct Fault {
    verb: &'static str,
    kind: StoreErrorKind,
    /// It is done all the same.
    behind: bool,
    for_ever: bool,
}

/// A store in whose calls others come between: before a write, behind a list.
#[derive(Clone, Default)]
pub(crate) struct Between {
    store: Noting,
    job: Arc<Mutex<Option<(&'static str, Job)>>>,
    fault: Arc<Mutex<Option<Fault>>>,
    /// How many calls come before the one that fails.
    spared: Arc<Mutex<usize>>,
    hangs: Arc<Mutex<Option<&'static str>>>,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Between {
    pub(crate) fn on(&self, verb: &'static str, job: impl Future<Output = ()> + Send + 'static) {
        *self.job.lock().unwrap() = Some((verb, Box::pin(job)));
    }

    /// The next call of this verb gets no answer, or all from now on.
    pub(crate) fn silence(&self, verb: &'static str, for_ever: bool) {
        let kind = StoreErrorKind::NotReplicated;
        *self.fault.lock().unwrap() = Some(Fault { verb, kind, behind: false, for_ever });
    }

    /// The call of this verb behind so many others gets no answer.
    pub(crate) fn silence_after(&self, others: usize, verb: &'static str) {
        self.silence(verb, false);
        *self.spared.lock().unwrap() = others;
    }

    /// The next call of this verb fails so, and nothing is done.
    pub(crate) fn fail(&self, verb: &'static str, kind: StoreErrorKind) {
        *self.fault.lock().unwrap() = Some(Fault { verb, kind, behind: false, for_ever: false });
    }

    /// The next call of this verb is carried out, and its answer is this error.
    pub(crate) fn lose(&self, verb: &'static str, kind: StoreErrorKind) {
        *self.fault.lock().unwrap() = Some(Fault { verb, kind, behind: true, for_ever: false });
    }

    /// All calls of this verb wait for ever.
    pub(crate) fn hang(&self, verb: &'static str) {
        *self.hangs.lock().unwrap() = Some(verb);
    }

    pub(crate) fn heal(&self) {
        *self.fault.lock().unwrap() = None;
        *self.hangs.lock().unwrap() = None;
    }

    pub(crate) fn notes_of(&self, user: &str) -> usize {
        self.store.notes_of(user)
    }

    /// How often this verb was called.
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| **call == verb).count()
    }

    async fn call<T>(
        &self,
        verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.calls.lock().unwrap().push(verb);
        if verb != "sessions_of" {
            self.others(verb).await;
        }
        if *self.hangs.lock().unwrap() == Some(verb) {
            std::future::pending::<()>().await;
        }
        let fault = {
            let mut fault = self.fault.lock().unwrap();
            let mut spared = self.spared.lock().unwrap();
            let is_meant = fault.is_some_and(|fault| fault.verb == verb) && *spared == 0;
            *spared = spared.saturating_sub(usize::from(fault.is_some_and(|it| it.verb == verb)));
            let now = fault.filter(|_| is_meant);
            fault.take_if(|fault| is_meant && !fault.for_ever);
            now
        };
        let answer = match fault {
            Some(Fault { behind: false, kind, .. }) => Err(StoreError::new(kind)),
            Some(Fault { kind, .. }) => call.await.and_then(|_| Err(StoreError::new(kind))),
            None => call.await,
        };
        if verb == "sessions_of" {
            self.others(verb).await;
        }
        answer
    }

    async fn others(&self, verb: &str) {
        let job = {
            let mut job = self.job.lock().unwrap();
            job.take_if(|(at, _)| *at == verb)
        };
        if let Some((_, job)) = job {
            job.await;
        }
    }
}

impl Store for Between {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.call("load", self.store.load(key)).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.call("create", self.store.create(key, record)).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.call("update", self.store.update(key, expected, record)).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.store.touch(key, idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.call("delete", self.store.delete(key, until_ms)).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.call("supersede", self.store.supersede(old, expected, moved)).await
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
        self.call("enter", self.store.enter(owner, key, now_ms, until_ms)).await
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        self.call("leave", self.store.leave(owner, key)).await
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.call("sessions_of", self.store.sessions_of(owner, after, limit)).await
    }
}
