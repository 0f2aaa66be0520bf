//! Emptying the log on demand, for whoever has erased something.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{connect::Site, fault, open::OpenError, store::SqliteStore};

/// How long one attempt waits for readers, with writers shut out meanwhile.
const ATTEMPT: Duration = Duration::from_millis(50);

/// How long others have the file between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Copies the write-ahead log of this file into the database and cuts it to nothing, so that it holds
/// no older contents; `false` if others held the log for as long as `patience` says.
///
/// A log is commonly written over, not emptied: what was deleted can be read in it until then. The file
/// may be in use, here and in other processes; they wait for 50 ms at a time. It blocks the
/// thread.
///
/// It says nothing of copies elsewhere: in backups, or in pages of the file that were freed and are not
/// yet used again.
///
/// # Errors
/// If the file is not there, or SQLite cannot read or write it.
pub fn empty_log(path: impl AsRef<Path>, patience: Duration) -> Result<bool, OpenError> {
    let site = Site::prepare(SqliteStore::builder(path))?;
    let deadline = Instant::now() + patience;
    let database = site.copier()?;
    database.busy_timeout(ATTEMPT)?;
    loop {
        let is_busy = database
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))
            .or_else(|error| if fault::is_busy(&error) { Ok(true) } else { Err(error) })?;
        if !is_busy {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::sleep(PAUSE);
    }
}
