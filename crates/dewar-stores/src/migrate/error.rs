//! Why a migration stopped.

use std::{io, path::PathBuf};

use dewar::{StoreKey, store::StoreError};

/// Why a migration stopped. Whatever it is: no session is lost, and the next run goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// Both are one store, whatever it was called; nothing was done.
    #[error("the old store and the new one are the same; name two")]
    SameStore,
    /// Whether both are one store could not be found out, though it was tried several times; nothing
    /// was done.
    #[error("cannot look whether the old store and the new one are two")]
    Compare {
        /// What one of both stores says.
        source: StoreError,
    },
    /// The old store cannot be walked.
    #[error("the old store cannot show what it holds; name one that can")]
    CannotScan,
    /// The old store did not show its next page, though it was asked several times.
    #[error("the old store cannot be read")]
    Scan {
        /// What the store says.
        source: StoreError,
    },
    /// A session could not be carried over, though it was tried several times.
    #[error("session {key} cannot be carried over")]
    Carry {
        /// Its key in the old store, which prints as its short id.
        key: StoreKey,
        /// What one of both stores says.
        source: StoreError,
    },
    /// The new store did not say what became of what was carried over before, though it was asked
    /// several times.
    #[error("the new store cannot be read")]
    Marks {
        /// What the store says.
        source: StoreError,
    },
    /// After the last of several passes the old store still showed live sessions.
    #[error(
        "the old store gets new sessions, {count} in the last pass; let every node use both stores, \
         then run it again"
    )]
    StillLive {
        /// How many sessions the last pass had to carry over.
        count: u64,
    },
    /// The checkpoint is of another migration; nothing was done.
    #[error(
        "the checkpoint {path:?} is of {found}, and this is {expected}; name another file, or remove \
         it to begin anew"
    )]
    OtherMigration {
        /// The file.
        path: PathBuf,
        /// Of which migration it is.
        found: String,
        /// Which one this is.
        expected: String,
    },
    /// The file is no checkpoint, or is damaged; nothing was done.
    #[error("{path:?} is not the checkpoint of a migration: {rule}; remove it to begin anew")]
    NoCheckpoint {
        /// The file.
        path: PathBuf,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The checkpoint cannot be read or written.
    #[error("cannot keep the checkpoint {path:?}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}
