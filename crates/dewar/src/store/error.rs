//! A store that gave no answer, or none that helps.

use std::{error::Error, time::Duration};

/// Why a store did not do what it was asked. It is for the operator; a visitor sees "503 Service
/// Unavailable".
///
/// Whoever writes a store chooses the kind with care: one that answered is left alone by nobody, and
/// one that did not is, for all sessions; see [`breaker`](crate::SessionLayerBuilder::breaker).
#[derive(Debug, thiserror::Error)]
#[error("the session store {kind}")]
pub struct StoreError {
    kind: StoreErrorKind,
    retry_after: Option<Duration>,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It answered that it cannot do this just now, because others hold what it needs: a lock, or all
    /// there is of something. Nothing was done; asked again, it may do it.
    #[error("cannot do this just now, others hold what it needs")]
    Contended,
    /// A record cannot be read. It is left as it is.
    #[error("holds a record that cannot be read")]
    Corrupt,
    /// There is no room for another session.
    #[error("is full")]
    Full,
    /// It wrote, and as many replicas as it was to wait for did not confirm it: the write may be lost
    /// if it fails over now.
    #[error("wrote, and its replicas did not confirm it")]
    NotReplicated,
    /// Whether the write happened is not known.
    #[error("did not say whether it wrote")]
    OutcomeUnknown,
    /// It answered, and will not do this: it may not, or does not take writes. Nothing was done.
    #[error("refuses this")]
    Refused,
    /// It is not asked, for a moment, because it gave no answer several times in a row; see
    /// [`breaker`](crate::SessionLayerBuilder::breaker).
    #[error("is left alone for a moment, after it gave no answer several times")]
    Resting,
    /// It did not answer in time.
    #[error("did not answer in time")]
    TimedOut,
    /// It has no such capability; see [`BoxStore`](super::BoxStore).
    #[error("cannot do this")]
    Unsupported,
    /// It cannot be reached, or it failed. To answer is not this, even if the answer is no:
    /// see [`Contended`](Self::Contended) and [`Refused`](Self::Refused).
    #[error("is unavailable")]
    Unavailable,
}

impl StoreError {
    /// An error without a cause beneath it.
    pub fn new(kind: StoreErrorKind) -> Self {
        Self { kind, retry_after: None, source: None }
    }

    /// The store cannot be reached, or it failed, for this reason.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(StoreErrorKind::Unavailable).with_source(source)
    }

    pub(crate) fn resting(retry_after: Duration) -> Self {
        let resting = Self::new(StoreErrorKind::Resting);
        Self { retry_after: Some(retry_after), ..resting }
    }

    /// The same failure after an attempt that may have been carried out: that the store was left alone
    /// since does not say that nothing was done.
    pub(crate) fn after_an_attempt(self) -> Self {
        match self.kind {
            StoreErrorKind::Resting => Self {
                retry_after: self.retry_after,
                ..Self::new(StoreErrorKind::OutcomeUnknown).with_source(self)
            },
            _ => self,
        }
    }

    /// Whether it says that nothing was done.
    pub(crate) fn is_undone(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Contended
                | StoreErrorKind::Full
                | StoreErrorKind::Refused
                | StoreErrorKind::Resting
        )
    }

    /// Of a session that could not be opened.
    pub(crate) fn unread() -> Self {
        Self::unavailable("the session could not be opened, so nothing of it can be kept or taken")
    }

    /// Of a session that this store no longer holds: its marker names its own key.
    pub(crate) fn carried_over() -> Self {
        Self::new(StoreErrorKind::Refused).with_source(
            "the session was carried over to another store: let every node use both \
             (dewar_stores::migrate::Migrating)",
        )
    }

    /// When to ask again, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Adds the error beneath this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What `Retry-After` says: whole seconds, at least one.
    pub(crate) fn retry_after_s(&self) -> u64 {
        self.retry_after.map_or(1, |left| left.as_millis().div_ceil(1000) as u64).max(1)
    }

    /// Whether the store gave no answer at all, or none that helps: another time it may.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Contended
                | StoreErrorKind::NotReplicated
                | StoreErrorKind::OutcomeUnknown
                | StoreErrorKind::Refused
                | StoreErrorKind::Resting
                | StoreErrorKind::TimedOut
                | StoreErrorKind::Unavailable
        )
    }

    /// Whether it may pass. It may leave open whether the call was carried out.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Contended
                | StoreErrorKind::OutcomeUnknown
                | StoreErrorKind::TimedOut
                | StoreErrorKind::Unavailable
        )
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}
