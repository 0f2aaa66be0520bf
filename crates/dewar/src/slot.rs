//! The slot in the request: sealed → open → closed.
//!
//! The layer puts it in, the extractor opens it, the layer closes it. It is the only thing the two
//! share, and its lock is never held across an await.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dewar_signing::Value;
use http::{HeaderMap, HeaderValue, header::COOKIE};

use crate::{
    clock::unix_seconds,
    commit::{CookieChange, commit},
    config::{Config, Profile},
    contents::Contents,
    error::{CommitError, ValueError},
    event::Event,
    lifetime::Moments,
    open::{Opened, open},
    plan::{Intent, Was},
    verdict::Verdict,
};

/// One request's session, in time.
#[derive(Debug)]
enum State {
    /// The cookies as they came; nobody asked.
    Sealed(Vec<HeaderValue>),
    Open(Open),
    /// The response is decided. The contents stay readable.
    Closed {
        open: Open,
        change: CookieChange,
    },
}

/// A session that somebody asked for.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) was: Was,
    pub(crate) moments: Moments,
    pub(crate) verdict: Verdict,
    pub(crate) contents: Contents,
    pub(crate) intent: Intent,
    /// Flask's flag: set by every mutator, read by the `flask` profile alone.
    pub(crate) modified: bool,
    /// The flash messages this request has taken out.
    pub(crate) flashes: Option<Vec<Value>>,
    /// A typed session that could not be written back.
    pub(crate) failure: Option<ValueError>,
    /// Counts the changes, so that an updater can tell whether it ran on the latest value.
    pub(crate) edits: u64,
}

/// What the layer finds when the handler is done.
#[derive(Debug)]
pub(crate) struct Finished {
    /// A handler asked for the session: the response depends on the cookie.
    pub(crate) accessed: bool,
    pub(crate) change: Result<CookieChange, CommitError>,
}

/// The slot; clones are the same slot.
#[derive(Clone, Debug)]
pub(crate) struct Slot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Arc<Config>,
    state: Mutex<State>,
}

impl Slot {
    /// Keeps the cookies of a request; copies no byte of them.
    pub(crate) fn seal(config: &Arc<Config>, headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(COOKIE).iter().cloned().collect();
        let state = Mutex::new(State::Sealed(cookies));
        Self(Arc::new(Inner { config: Arc::clone(config), state }))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// The single door to the contents: opens them if nobody did before. The second argument of
    /// `visit` tells whether changes still count.
    pub(crate) fn with<R>(&self, visit: impl FnOnce(&mut Open, bool) -> R) -> R {
        let mut state = self.lock();
        match &mut *state {
            State::Sealed(cookies) => {
                let mut open = self.open(cookies);
                let result = visit(&mut open, true);
                *state = State::Open(open);
                result
            }
            State::Open(open) => visit(open, true),
            State::Closed { open, .. } => visit(open, false),
        }
    }

    /// Commits and closes. Once closed, it stays as it is.
    pub(crate) fn close(&self) -> Result<(), CommitError> {
        let mut state = self.lock();
        let mut open = match std::mem::replace(&mut *state, State::Sealed(Vec::new())) {
            State::Sealed(cookies) => self.open(&cookies),
            State::Open(open) => open,
            closed @ State::Closed { .. } => {
                *state = closed;
                return Ok(());
            }
        };
        let config = self.config();
        let result = commit(config, &mut open, unix_seconds(config.clock.now()));
        if let Err(error) = &result {
            config.emit(|| Event::Refused { error });
        }
        let (change, result) = match result {
            Ok(change) => (change, Ok(())),
            Err(error) => (CookieChange::Keep, Err(error)),
        };
        *state = State::Closed { open, change };
        result
    }

    /// The end of the request: commits, and hands out what the browser is told. `None` if the
    /// response has nothing to do with the session.
    pub(crate) fn finish(&self) -> Option<Finished> {
        let accessed = match &*self.lock() {
            State::Sealed(cookies) if !self.refreshes_unopened(cookies) => return None,
            State::Sealed(_) => false,
            State::Open(_) | State::Closed { .. } => true,
        };
        let change = self.close().map(|()| match &mut *self.lock() {
            State::Closed { change, .. } => std::mem::take(change),
            State::Sealed(_) | State::Open(_) => CookieChange::Keep,
        });
        Some(Finished { accessed, change })
    }

    fn open(&self, cookies: &[HeaderValue]) -> Open {
        let config = self.config();
        let Opened { was, contents, moments, verdict } =
            open(config, cookies, unix_seconds(config.clock.now()));
        config.emit(|| Event::Opened { verdict: &verdict });
        Open {
            was,
            moments,
            verdict,
            contents: Contents::new(contents),
            intent: Intent::Keep,
            modified: false,
            flashes: None,
            failure: None,
            edits: 0,
        }
    }

    /// Flask refreshes a permanent session on every request, opened or not.
    fn refreshes_unopened(&self, cookies: &[HeaderValue]) -> bool {
        let config = self.config();
        config.profile == Profile::Flask && config.rolling && !cookies.is_empty()
    }

    /// A panic cannot leave a state half changed: each step is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
