//! Changes in several steps: half of one can be seen, or is left behind.

use std::{collections::BTreeMap, sync::Mutex};

use dewar::{
    StoreKey,
    store::{Created, Loaded, Moved, Reached, Record, WriteId, Written},
};
use tokio::task::yield_now;

use crate::{
    Row,
    reference::{Answer, Table, Variant},
    rows,
};

pub(crate) fn rows() -> [Row; 9] {
    rows![
        CreateFillsLater => a_cancelled_create_is_done_or_not_done,
        RecordBeforeItsWrites => a_cancelled_update_is_done_or_not_done,
        TouchTakesOutAndPutsBack => a_cancelled_touch_is_done_or_not_done,
        DeleteRemovesThenMarks => a_cancelled_delete_is_done_or_not_done,
        OldIsDeletedBeforeItsMarker => a_cancelled_supersede_is_done_or_not_done,
        RepeatedCreateIsDone => a_create_whose_answer_was_lost_is_found,
        TwoTablesReadInTurn => a_change_is_never_seen_half,
        CacheFillsWithoutVersion => no_load_brings_back_what_has_changed,
        CacheForgetsToForget => no_load_brings_back_what_has_changed,
    ]
}

/// A row, and its contents in another statement.
#[derive(Default)]
struct CreateFillsLater;

impl Variant for CreateFillsLater {
    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        let created = t.create(key, &Record { data: Vec::new(), ..record.clone() });
        if created == Created::Done {
            yield_now().await;
            t.replace(key, record.version(), Loaded::Live(record.clone()));
        }
        Ok(created)
    }
}

/// The data in one statement, the columns in another.
#[derive(Default)]
struct RecordBeforeItsWrites;

impl Variant for RecordBeforeItsWrites {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        if let Some(Loaded::Live(now)) = t.open().get_mut(key) {
            if now.version() == expected {
                now.data.clone_from(&record.data);
            }
        }
        yield_now().await;
        Ok(t.replace(key, expected, Loaded::Live(record.clone())))
    }
}

#[derive(Default)]
struct TouchTakesOutAndPutsBack;

impl Variant for TouchTakesOutAndPutsBack {
    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        let taken = t.open().remove(key);
        yield_now().await;
        if let Some(state) = taken {
            t.put(key, state);
        }
        Ok(t.touch(key, idle_ms))
    }
}

/// `DEL`, then `SET` of the tombstone.
#[derive(Default)]
struct DeleteRemovesThenMarks;

impl Variant for DeleteRemovesThenMarks {
    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        if !matches!(t.load(key), Loaded::Live(_)) {
            return Ok(t.delete(key, until_ms));
        }
        t.open().remove(key);
        yield_now().await;
        t.delete(key, until_ms);
        Ok(Reached::Done)
    }
}

/// `regenerate` as in Flask-Session: the old id goes before the new one is known.
#[derive(Default)]
struct OldIsDeletedBeforeItsMarker;

impl Variant for OldIsDeletedBeforeItsMarker {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        if let Some(obstacle) = Table::obstacle(&t.load(old), expected) {
            return Ok(obstacle);
        }
        t.open().remove(old);
        yield_now().await;
        t.put(old, Loaded::Moved(moved));
        Ok(Written::Done)
    }
}

/// Two visitors with the same contents would share a session.
#[derive(Default)]
struct RepeatedCreateIsDone;

impl Variant for RepeatedCreateIsDone {
    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        if t.load(key) == Loaded::Live(record.clone()) {
            return Ok(Created::Done);
        }
        Ok(t.create(key, record))
    }
}

/// Markers and records in two tables: what moves in between is seen in neither.
#[derive(Default)]
struct TwoTablesReadInTurn;

impl Variant for TwoTablesReadInTurn {
    async fn load(&self, t: &Table, key: &StoreKey) -> Answer<Loaded> {
        let first = t.load(key);
        if !matches!(first, Loaded::Live(_)) {
            return Ok(first);
        }
        yield_now().await;
        match t.load(key) {
            Loaded::Live(record) => Ok(Loaded::Live(record)),
            _ => Ok(Loaded::Nothing),
        }
    }
}

/// Writes clear the cache, and a slow load fills it with what it read before.
#[derive(Default)]
struct CacheFillsWithoutVersion(Mutex<BTreeMap<StoreKey, Loaded>>);

impl CacheFillsWithoutVersion {
    fn clear<T>(&self, key: &StoreKey, answer: T) -> Answer<T> {
        self.0.lock().unwrap().remove(key);
        Ok(answer)
    }
}

impl Variant for CacheFillsWithoutVersion {
    async fn load(&self, t: &Table, key: &StoreKey) -> Answer<Loaded> {
        let cached = self.0.lock().unwrap().get(key).cloned();
        if let Some(cached) = cached {
            return Ok(cached);
        }
        let found = t.load(key);
        yield_now().await;
        if matches!(found, Loaded::Live(_)) {
            self.0.lock().unwrap().insert(*key, found.clone());
        }
        Ok(found)
    }

    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        self.clear(key, t.replace(key, expected, Loaded::Live(record.clone())))
    }

    async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
        self.clear(key, t.touch(key, idle_ms))
    }

    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        self.clear(key, t.delete(key, until_ms))
    }

    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        self.clear(old, t.replace(old, expected, Loaded::Moved(moved)))
    }
}

/// Another process's cache: nobody tells it.
#[derive(Default)]
struct CacheForgetsToForget(Mutex<BTreeMap<StoreKey, Loaded>>);

impl Variant for CacheForgetsToForget {
    async fn load(&self, t: &Table, key: &StoreKey) -> Answer<Loaded> {
        let found = t.load(key);
        let mut cache = self.0.lock().unwrap();
        if matches!(found, Loaded::Live(_)) {
            return Ok(cache.entry(*key).or_insert(found).clone());
        }
        Ok(cache.get(key).cloned().unwrap_or(found))
    }
}
