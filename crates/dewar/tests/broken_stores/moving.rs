//! Wrong in `supersede`.

use dewar::{
    StoreKey,
    store::{Loaded, Moved, Reached, WriteId, Written},
};
use tokio::task::yield_now;

use crate::{
    Row,
    reference::{Answer, Table, Variant},
    rows,
};

pub(crate) fn rows() -> [Row; 12] {
    rows![
        OldIdIsRemoved => supersede_turns_a_record_into_a_marker,
        MarkerForgetsUntil => supersede_turns_a_record_into_a_marker,
        SupersedeEndsTheSuccessor => supersede_turns_a_record_into_a_marker,
        SupersedeIgnoresTheVersion => supersede_of_a_stale_version_changes_nothing,
        SupersedeInserts => supersede_never_inserts,
        SupersedeRevivesEnded => rotation_never_revives_an_ended_session,
        LastSuccessorCounts => a_session_has_one_successor,
        DeleteForgetsMarkers => nothing_overwrites_a_marker,
        OneMarkerPerSession => a_chain_of_rotations_can_be_followed,
        SupersedeChecksThenSets => of_two_rotations_one_wins,
        SupersedeMissesTheWrite => a_rotation_and_a_write_meet_without_loss,
        RepeatedSupersedeIsDone => a_rotation_whose_answer_was_lost_is_found,
    ]
}

/// Rename: whoever holds the old id has lost the session.
#[derive(Default)]
struct OldIdIsRemoved;

impl Variant for OldIdIsRemoved {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        let written = t.replace(old, expected, Loaded::Moved(moved));
        if written == Written::Done {
            t.open().remove(old);
        }
        Ok(written)
    }
}

#[derive(Default)]
struct MarkerForgetsUntil;

impl Variant for MarkerForgetsUntil {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        Ok(t.replace(old, expected, Loaded::Moved(Moved { until_ms: 0, ..moved })))
    }
}

#[derive(Default)]
struct SupersedeEndsTheSuccessor;

impl Variant for SupersedeEndsTheSuccessor {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        t.open().remove(&moved.to);
        Ok(t.replace(old, expected, Loaded::Moved(moved)))
    }
}

#[derive(Default)]
struct SupersedeIgnoresTheVersion;

impl Variant for SupersedeIgnoresTheVersion {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        let now = match t.load(old) {
            Loaded::Live(now) => now.version(),
            _ => expected,
        };
        Ok(t.replace(old, now, Loaded::Moved(moved)))
    }
}

#[derive(Default)]
struct SupersedeInserts;

impl Variant for SupersedeInserts {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        let written = t.replace(old, expected, Loaded::Moved(moved));
        if t.load(old) == Loaded::Nothing {
            t.put(old, Loaded::Moved(moved));
        }
        Ok(written)
    }
}

#[derive(Default)]
struct SupersedeRevivesEnded;

impl Variant for SupersedeRevivesEnded {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        let written = t.replace(old, expected, Loaded::Moved(moved));
        if matches!(t.load(old), Loaded::Ended { .. }) {
            t.put(old, Loaded::Moved(moved));
        }
        Ok(written)
    }
}

#[derive(Default)]
struct LastSuccessorCounts;

impl Variant for LastSuccessorCounts {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        if matches!(t.load(old), Loaded::Moved(_)) {
            t.put(old, Loaded::Moved(moved));
            return Ok(Written::Done);
        }
        Ok(t.replace(old, expected, Loaded::Moved(moved)))
    }
}

/// Answers rightly, and the marker is gone.
#[derive(Default)]
struct DeleteForgetsMarkers;

impl Variant for DeleteForgetsMarkers {
    async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        let reached = t.delete(key, until_ms);
        if matches!(reached, Reached::Moved(_)) {
            t.open().remove(key);
        }
        Ok(reached)
    }
}

/// Whoever rotates again leaves the requests with the first id in the dark.
#[derive(Default)]
struct OneMarkerPerSession;

impl Variant for OneMarkerPerSession {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        t.open().retain(|_, state| !matches!(state, Loaded::Moved(moved) if moved.to == *old));
        Ok(t.replace(old, expected, Loaded::Moved(moved)))
    }
}

#[derive(Default)]
struct SupersedeChecksThenSets;

impl Variant for SupersedeChecksThenSets {
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
        yield_now().await;
        t.put(old, Loaded::Moved(moved));
        Ok(Written::Done)
    }
}

/// Looks at the version first, and then only whether the session is alive.
#[derive(Default)]
struct SupersedeMissesTheWrite;

impl Variant for SupersedeMissesTheWrite {
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
        yield_now().await;
        let now = match t.load(old) {
            Loaded::Live(now) => now.version(),
            _ => expected,
        };
        Ok(t.replace(old, now, Loaded::Moved(moved)))
    }
}

/// The same marker again is called done: two who rotate cannot tell who won.
#[derive(Default)]
struct RepeatedSupersedeIsDone;

impl Variant for RepeatedSupersedeIsDone {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        Ok(match t.replace(old, expected, Loaded::Moved(moved)) {
            Written::Moved(before) if before == moved => Written::Done,
            other => other,
        })
    }
}
