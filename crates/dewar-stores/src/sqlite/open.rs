//! What can be chosen about a store, and what may be wrong with its file.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{connect::Site, store::SqliteStore};

/// What "acknowledged" means when the power fails.
///
/// Neither level loses anything when only the process is killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// An answered write is on the disk. The default. Each group of waiting calls costs one sync.
    #[default]
    Full,
    /// An answered write may be lost with the power: up to the last 1,000 pages, and what came while
    /// these were synced; so seconds or minutes of logins **and logouts**. The file stays whole. It
    /// spares the sync.
    Normal,
}

/// A way to break the promise, for the test that must notice.
#[cfg(feature = "sabotage")]
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sabotage {
    /// `PRAGMA synchronous = OFF`.
    NeverSync,
    /// The answers leave before the transaction is committed.
    AnswerBeforeSync,
}

/// Why a file cannot be a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder or the file cannot be made, or is not accessible.
    #[error("cannot prepare the session file {path:?}")]
    Path {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is a symbolic link. Whoever may set one could choose what is written where, so name
    /// the file itself. Links among its folders are followed.
    #[error("the session file {path:?} is a symbolic link; name the file it points to")]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// The file holds something else; nothing was changed.
    #[error("the file is not a session store of dewar; name a new file, or an empty one")]
    Foreign,
    /// A newer dewar wrote this file; nothing was changed.
    #[error(
        "the session file has schema {found}, and this program knows {known}; use a newer version \
         of the program"
    )]
    NewerSchema {
        /// The version of the file.
        found: usize,
        /// The newest version that this program knows.
        known: usize,
    },
    /// The file lies where write-ahead logging does not work, as on a network file system.
    #[error("the session file cannot use write-ahead logging here; put it on a local disk")]
    NoWal,
    /// SQLite cannot open it: locked, damaged, or no database.
    #[error("SQLite cannot open the session file")]
    Database {
        /// What SQLite says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A thread could not be started.
    #[error("cannot start a thread for the session store")]
    Thread {
        /// What the operating system says.
        source: io::Error,
    },
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database { source: Box::new(error) }
    }
}

impl OpenError {
    /// Whether another process holds the file just now.
    pub(super) fn is_busy(&self) -> bool {
        let Self::Database { source } = self else { return false };
        source.downcast_ref().is_some_and(super::fault::is_busy)
    }
}

/// A moment so far away can be named by every clock.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// Options of a [`SqliteStore`].
#[derive(Clone, Debug)]
#[must_use = "it opens nothing before `open` is called"]
pub struct SqliteStoreBuilder {
    pub(super) path: PathBuf,
    pub(super) durability: Durability,
    pub(super) busy_timeout: Duration,
    pub(super) queue_length: usize,
    #[cfg(feature = "sabotage")]
    pub(super) sabotage: Option<Sabotage>,
}

impl SqliteStoreBuilder {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            durability: Durability::Full,
            busy_timeout: Duration::from_millis(1500),
            queue_length: 1024,
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }
    }

    /// What "acknowledged" means when the power fails. Default: [`Durability::Full`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long a call waits for a file that another process has locked. Default: 1.5 seconds.
    ///
    /// Then it fails with [`TimedOut`](dewar::store::StoreErrorKind::TimedOut), and nothing of it is
    /// done. Choose it shorter than the time that the session layer gives a call (2 seconds), or the
    /// layer hears nothing and takes the store for silent. More than an hour counts as an
    /// hour.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(LONGEST_TIMEOUT);
        self
    }

    /// How many writes may wait. Default: 1,024; 0 counts as 1.
    ///
    /// One more fails at once with [`Unavailable`](dewar::store::StoreErrorKind::Unavailable). Each
    /// waiting write holds a copy of its record.
    pub fn queue_length(mut self, length: usize) -> Self {
        self.queue_length = length.max(1);
        self
    }

    #[cfg(feature = "sabotage")]
    #[doc(hidden)]
    pub fn sabotage(mut self, sabotage: Sabotage) -> Self {
        self.sabotage = Some(sabotage);
        self
    }

    /// Opens the file; see [`SqliteStore::open`].
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open(self) -> Result<SqliteStore, OpenError> {
        SqliteStore::start(Site::prepare(self)?)
    }

    pub(super) fn synchronous(&self) -> &'static str {
        #[cfg(feature = "sabotage")]
        if self.sabotage == Some(Sabotage::NeverSync) {
            return "OFF";
        }
        match self.durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        }
    }

    /// Always false, but in the test that must notice.
    pub(super) fn answers_before_sync(&self) -> bool {
        #[cfg(feature = "sabotage")]
        return self.sabotage == Some(Sabotage::AnswerBeforeSync);
        #[cfg(not(feature = "sabotage"))]
        false
    }
}
