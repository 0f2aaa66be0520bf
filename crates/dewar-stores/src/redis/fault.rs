//! What went wrong, in the words of the contract.

use dewar::store::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::{error::OpenError, form::Unreadable};

/// Why an attempt failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Fault {
    /// There was no connection: nothing was asked.
    #[error("there is no connection to Redis")]
    Unreached(#[source] RedisError),
    /// It was asked, and the answer was lost.
    #[error("the answer of Redis was lost")]
    Lost(#[source] RedisError),
    /// The server refused: nothing was done.
    #[error("Redis refused")]
    Refused(#[source] RedisError),
    /// It is done, and too few replicas have it.
    #[error("{confirmed} of {wanted} replicas confirmed the write")]
    TooFewReplicas { confirmed: usize, wanted: usize },
    /// The node that would be asked is not what this store needs.
    #[error("{0}")]
    Unfit(String),
    /// The node may go on writing when it is cut off.
    #[error("{node} has min-replicas-to-write {found}, and a strict store needs at least 1")]
    MinReplicas { node: String, found: String },
    /// An answer of a kind that the command never has.
    #[error("Redis gave an answer that the command does not have")]
    Strange,
}

impl Fault {
    /// An error after something was sent.
    pub(super) fn of_answer(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension => Self::Refused(error),
            _ => Self::Lost(error),
        }
    }

    /// As the reason why a store is not opened. `tls`: whether it was spoken.
    pub(super) fn into_open_error(self, tls: bool) -> OpenError {
        let code = match &self {
            Self::Refused(error) | Self::Unreached(error) => error.code().map(str::to_owned),
            _ => None,
        };
        let broke_off = match &self {
            // Nobody is there at all.
            Self::Unreached(error) if error.is_connection_refusal() => false,
            Self::Unreached(error) | Self::Lost(error) if tls => {
                // What is not TLS is silence, an end, or a message that is none.
                error.is_timeout()
                    || error.is_connection_dropped()
                    || error.to_string().contains("corrupt message")
            }
            Self::Unreached(error) | Self::Lost(error) => error.is_connection_dropped(),
            _ => false,
        };
        match (self, code.as_deref()) {
            (Self::MinReplicas { node, found }, _) => OpenError::MinReplicas { node, found },
            (fault, Some("NOAUTH")) => OpenError::NoPassword { source: fault.into() },
            (fault, Some("NOPERM")) => OpenError::NoRights { source: fault.into() },
            (fault, _) if broke_off => OpenError::PerhapsTls { tls, source: fault.into() },
            (fault, _) => OpenError::Unreachable { source: fault.into() },
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) fn broke_the_connection(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Strange)
    }

    /// Whether another node may be the master by now, or this one soon: nothing was done.
    pub(super) fn is_misdirected(&self) -> bool {
        match self {
            Self::Unreached(_) | Self::Unfit(_) => true,
            Self::Refused(error) => matches!(
                error.kind(),
                ErrorKind::Server(
                    ServerErrorKind::ReadOnly
                        | ServerErrorKind::MasterDown
                        | ServerErrorKind::ClusterDown
                        | ServerErrorKind::TryAgain
                        | ServerErrorKind::BusyLoading
                )
            ),
            _ => false,
        }
    }

    /// Whether to ask for the nodes anew helps whoever only reads.
    pub(super) fn may_be_elsewhere(&self) -> bool {
        self.is_misdirected()
            || self.broke_the_connection()
            || self.is(ServerErrorKind::Moved)
            || self.is(ServerErrorKind::Ask)
    }

    pub(super) fn is(&self, kind: ServerErrorKind) -> bool {
        matches!(self, Self::Refused(error) if error.kind() == ErrorKind::Server(kind))
    }

    /// As an answer to a caller, who may have asked for a change.
    pub(super) fn into_error(self, changes: bool) -> StoreError {
        let kind = match &self {
            Self::Unreached(_) | Self::Unfit(_) => StoreErrorKind::Unavailable,
            Self::MinReplicas { .. } => StoreErrorKind::Refused,
            Self::Lost(error) => match (changes, error.is_timeout()) {
                (_, true) => StoreErrorKind::TimedOut,
                (true, false) => StoreErrorKind::OutcomeUnknown,
                (false, false) => StoreErrorKind::Unavailable,
            },
            Self::Refused(error) => match error.code() {
                Some("OOM") => StoreErrorKind::Full,
                // Something else lies under the key of a session.
                Some("WRONGTYPE") => StoreErrorKind::Corrupt,
                // Somebody's script holds the node.
                Some("BUSY" | "UNKILLABLE") => StoreErrorKind::Contended,
                // Whoever else may be the master was asked for before: that this one takes no writes is
                // its answer, and asking on would keep the visitor waiting for the same.
                Some("READONLY") => StoreErrorKind::Refused,
                // The master was not found, or has no data yet: that is no answer of the store.
                _ if self.may_be_elsewhere() => StoreErrorKind::Unavailable,
                _ => StoreErrorKind::Refused,
            },
            Self::TooFewReplicas { .. } => StoreErrorKind::NotReplicated,
            Self::Strange if changes => StoreErrorKind::OutcomeUnknown,
            Self::Strange => StoreErrorKind::Unavailable,
        };
        StoreError::new(kind).with_source(self)
    }
}

impl From<Unreadable> for StoreError {
    fn from(damage: Unreadable) -> Self {
        Self::new(StoreErrorKind::Corrupt).with_source(damage)
    }
}
