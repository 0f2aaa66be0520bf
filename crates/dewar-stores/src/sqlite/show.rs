//! What the store shows beside single keys: a user's sessions, and everything.

use dewar::{
    StoreKey,
    store::{Cursor, Entry, Owner, Page, StoreError, StoreErrorKind},
};
use rusqlite::{Connection, params};

use super::{
    fault::Fault,
    row::{self, Moment, SCAN, SCAN_KEY},
};

/// Rows of one page at most: a reader serves others too.
const MOST_ROWS: usize = 256;

/// An ended or a moved session belongs to nobody, so each row here is a live one.
const SESSIONS_OF: &str = "SELECT created_ms, key FROM dewar_sessions
    WHERE owner = ?1 AND (created_ms, key) > (?2, ?3) ORDER BY created_ms, key LIMIT ?4";

pub(super) fn sessions_of(
    database: &Connection,
    owner: &Owner,
    after: Option<Entry>,
    limit: usize,
) -> Result<Vec<Entry>, Fault> {
    let (since_ms, key) = match &after {
        Some(entry) => (entry.since_ms, &entry.key.as_bytes()[..]),
        None => (0, &[][..]),
    };
    let mut statement = database.prepare_cached(SESSIONS_OF)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows =
        statement.query_map(params![owner.as_bytes(), Moment(since_ms), key, limit], |row| {
            let since_ms = row.get::<_, Moment>(0)?.0;
            Ok(Entry { key: StoreKey::from_bytes(row.get(1)?), since_ms })
        })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The last key that was shown.
///
/// # Errors
/// If the cursor is none of this store's.
pub(super) fn key_of(cursor: &Cursor) -> Result<StoreKey, StoreError> {
    let foreign = |_| {
        StoreError::new(StoreErrorKind::Unsupported)
            .with_source("the cursor is none of this store's")
    };
    cursor.as_bytes().try_into().map(StoreKey::from_bytes).map_err(foreign)
}

pub(super) fn page(
    database: &Connection,
    after: Option<StoreKey>,
    limit: usize,
) -> Result<Page, Fault> {
    let limit = limit.clamp(1, MOST_ROWS);
    let after = after.as_ref().map_or(&[][..], |key| key.as_bytes());
    let mut statement = database.prepare_cached(SCAN)?;
    let mut rows = statement.query(params![after, limit as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let key = StoreKey::from_bytes(row.get(SCAN_KEY)?);
        let loaded = match row::loaded(&key, row) {
            Err(Fault::Database(error)) => return Err(error.into()),
            loaded => loaded.map_err(StoreError::from),
        };
        found.push((key, loaded));
    }
    let last = found.last().filter(|_| found.len() == limit);
    let next = last.map(|(key, _)| Cursor::from_bytes(*key.as_bytes()));
    Ok(Page { found, next })
}
