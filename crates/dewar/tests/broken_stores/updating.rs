//! Wrong in `update`.

use std::{thread, time::Duration};

use dewar::{
    StoreKey,
    store::{Loaded, Record, WriteId, Written},
};
use tokio::task::yield_now;

use crate::{
    Row,
    reference::{Answer, Table, Variant},
    rows,
};

pub(crate) fn rows() -> [Row; 15] {
    rows![
        OwnerIsNotUpdated => update_replaces_the_whole_record,
        DeadlinesAreNotUpdated => update_replaces_the_whole_record,
        DeadlinesAreNotShortened => update_replaces_the_whole_record,
        AnswersBeforeItWrites => update_replaces_the_whole_record,
        BlobSave => update_of_a_stale_version_changes_nothing,
        ConflictGivesTheCallersRecord => update_of_a_stale_version_changes_nothing,
        VersionIsNotChanged => one_version_is_written_over_once,
        UpdateInserts => update_never_inserts,
        UpdateRevivesEnded => logout_wins_over_a_slow_writer,
        UpdateOverwritesMarkers => update_of_a_moved_session_names_its_successor,
        UpdateChecksThenSets => of_many_updates_from_one_version_one_lands,
        UpdateChecksThenSetsOnce => logout_wins_in_every_order,
        UpdateLocksTwice => with_retries_every_update_lands,
        WritesArriveTwice => with_retries_every_update_lands,
        WaitsForeverForNobody => a_cancelled_update_is_done_or_not_done,
    ]
}

fn live(record: &Record) -> Loaded {
    Loaded::Live(record.clone())
}

/// What an update writes instead of the record, given what was there.
fn update_as(
    t: &Table,
    key: &StoreKey,
    expected: WriteId,
    new: impl FnOnce(&Record) -> Record,
) -> Written {
    let mut states = t.open();
    let state = states.get(key).unwrap_or(&Loaded::Nothing);
    match (Table::obstacle(state, expected), state) {
        (None, Loaded::Live(old)) => {
            let new = Loaded::Live(new(old));
            states.insert(*key, new);
            Written::Done
        }
        (obstacle, _) => obstacle.unwrap_or(Written::Gone),
    }
}

#[derive(Default)]
struct OwnerIsNotUpdated;

impl Variant for OwnerIsNotUpdated {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        Ok(update_as(t, key, expected, |old| Record { owner: old.owner, ..record.clone() }))
    }
}

#[derive(Default)]
struct DeadlinesAreNotUpdated;

impl Variant for DeadlinesAreNotUpdated {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        Ok(update_as(t, key, expected, |old| Record {
            idle_deadline_ms: old.idle_deadline_ms,
            absolute_deadline_ms: old.absolute_deadline_ms,
            ..record.clone()
        }))
    }
}

#[derive(Default)]
struct DeadlinesAreNotShortened;

impl Variant for DeadlinesAreNotShortened {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        Ok(update_as(t, key, expected, |old| Record {
            idle_deadline_ms: old.idle_deadline_ms.max(record.idle_deadline_ms),
            absolute_deadline_ms: old.absolute_deadline_ms.max(record.absolute_deadline_ms),
            ..record.clone()
        }))
    }
}

/// Write-behind: the next write carries out the one before.
#[derive(Default)]
struct AnswersBeforeItWrites(std::sync::Mutex<Option<(StoreKey, Record)>>);

impl Variant for AnswersBeforeItWrites {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        if let Some((key, record)) = self.0.lock().unwrap().take() {
            t.put(&key, Loaded::Live(record));
        }
        if let Some(obstacle) = Table::obstacle(&t.load(key), expected) {
            return Ok(obstacle);
        }
        *self.0.lock().unwrap() = Some((*key, record.clone()));
        Ok(Written::Done)
    }
}

/// The whole record is saved, whoever wrote in between.
#[derive(Default)]
struct BlobSave;

impl Variant for BlobSave {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        let now = match t.load(key) {
            Loaded::Live(now) => now.version(),
            _ => expected,
        };
        Ok(t.replace(key, now, live(record)))
    }
}

#[derive(Default)]
struct ConflictGivesTheCallersRecord;

impl Variant for ConflictGivesTheCallersRecord {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        Ok(match t.replace(key, expected, live(record)) {
            Written::Conflict(_) => Written::Conflict(record.clone()),
            other => other,
        })
    }
}

#[derive(Default)]
struct VersionIsNotChanged;

impl Variant for VersionIsNotChanged {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        Ok(update_as(t, key, expected, |old| Record { writes: old.writes, ..record.clone() }))
    }
}

/// Upsert (tower-sessions).
#[derive(Default)]
struct UpdateInserts;

impl Variant for UpdateInserts {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        if t.load(key) == Loaded::Nothing {
            t.put(key, live(record));
            return Ok(Written::Done);
        }
        Ok(t.replace(key, expected, live(record)))
    }
}

#[derive(Default)]
struct UpdateRevivesEnded;

impl Variant for UpdateRevivesEnded {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        if matches!(t.load(key), Loaded::Ended { .. }) {
            t.put(key, live(record));
            return Ok(Written::Done);
        }
        Ok(t.replace(key, expected, live(record)))
    }
}

#[derive(Default)]
struct UpdateOverwritesMarkers;

impl Variant for UpdateOverwritesMarkers {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        if matches!(t.load(key), Loaded::Moved(_)) {
            t.put(key, live(record));
            return Ok(Written::Done);
        }
        Ok(t.replace(key, expected, live(record)))
    }
}

/// `SELECT`, then `UPDATE`.
#[derive(Default)]
struct UpdateChecksThenSets;

impl Variant for UpdateChecksThenSets {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        if let Some(obstacle) = Table::obstacle(&t.load(key), expected) {
            return Ok(obstacle);
        }
        yield_now().await;
        t.put(key, live(record));
        Ok(Written::Done)
    }
}

/// The same, and it looks again whether somebody wrote, but not whether the session has ended.
#[derive(Default)]
struct UpdateChecksThenSetsOnce;

impl Variant for UpdateChecksThenSetsOnce {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        if let Some(obstacle) = Table::obstacle(&t.load(key), expected) {
            return Ok(obstacle);
        }
        yield_now().await;
        let mut states = t.open();
        match states.get(key) {
            Some(Loaded::Live(now)) if now.version() != expected => {
                Ok(Written::Conflict(now.clone()))
            }
            _ => {
                states.insert(*key, live(record));
                Ok(Written::Done)
            }
        }
    }
}

/// Looks under one lock and writes under another: wrong without any await.
#[derive(Default)]
struct UpdateLocksTwice;

impl Variant for UpdateLocksTwice {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        if let Some(obstacle) = Table::obstacle(&t.load(key), expected) {
            return Ok(obstacle);
        }
        thread::sleep(Duration::from_micros(50));
        t.put(key, live(record));
        Ok(Written::Done)
    }
}

/// Retries by itself against whatever is there, and so answers "done" for another's record.
#[derive(Default)]
struct WritesArriveTwice;

impl Variant for WritesArriveTwice {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        yield_now().await;
        Ok(match t.replace(key, expected, live(record)) {
            Written::Conflict(now) if now.data.len() == 8 => {
                t.replace(key, now.version(), live(record))
            }
            other => other,
        })
    }
}

/// A lock of its own that a cancelled call leaves behind.
#[derive(Default)]
struct WaitsForeverForNobody(std::sync::atomic::AtomicBool);

impl Variant for WaitsForeverForNobody {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        use std::sync::atomic::Ordering::SeqCst;
        if self.0.swap(true, SeqCst) {
            return Err(dewar::store::StoreError::unavailable("locked"));
        }
        yield_now().await;
        let written = t.replace(key, expected, live(record));
        self.0.store(false, SeqCst);
        Ok(written)
    }
}
