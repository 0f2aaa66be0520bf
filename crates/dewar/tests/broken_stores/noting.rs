//! Wrong in what they note of users.

use dewar::{
    StoreKey,
    store::{
        Created, Entry, Loaded, Moved, Owner, Record, StoreError, StoreErrorKind, WriteId, Written,
    },
};
use tokio::task::yield_now;

use crate::{
    Row,
    reference::{Answer, Table, Variant},
    rows,
};

pub(crate) fn rows() -> [Row; 12] {
    rows![
        ShowsEverybodys => a_user_without_sessions_has_none,
        KeepsOnePerUser => a_session_is_found_by_its_user_alone,
        NobodyIsAUser => a_session_of_nobody_is_found_by_nobody,
        NotesAtCreateAlone => an_update_that_names_a_user_makes_it_his,
        LeavesNothing => a_session_that_passes_to_another_user_is_found_by_him_alone,
        KeepsTheEnded => a_session_that_ended_is_not_found_once_it_was_left,
        LosesTheSuccessor => a_rotated_session_is_found_under_its_new_key_alone,
        ShowsTwice => a_session_that_was_entered_twice_is_found_once,
        NothingToLeaveIsAnError => leaving_what_was_never_entered_is_no_error,
        BeginsEachPageAnew => sessions_of_a_user_come_page_by_page,
        AnUpdateForgetsTheOwner => an_update_keeps_a_session_with_its_user,
        ReadsThenNotes => logins_at_once_are_all_found,
    ]
}

#[derive(Default)]
struct ShowsEverybodys;

impl Variant for ShowsEverybodys {
    async fn sessions_of(
        &self,
        t: &Table,
        _: &Owner,
        _: Option<Entry>,
        _: usize,
    ) -> Answer<Vec<Entry>> {
        let everybodys = t.notes();
        let all = everybodys.values().flatten();
        Ok(all.map(|(key, since_ms)| Entry { key: *key, since_ms: *since_ms }).collect())
    }
}

/// A field of the user's row instead of a list.
#[derive(Default)]
struct KeepsOnePerUser;

impl Variant for KeepsOnePerUser {
    async fn enter(&self, t: &Table, owner: &Owner, key: &StoreKey, now_ms: u64) -> Answer<()> {
        t.notes().insert(*owner.as_bytes(), [(*key, now_ms)].into());
        Ok(())
    }
}

/// A column that is not null, and zeros for nobody.
#[derive(Default)]
struct NobodyIsAUser;

impl Variant for NobodyIsAUser {
    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        if record.owner.is_none() {
            t.notes().entry([0; 32]).or_default().insert(*key, record.created_ms);
        }
        Ok(t.create(key, record))
    }
}

#[derive(Default)]
struct NotesAtCreateAlone;

impl Variant for NotesAtCreateAlone {
    async fn enter(&self, _: &Table, _: &Owner, _: &StoreKey, _: u64) -> Answer<()> {
        Ok(())
    }

    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        if let Some(owner) = record.owner {
            t.notes().entry(*owner.as_bytes()).or_default().insert(*key, record.created_ms);
        }
        Ok(t.create(key, record))
    }
}

/// Notifications of expired keys were to do it (Spring Session #2230: on a cluster they never come).
#[derive(Default)]
struct LeavesNothing;

impl Variant for LeavesNothing {
    async fn leave(&self, _: &Table, _: &Owner, _: &StoreKey) -> Answer<()> {
        Ok(())
    }
}

/// It looks whether the session is live, and a tombstone is something.
#[derive(Default)]
struct KeepsTheEnded;

impl Variant for KeepsTheEnded {
    async fn leave(&self, t: &Table, owner: &Owner, key: &StoreKey) -> Answer<()> {
        if !matches!(t.load(key), Loaded::Ended { .. }) {
            t.notes().entry(*owner.as_bytes()).or_default().remove(key);
        }
        Ok(())
    }
}

/// The note of the old key was written over, and then it was left.
#[derive(Default)]
struct LosesTheSuccessor;

impl Variant for LosesTheSuccessor {
    async fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<Written> {
        for his in t.notes().values_mut() {
            his.remove(&moved.to);
        }
        Ok(t.replace(old, expected, Loaded::Moved(moved)))
    }
}

/// A list where a set belongs.
#[derive(Default)]
struct ShowsTwice;

impl Variant for ShowsTwice {
    async fn sessions_of(
        &self,
        t: &Table,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Answer<Vec<Entry>> {
        let once = t.sessions_of(owner, after, limit);
        Ok(once.into_iter().flat_map(|entry| [entry, entry]).collect())
    }
}

#[derive(Default)]
struct NothingToLeaveIsAnError;

impl Variant for NothingToLeaveIsAnError {
    async fn leave(&self, t: &Table, owner: &Owner, key: &StoreKey) -> Answer<()> {
        let left = t.notes().entry(*owner.as_bytes()).or_default().remove(key);
        left.map(drop).ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable))
    }
}

#[derive(Default)]
struct BeginsEachPageAnew;

impl Variant for BeginsEachPageAnew {
    async fn sessions_of(
        &self,
        t: &Table,
        owner: &Owner,
        _: Option<Entry>,
        limit: usize,
    ) -> Answer<Vec<Entry>> {
        Ok(t.sessions_of(owner, None, limit))
    }
}

#[derive(Default)]
struct AnUpdateForgetsTheOwner;

impl Variant for AnUpdateForgetsTheOwner {
    async fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Answer<Written> {
        for his in t.notes().values_mut() {
            his.remove(key);
        }
        Ok(t.replace(key, expected, Loaded::Live(record.clone())))
    }
}

#[derive(Default)]
struct ReadsThenNotes;

impl Variant for ReadsThenNotes {
    async fn enter(&self, t: &Table, owner: &Owner, key: &StoreKey, now_ms: u64) -> Answer<()> {
        let mut his = t.notes().get(owner.as_bytes()).cloned().unwrap_or_default();
        yield_now().await;
        his.insert(*key, now_ms);
        t.notes().insert(*owner.as_bytes(), his);
        Ok(())
    }
}
