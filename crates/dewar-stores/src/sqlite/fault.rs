//! What went wrong, in the words of the contract.

use dewar::store::{StoreError, StoreErrorKind};
use rusqlite::ErrorCode;

/// A row that is not what this store writes. It is left as it is.
#[derive(Debug, thiserror::Error)]
#[error("the row of {key} is damaged: {what}")]
pub(super) struct Unreadable {
    pub(super) key: dewar::StoreKey,
    pub(super) what: &'static str,
}

/// Why a verb failed.
#[derive(Debug)]
pub(super) enum Fault {
    Row(Unreadable),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::Row(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Row(row) => Self::new(StoreErrorKind::Corrupt).with_source(row),
            Fault::Database(error) => store_error(error),
        }
    }
}

/// An error of the database before anything was committed.
pub(super) fn store_error(error: rusqlite::Error) -> StoreError {
    let kind = match error.sqlite_error_code() {
        // The lock is on all sessions, not on one: whoever waits for it in vain has a silent store, and
        // asking again at once would wait as long again.
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreErrorKind::TimedOut,
        Some(ErrorCode::ConstraintViolation | ErrorCode::ReadOnly) => StoreErrorKind::Refused,
        Some(ErrorCode::DiskFull) => StoreErrorKind::Full,
        // A damaged file too: `Corrupt` is of one record, and would let every visitor begin anew.
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind).with_source(error)
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}
