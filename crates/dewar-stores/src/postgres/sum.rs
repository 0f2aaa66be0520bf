//! The checksum of a row.

use dewar::{
    StoreKey,
    store::{Moved, Record},
};

use super::row::{ENDED, LIVE, MOVED};

/// Of a live session: over all but what a touch moves, so that a touch need not read the contents.
pub(super) fn of_live(key: &StoreKey, record: &Record) -> i32 {
    let owner = record.owner.as_ref();
    of(
        key,
        LIVE,
        &[
            owner.map_or(&[], |owner| owner.as_bytes()),
            &record.created_ms.to_be_bytes(),
            &record.absolute_deadline_ms.to_be_bytes(),
            &record.writes.to_bytes(),
            &record.data,
        ],
    )
}

/// Of a marker.
pub(super) fn of_moved(key: &StoreKey, moved: &Moved) -> i32 {
    of(key, MOVED, &[moved.to.as_bytes(), &moved.until_ms.to_be_bytes()])
}

/// Of a tombstone.
pub(super) fn of_ended(key: &StoreKey, until_ms: u64) -> i32 {
    of(key, ENDED, &[&until_ms.to_be_bytes()])
}

/// Over the key too, so that what stands under another session's key is noticed; and over the length
/// of each field, so that nothing passes from one to the next.
///
/// It finds what a disk or a tool damaged. It is no signature: whoever may write the table may write
/// a fitting sum.
fn of(key: &StoreKey, kind: i16, fields: &[&[u8]]) -> i32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(key.as_bytes());
    sum.update(&kind.to_be_bytes());
    for field in fields {
        sum.update(&(field.len() as u64).to_be_bytes());
        sum.update(field);
    }
    // The same 32 bits, as Postgres' `integer` has them.
    i32::from_ne_bytes(sum.finalize().to_ne_bytes())
}
