//! The writer's transactions: begun, committed, undone; and what others wrote between them.

use rusqlite::{Connection, Statement};

/// Each statement prepared once: to prepare them for every transaction cost more than a commit.
pub(super) struct Transactions<'c> {
    database: &'c Connection,
    begin: Statement<'c>,
    commit: Statement<'c>,
    version: Statement<'c>,
    /// What SQLite said last; it moves when another connection has committed.
    last_version: Option<i64>,
}

impl<'c> Transactions<'c> {
    pub(super) fn of(database: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            database,
            begin: database.prepare("BEGIN IMMEDIATE")?,
            commit: database.prepare("COMMIT")?,
            version: database.prepare("PRAGMA data_version")?,
            last_version: None,
        })
    }

    /// Takes the lock, or fails at once; says whether another process wrote since the last time.
    pub(super) fn begin(&mut self) -> rusqlite::Result<bool> {
        self.begin.raw_execute()?;
        let version = self.version.query_row([], |row| row.get(0)).ok();
        let last = std::mem::replace(&mut self.last_version, version);
        Ok(last.is_some() && version != last)
    }

    /// Gives the lock back, after the sync that the store was opened with.
    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        self.commit.raw_execute().map(drop)
    }

    pub(super) fn roll_back(&self) {
        // SQLite did it already after some errors.
        if !self.database.is_autocommit() {
            let _ = self.database.execute_batch("ROLLBACK");
        }
    }
}
