//! Wrong in `touch`.

use dewar::{
    StoreKey,
    store::{Loaded, Moved, Reached, Record, WriteId, Writes},
};
use tokio::task::yield_now;

use crate::{
    Row,
    reference::{Answer, Table, Variant},
    rows,
};

pub(crate) fn rows() -> [Row; 10] {
    rows![
        TouchChangesTheVersion => touch_moves_the_idle_deadline_alone,
        TouchDoesNothing => touch_moves_the_idle_deadline_alone,
        TouchShortens => touch_never_shortens,
        TouchPassesTheEnd => touch_never_passes_the_absolute_deadline,
        TouchInserts => touch_never_inserts,
        TouchRevives => touch_never_revives,
        TouchKeepsTombstones => touch_never_revives,
        TouchKeepsMarkers => touch_of_a_moved_session_names_its_successor,
        TouchChecksThenSets => concurrent_touches_keep_the_latest,
        TouchSavesTheRecord => concurrent_touches_and_updates_keep_both,
    ]
}

/// Changes a live record; whatever else is there is treated rightly.
fn touch_as(
    t: &Table,
    key: &StoreKey,
    idle_ms: u64,
    change: impl FnOnce(&mut Record),
) -> Answer<Reached> {
    if let Some(Loaded::Live(record)) = t.open().get_mut(key) {
        change(record);
        return Ok(Reached::Done);
    }
    Ok(t.touch(key, idle_ms))
}

fn later(record: &Record, idle_ms: u64) -> u64 {
    record.idle_deadline_ms.max(idle_ms.min(record.absolute_deadline_ms))
}

#[derive(Default)]
struct TouchChangesTheVersion;

impl Variant for TouchChangesTheVersion {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        touch_as(t, key, idle_ms, |record| {
            record.idle_deadline_ms = later(record, idle_ms);
            record.writes = record.writes.and(WriteId::new(idle_ms));
        })
    }
}

#[derive(Default)]
struct TouchDoesNothing;

impl Variant for TouchDoesNothing {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        touch_as(t, key, idle_ms, |_| {})
    }
}

#[derive(Default)]
struct TouchShortens;

impl Variant for TouchShortens {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        touch_as(t, key, idle_ms, |record| {
            record.idle_deadline_ms = idle_ms.min(record.absolute_deadline_ms);
        })
    }
}

#[derive(Default)]
struct TouchPassesTheEnd;

impl Variant for TouchPassesTheEnd {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        touch_as(t, key, idle_ms, |record| {
            record.idle_deadline_ms = record.idle_deadline_ms.max(idle_ms);
        })
    }
}

/// Touch as an upsert.
#[derive(Default)]
struct TouchInserts;

impl Variant for TouchInserts {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        if t.load(key) == Loaded::Nothing {
            t.put(key, Loaded::Live(blank(idle_ms)));
            return Ok(Reached::Done);
        }
        Ok(t.touch(key, idle_ms))
    }
}

#[derive(Default)]
struct TouchRevives;

impl Variant for TouchRevives {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        if matches!(t.load(key), Loaded::Ended { .. }) {
            t.put(key, Loaded::Live(blank(idle_ms)));
            return Ok(Reached::Done);
        }
        Ok(t.touch(key, idle_ms))
    }
}

fn blank(idle_deadline_ms: u64) -> Record {
    Record {
        owner: None,
        created_ms: 0,
        idle_deadline_ms,
        absolute_deadline_ms: u64::MAX,
        writes: Writes::first(WriteId::new(1)),
        data: Vec::new(),
    }
}

/// `EXPIRE` on whatever is there.
#[derive(Default)]
struct TouchKeepsTombstones;

impl Variant for TouchKeepsTombstones {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        if let Some(Loaded::Ended { until_ms }) = t.open().get_mut(key) {
            *until_ms = idle_ms.max(*until_ms);
        }
        Ok(t.touch(key, idle_ms))
    }
}

#[derive(Default)]
struct TouchKeepsMarkers;

impl Variant for TouchKeepsMarkers {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        if let Some(Loaded::Moved(Moved { until_ms, .. })) = t.open().get_mut(key) {
            *until_ms = idle_ms.max(*until_ms);
        }
        Ok(t.touch(key, idle_ms))
    }
}

#[derive(Default)]
struct TouchChecksThenSets;

impl Variant for TouchChecksThenSets {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        if let Loaded::Live(before) = t.load(key) {
            let later = later(&before, idle_ms);
            yield_now().await;
            return touch_as(t, key, idle_ms, |record| record.idle_deadline_ms = later);
        }
        Ok(t.touch(key, idle_ms))
    }
}

/// A read, and a save of all that was read.
#[derive(Default)]
struct TouchSavesTheRecord;

impl Variant for TouchSavesTheRecord {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        if let Loaded::Live(mut before) = t.load(key) {
            before.idle_deadline_ms = later(&before, idle_ms);
            yield_now().await;
            return touch_as(t, key, idle_ms, |record| *record = before);
        }
        Ok(t.touch(key, idle_ms))
    }
}
