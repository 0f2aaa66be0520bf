//! A table of Flask-SQLAlchemy in an SQLite file: `SESSION_TYPE = "sqlalchemy"`.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use dewar::store::{StoreError, StoreErrorKind};
use dewar_signing::DateTime;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::{
    look::{Change, NEVER_MS, NewBytes, There},
    redis::OpenError,
    scan::Names,
    store::{FlaskSessionStore, Place, Table},
};

/// How long another writer of the file is waited for.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// As SQLAlchemy makes it.
const SESSIONS: &str = "
CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER NOT NULL,
    session_id VARCHAR(255),
    data BLOB,
    expiry DATETIME,
    PRIMARY KEY (id),
    UNIQUE (session_id)
);
";

/// For our notes.
const NOTES: &str = "
CREATE TABLE IF NOT EXISTS dewar_flask_sessions (
    name TEXT NOT NULL PRIMARY KEY,
    note BLOB NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dewar_flask_sessions_expires_ms ON dewar_flask_sessions (expires_ms);
";

/// Sessions of Flask-Session in an SQLite file: `SESSION_TYPE = "sqlalchemy"`, table `sessions`.
pub struct Sqlite {
    database: Arc<Mutex<Connection>>,
}

impl FlaskSessionStore<Sqlite> {
    /// Opens the file that Flask-SQLAlchemy uses. The table `sessions` is made if it is missing, and
    /// one of our own, `dewar_flask_sessions`.
    ///
    /// Calls run on tokio's threads for blocking work, one at a time.
    ///
    /// # Errors
    /// If it cannot be opened, or its table is another one.
    pub fn sqlite(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::of(open(path.as_ref()))
    }

    /// As [`sqlite`](Self::sqlite), for whoever takes sessions from there: nothing is made, neither the
    /// file nor a table. Our own is, when something is first to be noted: that a session was carried over.
    ///
    /// # Errors
    /// If it cannot be opened, or has no table `sessions`, or another one.
    pub fn sqlite_that_is_there(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let flags = OpenFlags::default().difference(OpenFlags::SQLITE_OPEN_CREATE);
        let opened = Connection::open_with_flags(path.as_ref(), flags).and_then(ready);
        match opened.as_ref().map(|database| has_table(database, "sessions")) {
            Ok(Ok(false)) => Err(OpenError::NoTable { table: "sessions" }),
            Ok(Err(_)) | Ok(Ok(true)) | Err(_) => Self::of(opened.and_then(checked)),
        }
    }

    fn of(opened: rusqlite::Result<Connection>) -> Result<Self, OpenError> {
        let database = opened.map_err(|error| OpenError::Unreachable { source: error.into() })?;
        Ok(Self::new(Sqlite { database: Arc::new(Mutex::new(database)) }))
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = ready(Connection::open(path)?)?;
    database.execute_batch(SESSIONS)?;
    database.execute_batch(NOTES)?;
    checked(database)
}

fn ready(database: Connection) -> rusqlite::Result<Connection> {
    database.busy_timeout(PATIENCE)?;
    Ok(database)
}

/// Whether the columns are those of Flask-Session.
fn checked(database: Connection) -> rusqlite::Result<Connection> {
    database.prepare("SELECT session_id, data, expiry FROM sessions")?;
    Ok(database)
}

fn has_table(database: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?)";
    database.prepare_cached(sql)?.query_row([name], |row| row.get(0))
}

fn has_notes(database: &Connection) -> rusqlite::Result<bool> {
    has_table(database, "dewar_flask_sessions")
}

impl Sqlite {
    /// Works in one transaction, away from the threads that serve requests.
    async fn run<A: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<A> + Send + 'static,
    ) -> Result<A, StoreError> {
        let database = self.database.clone();
        let worked = tokio::task::spawn_blocking(move || {
            let mut database = database.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answer = work(&transaction)?;
            transaction.commit().map(|()| answer)
        });
        match worked.await {
            Ok(answer) => answer.map_err(store_error),
            Err(ended) => Err(StoreError::new(StoreErrorKind::OutcomeUnknown).with_source(ended)),
        }
    }
}

impl Table for Sqlite {
    async fn read(&self, place: &Place) -> Result<There, StoreError> {
        let place = place.clone();
        self.run(move |database| read(database, &place)).await
    }

    async fn swap(
        &self,
        place: &Place,
        there: &There,
        change: &Change,
    ) -> Result<bool, StoreError> {
        let (place, there, change) = (place.clone(), there.clone(), change.clone());
        self.run(move |database| {
            let now = read(database, &place)?;
            if (&now.bytes, &now.note) != (&there.bytes, &there.note) {
                return Ok(false);
            }
            put(database, &place, &change).map(|()| true)
        })
        .await
    }

    /// By the number of the row: new ones come at the end.
    async fn names(&self, prefix: &str, from: u64, limit: usize) -> Result<Names, StoreError> {
        let (prefix, limit) = (prefix.to_owned(), limit.max(1));
        self.run(move |database| {
            let mut rows = database.prepare_cached(
                "SELECT id, session_id FROM sessions WHERE id > ?1 ORDER BY id LIMIT ?2",
            )?;
            let at_most = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = rows.query_map(params![signed(from), at_most], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?))
            })?;
            let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let last = rows.last().and_then(|(id, _)| u64::try_from(*id).ok());
            let next = last.filter(|_| rows.len() == limit);
            let names = rows.into_iter().filter_map(|(_, name)| name);
            Ok(Names { names: names.filter(|name| name.starts_with(&prefix)).collect(), next })
        })
        .await
    }

    async fn forget(&self, now_ms: u64, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.run(move |database| {
            if !has_notes(database)? {
                return Ok(0);
            }
            database.execute(
                "DELETE FROM dewar_flask_sessions WHERE name IN
                 (SELECT name FROM dewar_flask_sessions WHERE expires_ms < ? LIMIT ?)",
                params![signed(now_ms), limit],
            )
        })
        .await
    }
}

fn read(database: &Connection, place: &Place) -> rusqlite::Result<There> {
    let now_ms = now_ms();
    let record = database
        .prepare_cached("SELECT data, expiry FROM sessions WHERE session_id = ?")?
        .query_row([&place.record], |row| {
            Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get::<_, Option<String>>(1)?))
        })
        .optional()?;
    // As Flask-Session has it: what expires now, or never, is not there.
    let record = record.and_then(|(bytes, expiry)| Some((bytes?, moment(&expiry?)?)));
    let (bytes, expires_ms) = record.filter(|(_, expires_ms)| *expires_ms > now_ms).unzip();
    let note = match has_notes(database)? {
        true => database
            .prepare_cached(
                "SELECT note FROM dewar_flask_sessions WHERE name = ? AND expires_ms > ?",
            )?
            .query_row(params![place.note, signed(now_ms)], |row| row.get(0))
            .optional()?,
        false => None,
    };
    let expires_ms = expires_ms.filter(|expires_ms| *expires_ms < NEVER_MS);
    Ok(There { bytes, expires_ms, note, now_ms })
}

fn put(database: &Connection, place: &Place, change: &Change) -> rusqlite::Result<()> {
    let expiry = text(change.expires_ms.unwrap_or(NEVER_MS));
    match &change.bytes {
        NewBytes::Keep => database
            .prepare_cached("UPDATE sessions SET expiry = ? WHERE session_id = ?")?
            .execute(params![expiry, place.record])?,
        NewBytes::Delete => database
            .prepare_cached("DELETE FROM sessions WHERE session_id = ?")?
            .execute([&place.record])?,
        NewBytes::Set(bytes) => database
            .prepare_cached(
                "INSERT INTO sessions (session_id, data, expiry) VALUES (?, ?, ?)
                 ON CONFLICT (session_id) DO UPDATE SET data = excluded.data, expiry = excluded.expiry",
            )?
            .execute(params![place.record, bytes, expiry])?,
    };
    let expires_ms = signed(change.note_expires_ms.unwrap_or(u64::MAX));
    if !has_notes(database)? {
        database.execute_batch(NOTES)?;
    }
    database
        .prepare_cached(
            "INSERT INTO dewar_flask_sessions (name, note, expires_ms) VALUES (?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET note = excluded.note, expires_ms = excluded.expires_ms",
        )?
        .execute(params![place.note, change.note, expires_ms])?;
    Ok(())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn signed(moment_ms: u64) -> i64 {
    i64::try_from(moment_ms).unwrap_or(i64::MAX)
}

/// As SQLAlchemy writes a naive datetime, in UTC: `2023-12-15 22:13:20.500000`.
fn text(moment_ms: u64) -> String {
    let seconds = signed(moment_ms / 1_000);
    let iso = DateTime::from_unix(seconds).map(|moment| moment.to_iso().replace('T', " "));
    format!("{}.{:03}000", iso.unwrap_or_default(), moment_ms % 1_000)
}

/// The inverse; `None` for what SQLAlchemy does not write.
fn moment(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_at_checked(19)?;
    let seconds = DateTime::from_iso(&whole.replace(' ', "T"))?.unix_seconds();
    let milliseconds = match fraction {
        "" => 0,
        fraction => fraction.strip_prefix('.')?.get(..3)?.parse::<u64>().ok()?,
    };
    u64::try_from(seconds).ok()?.checked_mul(1_000)?.checked_add(milliseconds)
}

fn store_error(error: rusqlite::Error) -> StoreError {
    let kind = match error.sqlite_error_code() {
        // The lock is on all sessions, not on one.
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreErrorKind::TimedOut,
        Some(ErrorCode::ConstraintViolation | ErrorCode::ReadOnly) => StoreErrorKind::Refused,
        Some(ErrorCode::DiskFull) => StoreErrorKind::Full,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind).with_source(error)
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_written_as_sqlalchemy_does() {
        for (moment_ms, written) in [
            (1_702_678_400_500, "2023-12-15 22:13:20.500000"),
            (0, "1970-01-01 00:00:00.000000"),
            (NEVER_MS, "3998-01-29 17:46:40.000000"),
        ] {
            assert_eq!(text(moment_ms), written);
            assert_eq!(moment(written), Some(moment_ms));
        }
        assert_eq!(moment("2023-12-15 22:13:20"), Some(1_702_678_400_000));
        for other in ["", "tomorrow", "2023-12-15 22:13:20.x", "2023-13-15 22:13:20.500000"] {
            assert_eq!(moment(other), None, "{other}");
        }
    }
}
