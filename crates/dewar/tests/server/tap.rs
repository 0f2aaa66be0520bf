//! A store around the memory store: it counts, fails at a given call, gives way at each call, and
//! breaks the contract on purpose.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::{Future, pending, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use dewar::{
    StoreKey,
    store::{
        Created, Loaded, MemoryStore, Moved, Reached, Record, Store, StoreError, StoreErrorKind,
        Sweep, WriteId, Written,
    },
};

/// What goes wrong at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error, and nothing was done.
    ErrorBefore,
    /// An error, although it was done.
    ErrorAfter,
    /// An answer: others hold what it needs. Nothing was done.
    Contended,
    /// An answer: it will not. Nothing was done.
    Refused,
    /// No answer for ever, and nothing was done.
    HangBefore,
    /// No answer for ever, although it was done.
    HangAfter,
}

/// Where a call is pending once, so that others come between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Never,
    Before,
    BeforeAndBehind,
}

/// Which rule of the contract is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    UpdateUpserts,
    TouchUpserts,
    DeleteWithoutTombstone,
    DeleteDoesNothing,
    VersionIgnored,
    UpdateDoesNothing,
    SupersedeKeepsTheOld,
    SupersedeDoesNothing,
    SupersedeIgnoresTheVersion,
    ForgetsTheWrites,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<&'static str>,
    /// From the call of this number on, as many times as said.
    fault: Option<(usize, Fault, usize)>,
    /// All keys that were ever written to.
    keys: BTreeSet<StoreKey>,
    last_key: Option<StoreKey>,
    /// What was created, for a store that brings it back.
    records: BTreeMap<StoreKey, Record>,
    /// All bytes that a store sees.
    seen: Vec<u8>,
}

/// The store; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Tap {
    pub(crate) inner: MemoryStore,
    state: Arc<Mutex<State>>,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) gives_way: Way,
    /// How long it says that it needs.
    pub(crate) needs: Option<Duration>,
}

impl Tap {
    pub(crate) fn new() -> Self {
        let state = Arc::default();
        Self {
            inner: MemoryStore::new(),
            state,
            sabotage: None,
            gives_way: Way::Never,
            needs: None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls since the last time, as one text.
    pub(crate) fn calls(&self) -> String {
        std::mem::take(&mut self.state().calls).join(" ")
    }

    /// How many calls there were since the last time.
    pub(crate) fn count(&self) -> usize {
        self.state().calls.len()
    }

    /// Lets the call of this number, counted from now, go wrong.
    pub(crate) fn fail(&self, at: usize, fault: Fault) {
        self.fail_times(at, fault, 1);
    }

    pub(crate) fn fail_times(&self, at: usize, fault: Fault, times: usize) {
        let mut state = self.state();
        state.calls.clear();
        state.fault = Some((at, fault, times));
    }

    pub(crate) fn heal(&self) {
        self.state().fault = None;
    }

    pub(crate) fn seen(&self) -> Vec<u8> {
        self.state().seen.clone()
    }

    /// The key that was asked for last.
    pub(crate) fn last_key(&self) -> StoreKey {
        self.state().last_key.expect("a call")
    }

    /// The live records whose bytes contain `text`. One whose deadline is the beginning of time was
    /// buried.
    pub(crate) async fn live_with(&self, text: &str) -> usize {
        let keys = self.state().keys.clone();
        let mut live = 0;
        for key in keys {
            if let Ok(Loaded::Live(record)) = self.inner.load(&key).await {
                let holds = String::from_utf8_lossy(&record.data).contains(text);
                live += usize::from(holds && record.deadline_ms() > 0);
            }
        }
        live
    }

    async fn call<T>(
        &self,
        name: &'static str,
        key: &StoreKey,
        data: &[u8],
        act: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let fault = {
            let mut state = self.state();
            let number = state.calls.len();
            state.calls.push(name);
            state.keys.insert(*key);
            state.last_key = Some(*key);
            state.seen.extend(key.as_bytes());
            state.seen.extend(data);
            let due = |(at, _, times): &(usize, Fault, usize)| {
                (*at..at.saturating_add(*times)).contains(&number)
            };
            state.fault.filter(due).map(|(_, fault, _)| fault)
        };
        give_way(self.gives_way != Way::Never).await;
        let failed = || StoreError::new(StoreErrorKind::Unavailable);
        let answer = match fault {
            None => act.await,
            Some(Fault::ErrorBefore) => Err(failed()),
            Some(Fault::ErrorAfter) => act.await.and_then(|_| Err(failed())),
            Some(Fault::Contended) => Err(StoreError::new(StoreErrorKind::Contended)),
            Some(Fault::Refused) => Err(StoreError::new(StoreErrorKind::Refused)),
            Some(Fault::HangBefore) => pending().await,
            Some(Fault::HangAfter) => {
                let _done = act.await;
                pending().await
            }
        };
        give_way(self.gives_way == Way::BeforeAndBehind).await;
        answer
    }

    /// Puts a record where it must not be.
    async fn force(&self, key: &StoreKey, record: &Record) -> Result<Written, StoreError> {
        match self.inner.load(key).await? {
            Loaded::Live(there) => self.inner.update(key, there.version(), record).await,
            Loaded::Nothing => self.inner.create(key, record).await.map(|_| Written::Done),
            Loaded::Moved(moved) => Ok(Written::Moved(moved)),
            Loaded::Ended { until_ms } => {
                Sweep::sweep(&self.inner, until_ms + 6 * 60_000, usize::MAX).await?;
                self.inner.create(key, record).await.map(|_| Written::Done)
            }
        }
    }
}

/// Pending once, and ready to go on at once.
async fn give_way(really: bool) {
    let mut waited = !really;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Store for Tap {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.call("load", key, &[], self.inner.load(key)).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.state().records.insert(*key, record.clone());
        self.call("create", key, &record.data, self.inner.create(key, record)).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        let act = async {
            match self.sabotage {
                Some(Sabotage::UpdateDoesNothing) => Ok(Written::Done),
                Some(Sabotage::VersionIgnored) => self.force(key, record).await,
                Some(Sabotage::UpdateUpserts) => {
                    match self.inner.update(key, expected, record).await? {
                        Written::Gone => self.force(key, record).await,
                        answer => Ok(answer),
                    }
                }
                Some(Sabotage::ForgetsTheWrites) => {
                    let writes = dewar::store::Writes::first(record.version());
                    let record = Record { writes, ..record.clone() };
                    self.inner.update(key, expected, &record).await
                }
                _ => self.inner.update(key, expected, record).await,
            }
        };
        self.call("update", key, &record.data, act).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        let act = async {
            match self.inner.touch(key, idle_deadline_ms).await? {
                Reached::Gone if self.sabotage == Some(Sabotage::TouchUpserts) => {
                    let kept = self.state().records.get(key).cloned();
                    if let Some(record) = kept {
                        self.force(key, &record).await?;
                    }
                    Ok(Reached::Done)
                }
                answer => Ok(answer),
            }
        };
        self.call("touch", key, &[], act).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        let act = async {
            match self.sabotage {
                Some(Sabotage::DeleteDoesNothing) => Ok(Reached::Done),
                // A tombstone of the distant past is swept away: nothing is known of the key.
                Some(Sabotage::DeleteWithoutTombstone) => {
                    let answer = self.inner.delete(key, 0).await;
                    Sweep::sweep(&self.inner, 1 << 30, usize::MAX).await?;
                    answer
                }
                _ => self.inner.delete(key, until_ms).await,
            }
        };
        self.call("delete", key, &[], act).await
    }

    fn answers_within(&self) -> Option<Duration> {
        self.needs
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        let act = async {
            match self.sabotage {
                Some(Sabotage::SupersedeKeepsTheOld | Sabotage::SupersedeDoesNothing) => {
                    Ok(Written::Done)
                }
                Some(Sabotage::SupersedeIgnoresTheVersion) => {
                    match self.inner.supersede(old, expected, moved).await? {
                        Written::Conflict(there) => {
                            self.inner.supersede(old, there.version(), moved).await
                        }
                        answer => Ok(answer),
                    }
                }
                _ => self.inner.supersede(old, expected, moved).await,
            }
        };
        self.call("supersede", old, moved.to.as_bytes(), act).await
    }
}
