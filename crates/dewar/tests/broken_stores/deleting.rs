//! Wrong in `delete`.

use dewar::{
    StoreKey,
    store::{Created, Loaded, Reached, Record, StoreError},
};

use crate::{
    Row,
    reference::{Answer, Table, Variant},
    rows,
};

pub(crate) fn rows() -> [Row; 10] {
    rows![
        DeleteLeavesNothing => delete_leaves_a_tombstone,
        DeleteDoesNothing => delete_leaves_a_tombstone,
        UnknownLeavesNothing => delete_of_an_unknown_key_leaves_a_tombstone,
        UnknownPanics => delete_of_an_unknown_key_leaves_a_tombstone,
        TwiceIsAnError => delete_twice_is_no_error,
        LastTombstoneCounts => a_tombstone_keeps_the_later_deadline,
        DeleteEndsMarkers => delete_leaves_a_marker_as_it_is,
        DeleteFollowsMarkers => delete_leaves_a_marker_as_it_is,
        DeleteEndsAll => delete_ends_one_session_alone,
        TombstonesWearOff => nothing_revives_an_ended_session,
    ]
}

#[derive(Default)]
struct DeleteLeavesNothing;

impl Variant for DeleteLeavesNothing {
    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        let reached = t.delete(key, until_ms);
        if reached == Reached::Done {
            t.open().remove(key);
        }
        Ok(reached)
    }
}

#[derive(Default)]
struct DeleteDoesNothing;

impl Variant for DeleteDoesNothing {
    async fn delete(&self, _: &Table, _: &StoreKey, _: u64) -> Answer<Reached> {
        Ok(Reached::Done)
    }
}

#[derive(Default)]
struct UnknownLeavesNothing;

impl Variant for UnknownLeavesNothing {
    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        if t.load(key) == Loaded::Nothing {
            return Ok(Reached::Gone);
        }
        Ok(t.delete(key, until_ms))
    }
}

#[derive(Default)]
struct UnknownPanics;

impl Variant for UnknownPanics {
    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        assert!(t.load(key) != Loaded::Nothing, "nobody deletes what is not there");
        Ok(t.delete(key, until_ms))
    }
}

#[derive(Default)]
struct TwiceIsAnError;

impl Variant for TwiceIsAnError {
    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        if matches!(t.load(key), Loaded::Ended { .. }) {
            return Err(StoreError::unavailable("duplicate key"));
        }
        Ok(t.delete(key, until_ms))
    }
}

#[derive(Default)]
struct LastTombstoneCounts;

impl Variant for LastTombstoneCounts {
    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        let reached = t.delete(key, until_ms);
        if reached == Reached::Gone {
            t.put(key, Loaded::Ended { until_ms });
        }
        Ok(reached)
    }
}

#[derive(Default)]
struct DeleteEndsMarkers;

impl Variant for DeleteEndsMarkers {
    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        let reached = t.delete(key, until_ms);
        t.put(key, Loaded::Ended { until_ms });
        Ok(reached)
    }
}

#[derive(Default)]
struct DeleteFollowsMarkers;

impl Variant for DeleteFollowsMarkers {
    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        let reached = t.delete(key, until_ms);
        if let Reached::Moved(moved) = reached {
            t.delete(&moved.to, until_ms);
        }
        Ok(reached)
    }
}

/// `FLUSHDB`.
#[derive(Default)]
struct DeleteEndsAll;

impl Variant for DeleteEndsAll {
    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        let reached = t.delete(key, until_ms);
        t.open().retain(|_, state| !matches!(state, Loaded::Live(_)));
        Ok(reached)
    }
}

/// The first create finds the tombstone, and takes it away.
#[derive(Default)]
struct TombstonesWearOff;

impl Variant for TombstonesWearOff {
    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        let created = t.create(key, record);
        if created == Created::Ended {
            t.open().remove(key);
        }
        Ok(created)
    }
}
