//! A table of Flask-SQLAlchemy in Postgres: `SESSION_TYPE = "sqlalchemy"`.

mod connection;

use std::{
    fmt,
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use dewar::store::{StoreError, StoreErrorKind};
use tokio::time::timeout;
use tokio_postgres::{Error, Statement, error::SqlState};

use crate::postgres::{Deed, store_error};

use self::connection::{Connection, Notes, Open, PATIENCE};
use super::{
    look::{Change, NEVER_MS, NewBytes, There},
    redis::OpenError,
    scan::Names,
    store::{FlaskSessionStore, Place, Table},
};

/// Sessions of Flask-Session in Postgres: `SESSION_TYPE = "sqlalchemy"`, table `sessions`.
pub struct Postgres {
    connection: Connection,
}

impl FlaskSessionStore<Postgres> {
    /// Connects to the database that Flask-SQLAlchemy uses, as `postgres://user:password@host/database`
    /// with the options of [`PostgresStore::connect`](crate::postgres::PostgresStore::connect). The
    /// table `sessions` is made if it is missing, and one of our own, `dewar_flask_sessions`, both in
    /// the first schema of the role's `search_path`.
    ///
    /// Calls have the one connection one at a time, each for 1.5 seconds at most. After a fault it is
    /// opened anew. It needs a tokio runtime that lives as long as the store.
    ///
    /// # Errors
    /// If the address is not understood, the server cannot be reached, refuses or is not trusted, or
    /// its table is another one.
    pub async fn postgres(url: &str) -> Result<Self, OpenError> {
        Self::over(url, true).await
    }

    /// As [`postgres`](Self::postgres), for whoever takes sessions from there: no table is made. Our own
    /// is, when something is first to be noted: that a session was carried over.
    ///
    /// # Errors
    /// As [`postgres`](Self::postgres), and if there is no table `sessions`.
    pub async fn postgres_that_is_there(url: &str) -> Result<Self, OpenError> {
        Self::over(url, false).await
    }

    async fn over(url: &str, makes_tables: bool) -> Result<Self, OpenError> {
        let unreachable =
            |source: crate::postgres::OpenError| OpenError::Unreachable { source: source.into() };
        let connection = Connection::new(url, makes_tables).map_err(unreachable)?;
        match timeout(PATIENCE, connection.hold()).await {
            Ok(Err(error)) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
                return Err(OpenError::NoTable { table: "sessions" });
            }
            Ok(held) => held.map_err(|error| unreachable(error.into()))?.keep(),
            Err(_) => {
                return Err(unreachable(crate::postgres::OpenError::TimedOut { after: PATIENCE }));
            }
        }
        Ok(Self::new(Postgres { connection }))
    }
}

/// Gives up after a while. `sent` says whether a commit was asked for, whose outcome is then unknown.
async fn in_time<A>(
    sent: Option<&AtomicBool>,
    call: impl Future<Output = Result<A, StoreError>>,
) -> Result<A, StoreError> {
    timeout(PATIENCE, call).await.unwrap_or_else(|_| {
        let kind = match sent {
            Some(sent) if sent.load(Ordering::Relaxed) => StoreErrorKind::OutcomeUnknown,
            _ => StoreErrorKind::TimedOut,
        };
        Err(StoreError::new(kind).with_source(format!("Postgres did not answer in {PATIENCE:?}")))
    })
}

/// What went wrong before anything was done, or with what changes nothing.
fn undone(error: Error) -> StoreError {
    store_error(error, Deed::Reads)
}

impl Table for Postgres {
    async fn read(&self, place: &Place) -> Result<There, StoreError> {
        in_time(None, async {
            let held = self.connection.hold().await.map_err(undone)?;
            let found = Found::read(&held.open, &held.open.read, place).await;
            let found = found.map_err(undone)?;
            held.keep();
            Ok(found.there)
        })
        .await
    }

    async fn swap(
        &self,
        place: &Place,
        there: &There,
        change: &Change,
    ) -> Result<bool, StoreError> {
        let sent = AtomicBool::new(false);
        in_time(Some(&sent), async {
            let held = self.connection.hold_to_note().await.map_err(undone)?;
            let Open { client, notes: Some(notes), .. } = &held.open else {
                return Err(StoreError::unavailable("somebody took the table of the notes away"));
            };
            client.batch_execute("BEGIN").await.map_err(undone)?;
            let now = Found::read(&held.open, &notes.read_locked, place).await.map_err(undone)?;
            let is_same = (&now.there.bytes, &now.there.note) == (&there.bytes, &there.note);
            let done =
                is_same && put(&held.open, notes, place, &now, change).await.map_err(undone)?;
            sent.store(done, Ordering::Relaxed);
            let (end, deed) =
                if done { ("COMMIT", Deed::Writes) } else { ("ROLLBACK", Deed::Reads) };
            client.batch_execute(end).await.map_err(|error| store_error(error, deed))?;
            held.keep();
            Ok(done)
        })
        .await
    }

    /// By the number of the row: new ones come at the end.
    async fn names(&self, prefix: &str, from: u64, limit: usize) -> Result<Names, StoreError> {
        let limit = limit.max(1);
        let at_most = i64::try_from(limit).unwrap_or(i64::MAX);
        // SQLAlchemy's numbers have 32 bits; a table that somebody has widened is read as well.
        let sql = "SELECT id::bigint, session_id FROM sessions WHERE id > $1::bigint
                   ORDER BY id LIMIT $2";
        let rows = in_time(None, async {
            let held = self.connection.hold().await.map_err(undone)?;
            let rows = held.open.client.query(sql, &[&signed(from), &at_most]).await;
            let rows = rows.map_err(undone)?;
            held.keep();
            Ok(rows)
        })
        .await?;
        let row = |row: &tokio_postgres::Row| {
            Ok::<_, Error>((row.try_get::<_, i64>(0)?, row.try_get::<_, Option<String>>(1)?))
        };
        let rows: Vec<_> = rows.iter().map(row).collect::<Result<_, _>>().map_err(undone)?;
        let last = rows.last().and_then(|(id, _)| u64::try_from(*id).ok());
        let next = last.filter(|_| rows.len() == limit);
        let names = rows.into_iter().filter_map(|(_, name)| name);
        Ok(Names { names: names.filter(|name| name.starts_with(prefix)).collect(), next })
    }

    async fn forget(&self, now_ms: u64, limit: usize) -> Result<usize, StoreError> {
        // What somebody else holds is left for the next time.
        let sql = "DELETE FROM dewar_flask_sessions WHERE name IN
                   (SELECT name FROM dewar_flask_sessions WHERE expires_ms < $1
                    LIMIT $2 FOR UPDATE SKIP LOCKED)";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sent = AtomicBool::new(false);
        in_time(Some(&sent), async {
            let held = self.connection.hold().await.map_err(undone)?;
            if held.open.notes.is_none() {
                held.keep();
                return Ok(0);
            }
            sent.store(true, Ordering::Relaxed);
            let forgotten = held.open.client.execute(sql, &[&signed(now_ms), &limit]).await;
            let forgotten = forgotten.map_err(|error| store_error(error, Deed::Writes))?;
            held.keep();
            Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
        })
        .await
    }
}

/// What is there, and which rows there are of it, also of what is past.
struct Found {
    there: There,
    has_record: bool,
    has_note: bool,
}

impl Found {
    async fn read(open: &Open, statement: &Statement, place: &Place) -> Result<Self, Error> {
        let row = open.client.query_one(statement, &[&place.note, &place.record]).await?;
        let now_ms = now_ms();
        let bytes = row.try_get::<_, Option<Vec<u8>>>(1)?;
        let expiry = row.try_get::<_, Option<SystemTime>>(2)?;
        // As Flask-Session has it: what expires now, or never, is not there.
        let record = bytes.zip(expiry.map(ms));
        let (bytes, expires_ms) = record.filter(|(_, expires_ms)| *expires_ms > now_ms).unzip();
        let note = row.try_get::<_, Option<Vec<u8>>>(4)?.zip(row.try_get::<_, Option<i64>>(5)?);
        let note = note.filter(|(_, expires_ms)| *expires_ms > signed(now_ms));
        let there = There {
            bytes,
            expires_ms: expires_ms.filter(|expires_ms| *expires_ms < NEVER_MS),
            note: note.map(|(note, _)| note),
            now_ms,
        };
        Ok(Self { there, has_record: row.try_get(0)?, has_note: row.try_get(3)? })
    }
}

/// Writes both, in a transaction that holds the rows there were. False if somebody else was quicker
/// with one there was not: then all of it has to be undone.
async fn put(
    open: &Open,
    notes: &Notes,
    place: &Place,
    found: &Found,
    change: &Change,
) -> Result<bool, Error> {
    let client = &open.client;
    let note = if found.has_note { &notes.update } else { &notes.insert };
    let note_expires_ms = signed(change.note_expires_ms.unwrap_or(u64::MAX));
    if client.execute(note, &[&place.note, &change.note, &note_expires_ms]).await? == 0 {
        return Ok(false);
    }
    let (name, expiry) = (&place.record, moment(change.expires_ms.unwrap_or(NEVER_MS)));
    let changed = match (&change.bytes, found.has_record) {
        (NewBytes::Set(bytes), true) => {
            client.execute(&open.update, &[name, bytes, &expiry]).await?
        }
        (NewBytes::Set(bytes), false) => {
            client.execute(&open.insert, &[name, bytes, &expiry]).await?
        }
        (NewBytes::Keep, true) => client.execute(&open.prolong, &[name, &expiry]).await?,
        (NewBytes::Delete, true) => client.execute(&open.delete, &[name]).await?,
        // A record that came since is no part of what was compared.
        (NewBytes::Keep | NewBytes::Delete, false) => return Ok(true),
    };
    Ok(changed != 0)
}

/// As SQLAlchemy writes a naive datetime, in UTC.
fn moment(moment_ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(moment_ms.min(NEVER_MS))
}

/// The inverse; 0 for what was before 1970.
fn ms(moment: SystemTime) -> u64 {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn now_ms() -> u64 {
    ms(SystemTime::now())
}

fn signed(moment_ms: u64) -> i64 {
    i64::try_from(moment_ms).unwrap_or(i64::MAX)
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}
