//! What happens to sessions, as one stream.
//!
//! Every event goes to `tracing` (target `dewar`) and to the listener of
//! [`SessionLayerBuilder::on_event`](crate::SessionLayerBuilder::on_event). Nothing is built while
//! neither listens. `tracing` never sees an id or a value; a listener sees the contents.

use std::{error::Error, fmt, ops::Deref, panic::Location, sync::Arc, time::Duration};

use dewar_signing::Dict;

use crate::{error::CommitError, id::StoreKey, plan::Plan, store::StoreError, verdict::Verdict};

/// Something that happened to a session. Its `Debug` form leaves the contents out.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A handler asked for the session; the verdict says what it got.
    #[non_exhaustive]
    Opened {
        /// What became of the cookie.
        verdict: &'a Verdict,
    },
    /// The request is over and its changes are kept.
    #[non_exhaustive]
    Committed {
        /// What was decided.
        plan: Plan,
        /// What was opened.
        before: Snapshot<'a>,
        /// The touched keys, each with the names of the operations meant for it.
        changes: &'a [(String, Vec<&'static str>)],
        /// What the session holds now.
        after: Snapshot<'a>,
    },
    /// The changes could not be kept; the response became an error.
    Refused {
        /// Why.
        error: &'a CommitError,
    },
    /// The cookie is larger than browsers are sure to keep, and the profile sends it all the same.
    CookieOversized {
        /// Name, value and attributes, in bytes.
        bytes: usize,
        /// The configured limit, in bytes.
        limit: usize,
    },
    /// The store was asked.
    #[non_exhaustive]
    StoreCall {
        /// The verb.
        operation: &'static str,
        /// The session, by the hash of its id.
        session: StoreKey,
        /// How long the answer took.
        took: Duration,
        /// Why there was none.
        error: Option<&'a StoreError>,
    },
    /// The store gave no answer several times in a row, and is left alone for so long.
    StoreRests {
        /// How long.
        pause: Duration,
    },
    /// The store answers again.
    StoreAnswers,
    /// The store gave no answer, and the route goes on without: these changes were not kept. See
    /// [`OnOutage`](crate::OnOutage).
    WentOnWithout {
        /// The keys that were changed.
        keys: &'a [String],
        /// Why nothing was kept.
        error: &'a CommitError,
    },
    /// Somebody wrote in between; the changes were applied to what he wrote.
    ConflictMerged {
        /// The session, by the hash of its id.
        session: StoreKey,
    },
    /// Two requests set one key to different values, and the later commit won. Use an operation
    /// such as `incr` or `push`, or another key.
    Overwrote {
        /// The key.
        key: &'a str,
    },
    /// The session had ended when the changes were to be kept: nothing was written.
    Ended {
        /// The session, by the hash of its id.
        session: StoreKey,
    },
    /// A session has ended, and only now: of all that try to end one, on all machines, one tells it.
    /// Where several end one at the same moment and the store's answer to one of them is lost, two may.
    SessionEnded {
        /// The session, by the hash of its id.
        session: StoreKey,
        /// By what.
        by: EndedBy,
    },
    /// A cookie with an id that was rotated away was presented: an older copy, or a thief's.
    RotatedIdUsed {
        /// The old session, by the hash of its id.
        session: StoreKey,
    },
    /// Changes under an id that was rotated away meanwhile were dropped by the late-write rule.
    LateWritesDropped {
        /// The keys.
        keys: &'a [String],
    },
    /// A change came after the commit and was dropped.
    LateWrite {
        /// The key that was to be changed.
        key: &'a str,
        /// The line of the application that tried.
        caller: &'static Location<'static>,
    },
    /// A key was read as a type that it does not hold, and was taken for missing.
    Misread {
        /// The key.
        key: &'a str,
        /// The type that was asked for.
        expected: &'static str,
        /// The type that is there.
        found: &'static str,
    },
}

impl Event<'_> {
    /// Sends the event to `tracing`, without anything that is the visitor's.
    pub(crate) fn trace(&self) {
        match self {
            Self::Opened { verdict } => {
                tracing::debug!(target: "dewar", %verdict, "session opened")
            }
            Self::Committed { plan, changes, .. } => {
                tracing::debug!(target: "dewar", ?plan, changes = changes.len(), "session committed");
            }
            Self::Refused { error } => {
                let cause = causes(*error);
                tracing::error!(target: "dewar", %error, cause, "session not saved");
            }
            Self::CookieOversized { bytes, limit } => tracing::warn!(
                target: "dewar", bytes, limit,
                "the session cookie is too large: browsers may ignore it"
            ),
            Self::StoreCall { operation, session, took, error: None } => {
                tracing::trace!(target: "dewar", operation, %session, ?took, "store call");
            }
            Self::StoreCall { operation, session, took, error: Some(error) } => {
                let cause = causes(*error);
                tracing::error!(target: "dewar", operation, %session, ?took, %error, cause, "store call failed");
            }
            Self::StoreRests { pause } => tracing::error!(
                target: "dewar", ?pause,
                "the session store gives no answer: it is left alone for a moment"
            ),
            Self::StoreAnswers => {
                tracing::warn!(target: "dewar", "the session store answers again")
            }
            Self::WentOnWithout { keys, error } => {
                let cause = causes(*error);
                tracing::error!(
                    target: "dewar", keys = keys.len(), %error, cause,
                    "changes were not kept: the route goes on without its session"
                );
            }
            Self::ConflictMerged { session } => {
                tracing::debug!(target: "dewar", %session, "conflicting changes merged");
            }
            Self::Overwrote { .. } => tracing::warn!(
                target: "dewar",
                "two requests set one session key: the later commit won; use incr, push or update"
            ),
            Self::Ended { session } => {
                tracing::debug!(target: "dewar", %session, "changes of an ended session dropped");
            }
            Self::SessionEnded { session, by } => {
                tracing::debug!(target: "dewar", %session, ?by, "session ended");
            }
            Self::RotatedIdUsed { session } => {
                tracing::warn!(target: "dewar", %session, "a rotated session id was presented");
            }
            Self::LateWritesDropped { keys } => tracing::warn!(
                target: "dewar", keys = keys.len(),
                "changes that came after a rotation were dropped"
            ),
            Self::LateWrite { caller, .. } => tracing::warn!(
                target: "dewar", %caller,
                "a session was changed after its commit: the change is lost"
            ),
            Self::Misread { expected, found, .. } => tracing::warn!(
                target: "dewar", expected, found,
                "a session key was read as a type it does not hold"
            ),
        }
    }
}

/// Everything that lies beneath an error, each text once: some drivers say the same on every floor.
fn causes(error: &dyn Error) -> String {
    let mut told = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !told.contains(&text) {
            told.push(text);
        }
        source = cause.source();
    }
    told.split_off(1).join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreErrorKind;

    #[test]
    fn the_causes_are_told_to_the_ground_and_each_once() {
        let ground = StoreError::unavailable("connection reset");
        let middle = StoreError::unavailable(ground);
        let error = StoreError::new(StoreErrorKind::OutcomeUnknown).with_source(middle);
        assert_eq!(causes(&error), "the session store is unavailable: connection reset");
        let error = CommitError::Store(StoreError::unavailable("no route"));
        assert!(causes(&error).ends_with("no route"), "{}", causes(&error));
        assert_eq!(causes(&StoreError::new(StoreErrorKind::Full)), "");
    }
}

/// What ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndedBy {
    /// Its visitor: [`Session::destroy`](crate::Session::destroy).
    Logout,
    /// Its visitor, who began another one in the same request.
    Replaced,
    /// Its user on another device, or an operator: [`UserSessions`](crate::UserSessions).
    Revoked,
    /// A newer session of its user, who may have only so many:
    /// [`max_sessions_per_user`](crate::SessionLayerBuilder::max_sessions_per_user).
    Evicted,
    /// Its deadline.
    Expired,
    /// Its rotation was carried out and could not be answered: its new id has reached no browser.
    Lost,
}

/// The contents of a session at one moment. It prints their number alone: they are the visitor's.
#[derive(Clone, Copy)]
pub struct Snapshot<'a>(pub(crate) &'a Dict);

impl Deref for Snapshot<'_> {
    type Target = Dict;

    fn deref(&self) -> &Dict {
        self.0
    }
}

impl fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({} keys)", self.0.len())
    }
}

type Listener = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// Who listens.
#[derive(Clone, Default)]
pub(crate) struct Events(pub(crate) Option<Listener>);

impl Events {
    /// Tells everybody who listens; builds the event only if somebody does.
    pub(crate) fn emit<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        if self.listens() {
            let event = event();
            event.trace();
            if let Some(listener) = &self.0 {
                listener(&event);
            }
        }
    }

    /// Whether somebody would see the contents, or how many changes there were: copying them for
    /// nobody would cost every request.
    pub(crate) fn wants_contents(&self) -> bool {
        self.0.is_some() || tracing::enabled!(target: "dewar", tracing::Level::DEBUG)
    }

    /// Whether anybody would see an event.
    pub(crate) fn listens(&self) -> bool {
        self.0.is_some() || tracing::enabled!(target: "dewar", tracing::Level::ERROR)
    }
}
