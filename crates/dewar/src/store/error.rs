//! A store that gave no answer.

use std::error::Error;

/// Why a store gave no answer. It is for the operator; a visitor sees "503 Service Unavailable".
#[derive(Debug, thiserror::Error)]
#[error("the session store {kind}")]
pub struct StoreError {
    kind: StoreErrorKind,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreErrorKind {
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
    /// It did not answer in time.
    #[error("did not answer in time")]
    TimedOut,
    /// It has no such capability; see [`BoxStore`](super::BoxStore).
    #[error("cannot do this")]
    Unsupported,
    /// It cannot be reached, or it failed.
    #[error("is unavailable")]
    Unavailable,
}

impl StoreError {
    /// An error without a cause beneath it.
    pub fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// The store cannot be reached, or it failed, for this reason.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(StoreErrorKind::Unavailable).with_source(source)
    }

    /// Adds the error beneath this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}
