//! The table, and the way to it from every older form.

use rusqlite::{Connection, TransactionBehavior};

use super::open::OpenError;

/// "dewr", so that `file` and others can tell whose database this is.
const APPLICATION_ID: i64 = 0x6465_7772;

/// Each step leads from the version of its place to the next; none is ever changed once released.
const STEPS: &[&str] = &["
    CREATE TABLE dewar_sessions (
        key         BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 32),
        kind        INTEGER NOT NULL,  -- 0 live, 1 moved, 2 ended
        deadline_ms ANY NOT NULL,      -- the earlier one of a live session; else: kept until
        due_ms      ANY NOT NULL,      -- from when on a sweep looks at it: deadline_ms, or earlier
        created_ms  ANY,
        idle_ms     ANY,
        absolute_ms ANY,
        owner       BLOB,
        writes      BLOB,              -- 8 bytes each, newest first
        data        BLOB,
        moved_to    BLOB,
        row_sum     INTEGER NOT NULL   -- CRC-32 of all but due_ms and what a touch moves: idle_ms
                                       -- and, of a live one, deadline_ms
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX dewar_sessions_due ON dewar_sessions (due_ms);
    CREATE INDEX dewar_sessions_owner ON dewar_sessions (owner, created_ms, key)
        WHERE owner IS NOT NULL;
"];

/// Which steps are missing; an error if the file is not ours or newer than this program.
///
/// It asks three times, so call it in a transaction: another process may be migrating.
fn missing_steps(database: &Connection) -> Result<&'static [&'static str], OpenError> {
    let number = |name| database.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    match (application, usize::try_from(version)) {
        (APPLICATION_ID, Ok(version)) => {
            let newer = OpenError::NewerSchema { found: version, known: STEPS.len() };
            STEPS.get(version..).ok_or(newer)
        }
        (0, Ok(0)) if is_empty(database)? => Ok(STEPS),
        _ => Err(OpenError::Foreign),
    }
}

/// Whether the file needs [`migrate`]; an error if it is not ours or newer than this program.
pub(super) fn is_behind(database: &mut Connection) -> Result<bool, OpenError> {
    let snapshot = database.transaction()?;
    Ok(!missing_steps(&snapshot)?.is_empty())
}

fn is_empty(database: &Connection) -> rusqlite::Result<bool> {
    database.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Leads an older or empty file here, in one transaction.
///
/// Several processes may start at once: the first one does it, the others find it done.
pub(super) fn migrate(database: &mut Connection) -> Result<(), OpenError> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in missing_steps(&transaction)? {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", STEPS.len() as i64)?;
    Ok(transaction.commit()?)
}
