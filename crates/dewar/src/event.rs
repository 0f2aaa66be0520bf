//! What happens to sessions, as one stream.
//!
//! Every event goes to `tracing` (target `dewar`) and to the listener of
//! [`SessionLayerBuilder::on_event`](crate::SessionLayerBuilder::on_event). Nothing is built while
//! neither listens. `tracing` never sees a key, an id or a value; a listener sees the contents.

use std::{fmt, panic::Location};

use dewar_signing::Dict;

use crate::{error::CommitError, plan::Plan, verdict::Verdict};

/// Something that happened to a session. Its `Debug` form leaves the contents out.
#[non_exhaustive]
pub enum Event<'a> {
    /// A handler asked for the session; the verdict says what it got.
    Opened {
        /// What became of the cookie.
        verdict: &'a Verdict,
    },
    /// The request is over and its changes are in the response.
    Committed {
        /// What was decided.
        plan: Plan,
        /// What was opened.
        before: &'a Dict,
        /// The touched keys, each with the names of the operations meant for it.
        changes: &'a [(&'a str, Vec<&'static str>)],
        /// What the session holds now.
        after: &'a Dict,
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
                tracing::error!(target: "dewar", %error, "session not saved");
            }
            Self::CookieOversized { bytes, limit } => tracing::warn!(
                target: "dewar", bytes, limit,
                "the session cookie is too large: browsers may ignore it"
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

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { verdict } => f.debug_struct("Opened").field("verdict", verdict).finish(),
            Self::Committed { plan, changes, .. } => f
                .debug_struct("Committed")
                .field("plan", plan)
                .field("changes", changes)
                .finish_non_exhaustive(),
            Self::Refused { error } => f.debug_struct("Refused").field("error", error).finish(),
            Self::CookieOversized { bytes, limit } => f
                .debug_struct("CookieOversized")
                .field("bytes", bytes)
                .field("limit", limit)
                .finish(),
            Self::LateWrite { key, caller } => {
                f.debug_struct("LateWrite").field("key", key).field("caller", caller).finish()
            }
            Self::Misread { key, expected, found } => f
                .debug_struct("Misread")
                .field("key", key)
                .field("expected", expected)
                .field("found", found)
                .finish(),
        }
    }
}
