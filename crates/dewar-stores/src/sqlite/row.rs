//! A record as a row, and back.

use dewar::{
    StoreKey,
    store::{Loaded, Moved, Owner, Record, Writes},
};
use rusqlite::{
    Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef},
};

use super::fault::{Fault, Unreadable};

/// What a row is, in its column `kind`.
pub(super) const LIVE: i64 = 0;
pub(super) const MOVED: i64 = 1;
pub(super) const ENDED: i64 = 2;

/// A moment in Unix milliseconds.
///
/// SQLite's integers end at 2⁶³ − 1. What is beyond is kept as 8 bytes, big-endian: SQLite orders
/// every blob after every integer, so comparisons and the index stay right, and nothing is rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Moment(pub(super) u64);

impl ToSql for Moment {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match i64::try_from(self.0) {
            Ok(ms) => Value::Integer(ms),
            Err(_) => Value::Blob(self.0.to_be_bytes().to_vec()),
        };
        Ok(ToSqlOutput::Owned(value))
    }
}

impl FromSql for Moment {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Integer(ms) => {
                u64::try_from(ms).map(Self).map_err(|_| FromSqlError::OutOfRange(ms))
            }
            ValueRef::Blob(bytes) => match bytes.try_into() {
                Ok(bytes) => Ok(Self(u64::from_be_bytes(bytes))),
                Err(_) => Err(FromSqlError::InvalidType),
            },
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// Asks for the columns that [`loaded`] reads, in its order.
pub(super) const LOAD: &str = "SELECT kind, deadline_ms, owner, created_ms, idle_ms, absolute_ms,
    writes, data, row_sum, moved_to FROM dewar_sessions WHERE key = ?";

/// Asks for the same columns, and behind them the key, of the rows that follow a key.
pub(super) const SCAN: &str = "SELECT kind, deadline_ms, owner, created_ms, idle_ms, absolute_ms,
    writes, data, row_sum, moved_to, key FROM dewar_sessions WHERE key > ? ORDER BY key LIMIT ?";

/// In which column of [`SCAN`] the key stands.
pub(super) const SCAN_KEY: usize = 10;

/// What stands in a row; every damage that can be seen is an error.
pub(super) fn loaded(key: &StoreKey, row: &Row<'_>) -> Result<Loaded, Fault> {
    let damaged = |what| move |_| Unreadable { key: *key, what };
    let until_ms = row.get::<_, Moment>(1).map_err(damaged("its deadline"))?.0;
    let found = match row.get(0).map_err(damaged("its kind"))? {
        LIVE => Loaded::Live(record(key, row)?),
        MOVED => {
            let to = row.get(9).map(StoreKey::from_bytes).map_err(damaged("its successor"))?;
            Loaded::Moved(Moved { to, until_ms })
        }
        ENDED => Loaded::Ended { until_ms },
        _ => return Err(Unreadable { key: *key, what: "its kind" }.into()),
    };
    let sum = match &found {
        Loaded::Live(record) => live_sum(key, record),
        Loaded::Moved(moved) => moved_sum(key, moved),
        _ => ended_sum(key, until_ms),
    };
    check(key, row, 8, sum)?;
    // The sum knows neither of the two that a touch moves, but each of them tells the other.
    match &found {
        Loaded::Live(record) if record.deadline_ms() != until_ms => {
            Err(Unreadable { key: *key, what: "its deadline" }.into())
        }
        _ => Ok(found),
    }
}

fn record(key: &StoreKey, row: &Row<'_>) -> Result<Record, Unreadable> {
    let damaged = |what| move |_| Unreadable { key: *key, what };
    let moment = |column, what| row.get::<_, Moment>(column).map(|m| m.0).map_err(damaged(what));
    let owner: Option<[u8; 32]> = row.get(2).map_err(damaged("its owner"))?;
    let writes = row.get_ref(6).map_err(damaged("its writes"))?.as_blob().unwrap_or_default();
    Ok(Record {
        owner: owner.map(Owner::from_bytes),
        created_ms: moment(3, "its beginning")?,
        idle_deadline_ms: moment(4, "its idle deadline")?,
        absolute_deadline_ms: moment(5, "its absolute deadline")?,
        writes: Writes::from_bytes(writes).ok_or(Unreadable { key: *key, what: "its writes" })?,
        data: row.get(7).map_err(damaged("its contents"))?,
    })
}

/// Whether the sum in this column is the one of what was read from the row.
pub(super) fn check(
    key: &StoreKey,
    row: &Row<'_>,
    column: usize,
    sum: u32,
) -> Result<(), Unreadable> {
    match row.get::<_, u32>(column) {
        Ok(kept) if kept == sum => Ok(()),
        _ => Err(Unreadable { key: *key, what: "its checksum" }),
    }
}

/// The checksum of a live session: over all but what a touch moves, so that a touch need not read
/// the contents.
pub(super) fn live_sum(key: &StoreKey, record: &Record) -> u32 {
    let writes = record.writes.to_bytes();
    let owner = record.owner.as_ref();
    checksum(
        key,
        LIVE,
        &[
            owner.map_or(&[], |owner| owner.as_bytes()),
            &record.created_ms.to_be_bytes(),
            &record.absolute_deadline_ms.to_be_bytes(),
            &writes,
            &record.data,
        ],
    )
}

/// The checksum of a marker.
pub(super) fn moved_sum(key: &StoreKey, moved: &Moved) -> u32 {
    checksum(key, MOVED, &[moved.to.as_bytes(), &moved.until_ms.to_be_bytes()])
}

/// The checksum of a tombstone.
pub(super) fn ended_sum(key: &StoreKey, until_ms: u64) -> u32 {
    checksum(key, ENDED, &[&until_ms.to_be_bytes()])
}

/// Over the key too, so that what stands under another session's key is noticed; and over the length
/// of each field, so that nothing passes from one to the next.
///
/// It finds what a disk or a tool damaged. It is no signature: whoever may write the file may write
/// a fitting sum.
fn checksum(key: &StoreKey, kind: i64, fields: &[&[u8]]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(key.as_bytes());
    sum.update(&kind.to_be_bytes());
    for field in fields {
        sum.update(&(field.len() as u64).to_be_bytes());
        sum.update(field);
    }
    sum.finalize()
}
