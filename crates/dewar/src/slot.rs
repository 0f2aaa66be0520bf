//! The slot in the request: sealed → open → closed.
//!
//! The layer puts it in, the extractor opens it, the layer closes it. It is the only thing the two
//! share, and its lock is never held across an await.

mod close;
mod finishing;
#[cfg(all(test, dewar_models))]
mod models;

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError},
};

use dewar_signing::Value;
pub(crate) use finishing::Finishing;
use http::HeaderMap;

use crate::{
    backend::Backend,
    clock::unix_millis,
    commit::{self, CookieChange},
    config::{Config, Profile},
    cookie::CookieLines,
    error::CommitError,
    event::Event,
    open::{Open, Origin, open},
    outage::OnOutage,
    store::StoreError,
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
    /// What the route says that is to be done when the store gives no answer.
    on_outage: OnceLock<OnOutage>,
    /// Empty while the slot is sealed.
    opened: Mutex<Option<Asked>>,
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
    /// The store gave no answer, and the route goes on without.
    WentWithout,
}

/// What the layer finds when the handler is done.
#[derive(Debug)]
pub(crate) struct Finished {
    /// A handler asked for the session: the response depends on the cookie.
    pub(crate) accessed: bool,
    /// The store gave no answer, and the response was made all the same: it is not the page that belongs
    /// to the cookie.
    pub(crate) without: bool,
    pub(crate) change: Result<CookieChange, CommitError>,
}

/// A slot that has been opened: the handle's half.
#[derive(Clone, Debug)]
pub(crate) struct OpenSlot(Slot);

/// Neither cookies nor contents are for a log.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("asked", &self.asked.load(Ordering::Relaxed))
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
            on_outage: OnceLock::new(),
            opened: Mutex::new(None),
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
    pub(crate) async fn ask(&self, on_outage: Option<OnOutage>) -> Result<OpenSlot, StoreError> {
        self.0.asked.store(true, Ordering::Relaxed);
        if let Some(on_outage) = on_outage {
            // The first to ask is the handler, whose route it is.
            let _ = self.0.on_outage.set(on_outage);
        }
        self.open().await
    }

    /// What is to be done when the store gives no answer.
    fn on_outage(&self) -> OnOutage {
        let of_the_route = self.0.on_outage.get().copied();
        of_the_route.unwrap_or_else(|| match &self.config().backend {
            Backend::Cookie => OnOutage::Refuse,
            Backend::Server(server) => server.options.on_outage,
        })
    }

    async fn open(&self) -> Result<OpenSlot, StoreError> {
        if !self.is_open() {
            let config = self.config();
            let now_ms = unix_millis(config.clock.now());
            let opened = open(config, &self.0.cookies, now_ms, self.on_outage()).await;
            let unavailable = Verdict::StoreUnavailable;
            let verdict = opened.as_ref().map_or(&unavailable, |opened| &opened.verdict);
            config.emit(|| Event::Opened { verdict });
            let opened = opened?;
            // Of two that open at once, the first counts.
            let mut asked = self.lock();
            if asked.is_none() {
                *asked = Some(Asked { open: Open::new(opened), phase: Phase::Open });
            }
        }
        Ok(OpenSlot(self.clone()))
    }

    fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// A panic cannot leave it half changed: each step is one assignment.
    fn lock(&self) -> MutexGuard<'_, Option<Asked>> {
        self.0.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the request: commits, and hands out what the browser is told. It is done at once
    /// unless a store has to be asked.
    pub(crate) fn finish(&self) -> Finishing {
        if !self.accessed() {
            return if self.refreshes_unopened() { self.refresh() } else { Finishing::Nothing };
        }
        let mut asked = self.lock();
        let (nothing_to_do, without) = match &mut *asked {
            Some(asked) => (asked.close_if_only_read(self.config()), asked.went_without()),
            // A handler that was given no session has made its own answer.
            None => (true, true),
        };
        if nothing_to_do {
            let change = Ok(CookieChange::Keep);
            return Finishing::Now(Finished { accessed: true, without, change });
        }
        // So has one that was told of a failure.
        let refused = |asked: &Asked| matches!(asked.phase, Phase::Closed(Outcome::Refused));
        let told = asked.as_ref().is_some_and(refused);
        drop(asked);
        let open = OpenSlot(self.clone());
        if let Some(closed) = open.close_at_once() {
            return Finishing::Now(open.finished(closed, told));
        }
        Finishing::waits(async move {
            let closed = open.close().await;
            Some(open.finished(closed, told))
        })
    }

    /// Opens and closes a session that nobody asked for.
    fn refresh(&self) -> Finishing {
        let slot = self.clone();
        Finishing::waits(async move {
            let open = slot.open().await.ok()?;
            let closed = open.close().await;
            Some(open.finished(closed, false))
        })
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
        self.asked(|asked| visit(&mut asked.open, matches!(asked.phase, Phase::Open)))
    }

    fn asked<R>(&self, visit: impl FnOnce(&mut Asked) -> R) -> R {
        visit(self.0.lock().as_mut().expect("an `OpenSlot` is made by opening a slot"))
    }

    /// Takes a key's value for this request alone: see
    /// [`Session::take_once`](crate::Session::take_once).
    pub(crate) async fn take_once(&self, name: &str) -> Result<Option<Value>, CommitError> {
        let config = self.config();
        let stored = self.with(|open, live| match &open.origin {
            Origin::Stored(stored) if live => Ok(Some(stored.key)),
            Origin::Unreachable { .. } if live => Err(StoreError::unread()),
            _ => Ok(None),
        })?;
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
}
