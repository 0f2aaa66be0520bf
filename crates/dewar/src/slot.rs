//! The slot in the request: sealed → open → closed.
//!
//! The layer puts it in, the extractor opens it, the layer closes it. It is the only thing the two
//! share, and its lock is never held across an await.

mod finishing;
#[cfg(all(test, dewar_models))]
mod models;

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError},
};

use dewar_signing::{LazyDict, Value};
pub(crate) use finishing::Finishing;
use http::HeaderMap;

use crate::{
    backend::{Backend, within},
    clock::unix_millis,
    commit::{self, CookieChange, Decision, Done},
    config::{Config, Profile},
    contents::Contents,
    cookie::CookieLines,
    error::CommitError,
    event::{Event, Snapshot},
    open::{Open, Origin, open},
    plan::Plan,
    store::{StoreError, StoreErrorKind},
    sync::loomed::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    verdict::Verdict,
};

/// The slot; clones are the same slot.
#[derive(Clone, Debug)]
pub(crate) struct Slot(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    cookies: CookieLines,
    /// A handler asked, whatever it got.
    asked: AtomicBool,
    /// Empty while the slot is sealed.
    opened: OnceLock<Mutex<Asked>>,
    /// Held while the slot is being closed: a second closing waits for the first.
    closing: tokio::sync::Mutex<()>,
}

/// A session that somebody asked for.
struct Asked {
    open: Open,
    phase: Phase,
}

/// How far it is.
#[derive(Debug)]
enum Phase {
    Open,
    /// No change counts any more; the contents stay readable. This came of it.
    Closed(Outcome),
}

/// What came of closing.
#[derive(Debug)]
enum Outcome {
    /// Under way; if nobody is at it, it was dropped halfway.
    Unknown,
    Kept(CookieChange),
    /// The session had ended or was rotated away: nothing was kept, and nothing is wrong.
    Dropped,
    Refused,
}

/// What closing begins with.
enum Beginning {
    /// It is closed: this is to happen, and these changes are told to listeners.
    Decided(Result<Decision, CommitError>, Changes),
    /// It was closed before, or is being.
    Closed,
    /// A store has to be asked, for which there is no time now: it is still open.
    Waits,
}

/// The touched keys with the names of the operations; empty if nobody listens.
type Changes = Vec<(String, Vec<&'static str>)>;

/// What the layer finds when the handler is done.
#[derive(Debug)]
pub(crate) struct Finished {
    /// A handler asked for the session: the response depends on the cookie.
    pub(crate) accessed: bool,
    pub(crate) change: Result<CookieChange, CommitError>,
}

/// A slot that has been opened: the handle's half.
#[derive(Clone, Debug)]
pub(crate) struct OpenSlot(Slot);

/// Neither cookies nor contents are for a log.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("opened", &self.opened.get().is_some())
            .finish_non_exhaustive()
    }
}

impl Slot {
    /// Keeps the cookies of a request; copies no byte of them.
    pub(crate) fn seal(config: &Arc<Config>, headers: &HeaderMap) -> Self {
        Self(Arc::new(Inner {
            config: Arc::clone(config),
            cookies: CookieLines::of(headers),
            asked: AtomicBool::new(false),
            opened: OnceLock::new(),
            closing: tokio::sync::Mutex::const_new(()),
        }))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// Whether it was put there by a layer of this very configuration.
    pub(crate) fn is_of(&self, config: &Arc<Config>) -> bool {
        Arc::ptr_eq(&self.0.config, config)
    }

    /// Opens the session for a handler: from now on the response depends on the cookie.
    ///
    /// # Errors
    /// If the store gave no answer.
    pub(crate) async fn ask(&self) -> Result<OpenSlot, StoreError> {
        self.0.asked.store(true, Ordering::Relaxed);
        self.open().await
    }

    async fn open(&self) -> Result<OpenSlot, StoreError> {
        if self.0.opened.get().is_none() {
            let config = self.config();
            let now_ms = unix_millis(config.clock.now());
            let opened = open(config, &self.0.cookies, now_ms).await;
            let unavailable = Verdict::StoreUnavailable;
            let verdict = opened.as_ref().map_or(&unavailable, |opened| &opened.verdict);
            config.emit(|| Event::Opened { verdict });
            // Of two that open at once, the first counts.
            let opened = opened?;
            let _ = self
                .0
                .opened
                .get_or_init(|| Mutex::new(Asked { open: Open::new(opened), phase: Phase::Open }));
        }
        Ok(OpenSlot(self.clone()))
    }

    /// The end of the request: commits, and hands out what the browser is told. It is done at once
    /// unless a store has to be asked.
    pub(crate) fn finish(&self) -> Finishing {
        if self.0.opened.get().is_none() {
            return self.finish_unopened();
        }
        let open = OpenSlot(self.clone());
        // A handler that was told of a failure has made its own answer.
        let told = open.was_refused();
        if let Some(closed) = open.close_at_once() {
            return Finishing::Now(open.finished(closed, told));
        }
        Finishing::waits(async move {
            let closed = open.close().await;
            Some(open.finished(closed, told))
        })
    }

    fn finish_unopened(&self) -> Finishing {
        if self.refreshes_unopened() {
            let slot = self.clone();
            return Finishing::waits(async move {
                let open = slot.open().await.ok()?;
                let closed = open.close().await;
                Some(open.finished(closed, false))
            });
        }
        // The handler's own answer says that the store failed; it still depends on the cookie.
        let failed = Finished { accessed: true, change: Ok(CookieChange::Keep) };
        if self.accessed() { Finishing::Now(failed) } else { Finishing::Nothing }
    }

    fn accessed(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// Flask refreshes a permanent session on every request, opened or not.
    fn refreshes_unopened(&self) -> bool {
        let config = self.config();
        config.profile == Profile::Flask && config.rolling && !self.0.cookies.is_empty()
    }
}

impl OpenSlot {
    pub(crate) fn config(&self) -> &Config {
        self.0.config()
    }

    /// The single door to the contents. The second argument of `visit` tells whether changes still
    /// count.
    pub(crate) fn with<R>(&self, visit: impl FnOnce(&mut Open, bool) -> R) -> R {
        let asked = &mut *self.lock();
        visit(&mut asked.open, matches!(asked.phase, Phase::Open))
    }

    /// Commits and closes. Once closed, it stays as it is, and says again what came of it.
    ///
    /// # Errors
    /// If the contents cannot be kept, or could not the first time. [`CommitError::Ended`] if the
    /// session had ended, or had been rotated away: then nothing is wrong.
    pub(crate) async fn close(&self) -> Result<(), CommitError> {
        let _turn = self.turn().await?;
        match (self.begin(true), &self.config().backend) {
            (Beginning::Decided(Ok(decision), changes), Backend::Server(server))
                if decision.plan != Plan::Nothing =>
            {
                let (origin, mut work) = self.with(|open, _| commit::Work::take(open, decision));
                let done = commit::stored::act(self.config(), server, &origin, &mut work).await;
                self.settle(done.map(|done| (decision, done)), &changes)
            }
            (beginning, _) => self.end(beginning),
        }
    }

    /// The same without waiting: `None` if a store has to be asked, or somebody is closing already.
    fn close_at_once(&self) -> Option<Result<(), CommitError>> {
        let _turn = self.0.0.closing.try_lock().ok()?;
        match self.begin(false) {
            Beginning::Waits => None,
            beginning => Some(self.end(beginning)),
        }
    }

    /// From now on no change counts, unless a store has to be asked and there is no time to wait.
    fn begin(&self, may_wait: bool) -> Beginning {
        let config = self.config();
        let mut asked = self.lock();
        if !matches!(asked.phase, Phase::Open) {
            return Beginning::Closed;
        }
        let decision = commit::decide(config, &mut asked.open);
        let on_server = matches!(config.backend, Backend::Server(_));
        let asks_store = matches!(&decision, Ok(decision) if decision.plan != Plan::Nothing);
        if on_server && asks_store && !may_wait {
            return Beginning::Waits;
        }
        asked.phase = Phase::Closed(Outcome::Unknown);
        // A commit takes the operations away; their names are for whoever listens.
        let told = config.events.wants_contents();
        let changes = if told { asked.open.contents.summary() } else { Vec::new() };
        Beginning::Decided(decision, changes)
    }

    /// Ends what no store is asked for: the contents become a cookie, or nothing is to be done.
    fn end(&self, beginning: Beginning) -> Result<(), CommitError> {
        let Beginning::Decided(decision, changes) = beginning else { return self.outcome() };
        let done = decision.and_then(|decision| {
            let act = |open: &mut Open, _| commit::token::act(self.config(), open, &decision);
            Ok((decision, self.with(act)?.into()))
        });
        self.settle(done, &changes)
    }

    /// Keeps in mind what came of closing, and tells it.
    fn settle(
        &self,
        done: Result<(Decision, Done), CommitError>,
        changes: &Changes,
    ) -> Result<(), CommitError> {
        match done {
            Ok((decision, done)) if done.kept => {
                self.keep(&decision, done, changes);
                Ok(())
            }
            Ok(_) => {
                self.set_outcome(Outcome::Dropped);
                Err(CommitError::Ended)
            }
            Err(error) => {
                self.set_outcome(Outcome::Refused);
                self.config().emit(|| Event::Refused { error: &error });
                Err(error)
            }
        }
    }

    /// What the layer is told of a closing.
    fn finished(&self, closed: Result<(), CommitError>, told: bool) -> Finished {
        let change = match closed {
            // Nothing was kept and nothing is wrong: the response goes out as it is.
            Err(CommitError::Ended) => Ok(CookieChange::Keep),
            Err(_) if told => Ok(CookieChange::Keep),
            closed => closed.map(|()| self.take_change()),
        };
        Finished { accessed: self.0.accessed(), change }
    }

    /// The turn to close. Somebody may have begun and never gone on: in server mode that is waited
    /// for no longer than a commit may take. In cookie mode closing waits for nothing.
    async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, StoreError> {
        let turn = self.0.0.closing.lock();
        match &self.config().backend {
            Backend::Cookie => Ok(turn.await),
            Backend::Server(server) => {
                let turn = within(server.options.commit_deadline, turn).await;
                turn.ok_or_else(|| StoreError::new(StoreErrorKind::OutcomeUnknown))
            }
        }
    }

    /// Takes a key's value for this request alone: see
    /// [`Session::take_once`](crate::Session::take_once).
    pub(crate) async fn take_once(&self, name: &str) -> Result<Option<Value>, CommitError> {
        let config = self.config();
        let stored = self.with(|open, live| match &open.origin {
            Origin::Stored(stored) if live => Some(stored.key),
            _ => None,
        });
        let (Backend::Server(server), Some(key)) = (&config.backend, stored) else {
            return Ok(None);
        };
        let taken = commit::take_once(config, server, key, name).await?;
        self.with(|open, _| {
            open.contents.forget(name);
            open.edits += 1;
        });
        Ok(taken)
    }

    /// Records what was done, and tells it.
    fn keep(&self, decision: &Decision, done: Done, changes: &[(String, Vec<&'static str>)]) {
        let mut told = None;
        {
            let Asked { open, phase } = &mut *self.lock();
            *phase = Phase::Closed(Outcome::Kept(done.change));
            if self.config().events.wants_contents() {
                let merged = done.merged.as_ref().map(LazyDict::to_dict);
                let after = merged.unwrap_or_else(|| open.contents.to_dict());
                told = Some((open.contents.before().to_dict(), after));
            }
            if let Some(merged) = done.merged {
                open.contents = Contents::new(merged);
            }
        }
        // A listener may look at the session: the lock is free by now.
        if let Some((before, after)) = told {
            let (plan, before, after) = (decision.plan, Snapshot(&before), Snapshot(&after));
            self.config().emit(|| Event::Committed { plan, before, changes, after });
        }
    }

    /// What came of a closing that is over.
    ///
    /// # Errors
    /// If it failed, or was dropped halfway: nothing was kept as far as anybody knows.
    fn outcome(&self) -> Result<(), CommitError> {
        match &mut self.lock().phase {
            Phase::Closed(Outcome::Kept(_)) | Phase::Open => Ok(()),
            Phase::Closed(Outcome::Dropped) => Err(CommitError::Ended),
            Phase::Closed(outcome) => {
                *outcome = Outcome::Refused;
                let earlier = "an earlier commit of this request failed or was interrupted";
                Err(StoreError::new(StoreErrorKind::OutcomeUnknown).with_source(earlier).into())
            }
        }
    }

    fn set_outcome(&self, new: Outcome) {
        self.lock().phase = Phase::Closed(new);
    }

    /// Whoever asked for the commit was told that it failed.
    fn was_refused(&self) -> bool {
        matches!(self.lock().phase, Phase::Closed(Outcome::Refused))
    }

    fn take_change(&self) -> CookieChange {
        match &mut self.lock().phase {
            Phase::Closed(Outcome::Kept(change)) => std::mem::take(change),
            _ => CookieChange::Keep,
        }
    }

    /// A panic cannot leave a phase half changed: each step is one assignment.
    fn lock(&self) -> MutexGuard<'_, Asked> {
        let opened = self.0.0.opened.get().expect("an `OpenSlot` is made by opening a slot");
        opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
