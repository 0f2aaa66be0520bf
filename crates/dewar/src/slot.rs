//! The slot in the request: sealed → open → closed.
//!
//! The layer puts it in, the extractor opens it, the layer closes it. It is the only thing the two
//! share, and its lock is never held across an await.

#[cfg(all(test, dewar_models))]
mod models;

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError},
};

use dewar_signing::Value;
use http::{HeaderMap, HeaderValue, header::COOKIE};

use crate::{
    backend::Backend,
    clock::unix_millis,
    commit::{self, CookieChange, Decision, Done},
    config::{Config, Profile},
    contents::Contents,
    error::CommitError,
    event::{Event, Snapshot},
    open::{Open, Opened, Origin, open},
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
    /// The cookies as they came.
    cookies: Vec<HeaderValue>,
    /// A handler asked, whatever it got.
    asked: AtomicBool,
    /// Empty while the slot is sealed.
    opened: OnceLock<Mutex<Phase>>,
    /// Held while the slot is being closed: a second closing waits for the first.
    closing: tokio::sync::Mutex<()>,
}

/// A session that somebody asked for.
enum Phase {
    Open(Open),
    /// No change counts any more; the contents stay readable.
    Closed {
        open: Open,
        outcome: Outcome,
    },
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
            cookies: headers.get_all(COOKIE).iter().cloned().collect(),
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
            let _ = self.0.opened.get_or_init(|| Mutex::new(Phase::Open(Open::new(opened))));
        }
        Ok(OpenSlot(self.clone()))
    }

    /// The end of the request: commits, and hands out what the browser is told. `None` if the
    /// response has nothing to do with the session.
    pub(crate) async fn finish(&self) -> Option<Finished> {
        let accessed = self.0.asked.load(Ordering::Relaxed);
        let opened = match self.0.opened.get() {
            Some(_) => OpenSlot(self.clone()),
            None if self.refreshes_unopened() => self.open().await.ok()?,
            // The handler's own answer says that the store failed; it still depends on the cookie.
            None if accessed => return Some(Finished { accessed, change: Ok(CookieChange::Keep) }),
            None => return None,
        };
        // A handler that was told of the failure has made its own answer.
        let change = match opened.was_refused() {
            true => Ok(CookieChange::Keep),
            false => match opened.close().await {
                // Nothing was kept and nothing is wrong: the response goes out as it is.
                Err(CommitError::Ended) => Ok(CookieChange::Keep),
                closed => closed.map(|()| opened.take_change()),
            },
        };
        Some(Finished { accessed, change })
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
        match &mut *self.lock() {
            Phase::Open(open) => visit(open, true),
            Phase::Closed { open, .. } => visit(open, false),
        }
    }

    /// Commits and closes. Once closed, it stays as it is, and says again what came of it.
    ///
    /// # Errors
    /// If the contents cannot be kept, or could not the first time. [`CommitError::Ended`] if the
    /// session had ended, or had been rotated away: then nothing is wrong.
    pub(crate) async fn close(&self) -> Result<(), CommitError> {
        let _turn = self.turn().await?;
        let Some(decision) = self.decide() else { return self.outcome() };
        let config = self.config();
        // A commit takes the operations away; their names are for whoever listens.
        let told = config.events.wants_contents();
        let changes = if told { self.with(|open, _| open.contents.summary()) } else { Vec::new() };
        let result = match (decision, &config.backend) {
            (Ok(decision), Backend::Cookie) => self
                .with(|open, _| commit::token::act(config, open, &decision))
                .map(|change| (decision, change.into())),
            (Ok(decision), _) if decision.plan == Plan::Nothing => {
                Ok((decision, CookieChange::Keep.into()))
            }
            (Ok(decision), Backend::Server(server)) => {
                let work = self.with(|open, _| commit::Work::take(open, decision));
                commit::stored::act(config, server, work).await.map(|done| (decision, done))
            }
            (Err(error), _) => Err(error),
        };
        match result {
            Ok((decision, done)) if done.kept => {
                self.keep(&decision, done, &changes);
                Ok(())
            }
            Ok(_) => {
                self.set_outcome(Outcome::Dropped);
                Err(CommitError::Ended)
            }
            Err(error) => {
                self.set_outcome(Outcome::Refused);
                config.emit(|| Event::Refused { error: &error });
                Err(error)
            }
        }
    }

    /// The turn to close. Somebody may have begun and never gone on: in server mode that is waited
    /// for no longer than a commit may take. In cookie mode closing waits for nothing.
    async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, StoreError> {
        let turn = self.0.0.closing.lock();
        match &self.config().backend {
            Backend::Cookie => Ok(turn.await),
            Backend::Server(server) => {
                let turn = tokio::time::timeout(server.options.commit_deadline, turn).await;
                turn.map_err(|_| StoreError::new(StoreErrorKind::OutcomeUnknown))
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

    /// From now on no change counts; gives what is to happen, once.
    fn decide(&self) -> Option<Result<Decision, CommitError>> {
        let mut phase = self.lock();
        let Phase::Open(open) = &mut *phase else { return None };
        let decision = commit::decide(self.config(), open);
        let open = std::mem::replace(open, Open::new(Opened::nowhere()));
        *phase = Phase::Closed { open, outcome: Outcome::Unknown };
        Some(decision)
    }

    /// Records what was done, and tells it.
    fn keep(&self, decision: &Decision, done: Done, changes: &[(String, Vec<&'static str>)]) {
        let mut told = None;
        if let Phase::Closed { open, outcome } = &mut *self.lock() {
            *outcome = Outcome::Kept(done.change);
            if self.config().events.wants_contents() {
                let after = done.merged.clone().unwrap_or_else(|| open.contents.to_dict());
                told = Some((open.contents.before().clone(), after));
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
        match &mut *self.lock() {
            Phase::Closed { outcome: Outcome::Kept(_), .. } | Phase::Open(_) => Ok(()),
            Phase::Closed { outcome: Outcome::Dropped, .. } => Err(CommitError::Ended),
            Phase::Closed { outcome, .. } => {
                *outcome = Outcome::Refused;
                let earlier = "an earlier commit of this request failed or was interrupted";
                Err(StoreError::new(StoreErrorKind::OutcomeUnknown).with_source(earlier).into())
            }
        }
    }

    fn set_outcome(&self, new: Outcome) {
        if let Phase::Closed { outcome, .. } = &mut *self.lock() {
            *outcome = new;
        }
    }

    /// Whoever asked for the commit was told that it failed.
    fn was_refused(&self) -> bool {
        matches!(&*self.lock(), Phase::Closed { outcome: Outcome::Refused, .. })
    }

    fn take_change(&self) -> CookieChange {
        match &mut *self.lock() {
            Phase::Closed { outcome: Outcome::Kept(change), .. } => std::mem::take(change),
            _ => CookieChange::Keep,
        }
    }

    /// A panic cannot leave a phase half changed: each step is one assignment.
    fn lock(&self) -> MutexGuard<'_, Phase> {
        let opened = self.0.0.opened.get().expect("an `OpenSlot` is made by opening a slot");
        opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
