//! The sessions that are kept.

use std::time::{SystemTime, UNIX_EPOCH};

use dewar::{
    StoreKey,
    store::{Record, WriteId, Writes},
};

use crate::measure;

const HOUR_MS: u64 = 60 * 60 * 1000;

pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

pub fn key(number: u64) -> StoreKey {
    StoreKey::from_bytes(measure::key(number))
}

/// A session that somebody used a moment ago; all end at different moments.
pub fn record(number: u64, write: u64, now_ms: u64, bytes: usize) -> Record {
    Record {
        owner: None,
        created_ms: now_ms,
        idle_deadline_ms: now_ms + 2 * HOUR_MS + measure::scatter(number) % HOUR_MS,
        absolute_deadline_ms: now_ms + 7 * 24 * HOUR_MS,
        writes: Writes::first(WriteId::new(write)),
        data: vec![b'x'; bytes],
    }
}
