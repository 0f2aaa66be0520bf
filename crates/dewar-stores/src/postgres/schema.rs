//! The tables, and the way to them from every older form.

use tokio_postgres::{Client, Error, error::SqlState};

use super::{error::OpenError, open::Options};

/// Each step leads from the version of its place to the next; none is ever changed once released.
/// `{schema}` stands for the schema.
///
/// Room is left on each page, so that a row that grows little stays on it: then no index is written.
const STEPS: &[&str] = &["
    CREATE TABLE {schema}.schema_version (version integer NOT NULL);
    INSERT INTO {schema}.schema_version VALUES (0);
    CREATE TABLE {schema}.sessions (
        key         bytea NOT NULL PRIMARY KEY CHECK (octet_length(key) = 32),
        kind        smallint NOT NULL,  -- 0 live, 1 moved, 2 ended
        deadline_ms bigint NOT NULL,    -- the earlier one of a live session; else: kept until
        due_ms      bigint NOT NULL,    -- from when on a sweep looks at it: deadline_ms, or earlier
        created_ms  bigint,             -- of an ended one too, if it was live before
        idle_ms     bigint,
        absolute_ms bigint,
        row_sum     integer NOT NULL,   -- CRC-32 of all but due_ms and what a touch moves: idle_ms
                                        -- and, of a live one, deadline_ms
        moved_to    bytea,
        owner       bytea,
        writes      bytea,              -- 8 bytes each, newest first
        data        bytea
    ) WITH (fillfactor = 75);
    CREATE INDEX sessions_due ON {schema}.sessions (due_ms);
    CREATE INDEX sessions_owner ON {schema}.sessions (owner, created_ms, key)
        WHERE owner IS NOT NULL;
"];

fn known() -> i32 {
    i32::try_from(STEPS.len()).unwrap_or(i32::MAX)
}

/// Makes the tables, or leads older ones here; nothing is written if they are as they should be.
///
/// Several processes may start at once: the first one does it, the others find it done. After an
/// error the connection is in the midst of a transaction: drop it.
pub(super) async fn prepare(client: &Client, options: &Options) -> Result<(), OpenError> {
    match version(client, options).await? {
        found if found == known() => return Ok(()),
        0 if options.only_existing => {
            return Err(OpenError::NoTables { schema: options.schema.clone() });
        }
        _ => {}
    }
    migrate(client, options).await.map_err(|error| match error {
        OpenError::Database { source } if says(&source, &SqlState::INSUFFICIENT_PRIVILEGE) => {
            OpenError::Forbidden { schema: options.schema.clone(), source }
        }
        other => other,
    })
}

async fn migrate(client: &Client, options: &Options) -> Result<(), OpenError> {
    // How long all of it may take is for the one who connects to say.
    client.batch_execute("BEGIN; SET LOCAL lock_timeout = 0").await?;
    // Of this schema, in this database: nobody else locks by this number, or nearly so.
    let lock = "SELECT pg_catalog.pg_advisory_xact_lock(
        pg_catalog.hashtextextended('dewar:' || $1::text, 0))";
    client.query(lock, &[&options.schema]).await?;
    let found = version(client, options).await?;
    // Asked first: `IF NOT EXISTS` wants the right to create even if it exists.
    let is_there = "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1";
    let schema = options.quoted_schema();
    if client.query_opt(is_there, &[&options.schema]).await?.is_none() {
        client.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        client.batch_execute(&step.replace("{schema}", &schema)).await?;
    }
    let update = format!("UPDATE {schema}.schema_version SET version = {}; COMMIT", known());
    Ok(client.batch_execute(&update).await?)
}

/// Which steps were taken; an error if the tables are not ours, or newer than this program.
async fn version(client: &Client, options: &Options) -> Result<i32, OpenError> {
    let schema = options.quoted_schema();
    let foreign = || OpenError::Foreign { schema: options.schema.clone() };
    // Not `to_regclass`: it goes by a cache, which may not know yet what the one who held the lock
    // before us has made.
    let tables = "SELECT count(*) FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname IN ('schema_version', 'sessions')";
    match client.query_one(tables, &[&options.schema]).await?.try_get::<_, i64>(0)? {
        0 => return Ok(0),
        2 => {}
        _ => return Err(foreign()),
    }
    let rows = client.query(&format!("SELECT version FROM {schema}.schema_version"), &[]).await;
    let rows = match rows {
        Err(error) if says(&error, &SqlState::UNDEFINED_COLUMN) => return Err(foreign()),
        rows => rows?,
    };
    let [row] = rows.as_slice() else { return Err(foreign()) };
    match row.try_get(0).map_err(|_| foreign())? {
        found if found > known() => {
            Err(OpenError::NewerSchema { schema: options.schema.clone(), found, known: known() })
        }
        found if found < 1 => Err(foreign()),
        found => Ok(found),
    }
}

fn says(error: &Error, code: &SqlState) -> bool {
    error.code() == Some(code)
}
