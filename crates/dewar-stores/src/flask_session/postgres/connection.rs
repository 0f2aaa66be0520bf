//! The one connection: opened when it is needed, and anew after anything went wrong.

use std::time::Duration;

use tokio::{
    sync::{Mutex, MutexGuard},
    task::JoinHandle,
};
use tokio_postgres::{Client, Error, Statement};

use crate::postgres::{OpenError, Reach, Wanted};

/// How long connecting to a host may take, and how long a call.
pub(super) const PATIENCE: Duration = Duration::from_millis(1_500);

/// How long a row that somebody else holds locked is waited for.
const SETTINGS: &str = "SET lock_timeout = 1000;
    SET default_transaction_isolation = 'read committed';
    SET default_transaction_read_only = off";

/// The first as SQLAlchemy makes it, the second for our notes.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS sessions (
    id SERIAL NOT NULL,
    session_id VARCHAR(255),
    data BYTEA,
    expiry TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (id),
    UNIQUE (session_id)
);
CREATE TABLE IF NOT EXISTS dewar_flask_sessions (
    name TEXT NOT NULL PRIMARY KEY,
    note BYTEA NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS dewar_flask_sessions_expires_ms ON dewar_flask_sessions (expires_ms);
";

/// Whether there is a record, what is in it, and the same of the note. `FOR UPDATE` follows where they
/// are to be changed.
const READ: &str = "
WITH n AS (SELECT note, expires_ms FROM dewar_flask_sessions WHERE name = $1{lock}),
     r AS (SELECT data, expiry FROM sessions WHERE session_id = $2{lock})
SELECT EXISTS (SELECT FROM r), (SELECT data FROM r), (SELECT expiry FROM r),
       EXISTS (SELECT FROM n), (SELECT note FROM n), (SELECT expires_ms FROM n)
";

/// The same where nobody has made a table for notes yet.
const READ_WITHOUT_NOTES: &str = "
WITH r AS (SELECT data, expiry FROM sessions WHERE session_id = $2)
SELECT EXISTS (SELECT FROM r), (SELECT data FROM r), (SELECT expiry FROM r),
       $1::text IS NULL, NULL::bytea, NULL::bigint
";

const INSERT_NOTE: &str = "INSERT INTO dewar_flask_sessions (name, note, expires_ms)
    VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
const UPDATE_NOTE: &str =
    "UPDATE dewar_flask_sessions SET note = $2, expires_ms = $3 WHERE name = $1";
const INSERT: &str = "INSERT INTO sessions (session_id, data, expiry) VALUES ($1, $2, $3)
    ON CONFLICT (session_id) DO NOTHING";
const UPDATE: &str = "UPDATE sessions SET data = $2, expiry = $3 WHERE session_id = $1";
const PROLONG: &str = "UPDATE sessions SET expiry = $2 WHERE session_id = $1";
const DELETE: &str = "DELETE FROM sessions WHERE session_id = $1";

/// Where the server is, and the connection to it.
pub(super) struct Connection {
    reach: Reach,
    /// Whether the tables are made if they are missing.
    makes_tables: bool,
    open: Mutex<Option<Open>>,
}

/// A connection that is ready.
pub(super) struct Open {
    pub(super) client: Client,
    pub(super) read: Statement,
    /// There are none before something is to be noted, where tables are not made.
    pub(super) notes: Option<Notes>,
    pub(super) insert: Statement,
    pub(super) update: Statement,
    pub(super) prolong: Statement,
    pub(super) delete: Statement,
    _carrier: Carrier,
}

/// What is done with notes.
pub(super) struct Notes {
    pub(super) read_locked: Statement,
    pub(super) insert: Statement,
    pub(super) update: Statement,
}

/// Carries the messages until it is dropped.
struct Carrier(JoinHandle<()>);

impl Drop for Carrier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    pub(super) fn new(url: &str, makes_tables: bool) -> Result<Self, OpenError> {
        let reach = Reach::new(url, Wanted::default(), PATIENCE)?;
        Ok(Self { reach, makes_tables, open: Mutex::default() })
    }

    /// The connection, for one call; it is kept for the next one if that says so.
    pub(super) async fn hold(&self) -> Result<Held<'_>, Error> {
        let mut place = self.open.lock().await;
        let open = match place.take().filter(|open| !open.client.is_closed()) {
            Some(open) => open,
            None => self.open().await?,
        };
        Ok(Held { place, open })
    }

    /// The same for a call that notes something.
    pub(super) async fn hold_to_note(&self) -> Result<Held<'_>, Error> {
        let held = self.hold().await?;
        if held.open.notes.is_some() {
            return Ok(held);
        }
        make_tables(&held.open.client).await?;
        // What it has prepared knows no notes.
        drop(held);
        self.hold().await
    }

    async fn open(&self) -> Result<Open, Error> {
        let (client, carrier) = self.reach.connect(true).await?;
        let carrier = Carrier(tokio::spawn(async move { drop(carrier.await) }));
        client.batch_execute(SETTINGS).await?;
        if self.makes_tables {
            make_tables(&client).await?;
        }
        let has_notes = "SELECT to_regclass('dewar_flask_sessions') IS NOT NULL";
        let (read, notes) = if client.query_one(has_notes, &[]).await?.try_get(0)? {
            let notes = Notes {
                read_locked: client.prepare(&READ.replace("{lock}", " FOR UPDATE")).await?,
                insert: client.prepare(INSERT_NOTE).await?,
                update: client.prepare(UPDATE_NOTE).await?,
            };
            (client.prepare(&READ.replace("{lock}", "")).await?, Some(notes))
        } else {
            (client.prepare(READ_WITHOUT_NOTES).await?, None)
        };
        Ok(Open {
            read,
            notes,
            insert: client.prepare(INSERT).await?,
            update: client.prepare(UPDATE).await?,
            prolong: client.prepare(PROLONG).await?,
            delete: client.prepare(DELETE).await?,
            client,
            _carrier: carrier,
        })
    }
}

/// The tables, if they are missing. Asked first: `IF NOT EXISTS` wants the right to create even so.
async fn make_tables(client: &Client) -> Result<(), Error> {
    let are_there = "SELECT to_regclass('sessions') IS NOT NULL
        AND to_regclass('dewar_flask_sessions') IS NOT NULL";
    if client.query_one(are_there, &[]).await?.try_get(0)? {
        return Ok(());
    }
    // Of two that start at once the second one finds them.
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('dewar_flask_sessions', 0))";
    client.batch_execute(&format!("BEGIN; {lock}; {TABLES} COMMIT")).await
}

/// The connection in the hands of one call. Dropped before it is kept, it is closed, and what it had
/// begun is undone.
pub(super) struct Held<'c> {
    place: MutexGuard<'c, Option<Open>>,
    pub(super) open: Open,
}

impl Held<'_> {
    /// All went as it should: the next call takes it over.
    pub(super) fn keep(mut self) {
        *self.place = Some(self.open);
    }
}
