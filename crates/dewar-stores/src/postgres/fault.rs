//! What went wrong, in the words of the contract.

use dewar::store::{StoreError, StoreErrorKind};
use tokio_postgres::{
    Error,
    error::{Severity, SqlState},
};

/// A row that is not what this store writes. It is left as it is.
#[derive(Debug, thiserror::Error)]
#[error("the row of {key} is damaged: {what}")]
pub(super) struct Unreadable {
    pub(super) key: dewar::StoreKey,
    pub(super) what: &'static str,
}

impl From<Unreadable> for StoreError {
    fn from(row: Unreadable) -> Self {
        Self::new(StoreErrorKind::Corrupt).with_source(row)
    }
}

/// Others changed the row each time just before we did. Nothing was done.
#[derive(Debug, thiserror::Error)]
#[error("others changed the row of {key} {times} times in between")]
pub(super) struct Contended {
    pub(super) key: dewar::StoreKey,
    pub(super) times: usize,
}

impl From<Contended> for StoreError {
    fn from(contended: Contended) -> Self {
        Self::new(StoreErrorKind::Contended).with_source(contended)
    }
}

/// What a statement does, and so what is known if its answer does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Reads,
    Writes,
}

/// The error of a statement that was handed to the driver.
pub(crate) fn store_error(error: Error, deed: Deed) -> StoreError {
    let kind = match refusal(&error) {
        Some(code) if *code == SqlState::DISK_FULL => StoreErrorKind::Full,
        Some(code) if is_held_up(code) => StoreErrorKind::Contended,
        Some(code) if is_useless(code) || is_of_the_connection(code) => StoreErrorKind::Unavailable,
        Some(_) => StoreErrorKind::Refused,
        None if deed == Deed::Reads => StoreErrorKind::Unavailable,
        None => StoreErrorKind::OutcomeUnknown,
    };
    StoreError::new(kind).with_source(error)
}

/// Why the server did not carry the statement out, if it surely did not.
///
/// An error ends the statement's transaction, and the connection lives. Whatever ends the connection
/// may have come after the commit: a server that is stopped in a hurry says its last words at any
/// moment.
fn refusal(error: &Error) -> Option<&SqlState> {
    let said = error.as_db_error()?;
    (said.parsed_severity() == Some(Severity::Error)).then(|| said.code())
}

/// Whether others held what the statement needs: a lock until `lock_timeout`, the time that a
/// statement may take, or all there is of something (class 53).
fn is_held_up(code: &SqlState) -> bool {
    let held_up = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ];
    held_up.contains(code) || code.code().starts_with("53")
}

/// Whether somebody between says that there is no server (class 08), or the server that it is about to
/// stop (class 57).
fn is_of_the_connection(code: &SqlState) -> bool {
    ["08", "57"].iter().any(|class| code.code().starts_with(class))
}

fn is_useless(code: &SqlState) -> bool {
    let useless = [
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::FEATURE_NOT_SUPPORTED,
    ];
    useless.contains(code)
}

/// Whether the connection is of no more use, although it lives: the server became a standby, or
/// forgot the statements.
pub(super) fn spoils_the_session(error: &Error) -> bool {
    refusal(error).is_some_and(is_useless)
}
