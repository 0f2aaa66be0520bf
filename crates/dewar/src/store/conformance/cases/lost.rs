//! Calls that are cancelled, and answers that get lost.

use std::{future::Future, sync::Arc};

use super::{
    super::{
        faulty::{Fault, Faulty, cancel_after},
        subject::{Finding, HOUR_MS, Subject, ensure, failed, same},
    },
    Case, cases,
};
use crate::{
    id::StoreKey,
    store::{Created, Loaded, Reached, Record, Store, StoreError, Writes, Written},
};

/// No store waits more often than this in one call.
const MOST_POLLS: usize = 64;

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    cases![
        a_cancelled_create_is_done_or_not_done,
        a_cancelled_update_is_done_or_not_done,
        a_cancelled_touch_is_done_or_not_done,
        a_cancelled_delete_is_done_or_not_done,
        a_cancelled_supersede_is_done_or_not_done,
        a_write_whose_answer_was_lost_is_found,
        a_create_whose_answer_was_lost_is_found,
        a_rotation_whose_answer_was_lost_is_found,
    ]
}

/// The browser went away while the session was being made (Fiber's deadlines).
async fn a_cancelled_create_is_done_or_not_done<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for polls in 0..MOST_POLLS {
        let (key, record) = (s.key(), s.record("new"));
        let done = cancelled(polls, s.store.create(&key, &record)).await?.is_some();
        let new = Loaded::Live(record);
        old_or_new(&s, polls, &key, done, Loaded::Nothing, new.clone()).await?;
        if done {
            return Ok(());
        }
        s.create(&key, &s.record("again")).await?;
        ensure(matches!(s.load(&key).await?, Loaded::Live(_)), || {
            format!("after a create cancelled at poll {polls} another one has no effect")
        })?;
    }
    endless("create")
}

/// A save that is cut off leaves the old record or the new one, each of them whole.
async fn a_cancelled_update_is_done_or_not_done<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for polls in 0..MOST_POLLS {
        let (key, old) = s.live().await?;
        let mut new = s.next(&old, "new data, longer than the old");
        new.idle_deadline_ms += HOUR_MS;
        new.owner = Some(crate::store::Owner::of("mary"));
        let done = cancelled(polls, s.store.update(&key, old.version(), &new)).await?.is_some();
        old_or_new(&s, polls, &key, done, Loaded::Live(old), Loaded::Live(new)).await?;
        goes_on(&s, polls, &key).await?;
        if done {
            return Ok(());
        }
    }
    endless("update")
}

/// Nothing but the deadline may have moved.
async fn a_cancelled_touch_is_done_or_not_done<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for polls in 0..MOST_POLLS {
        let (key, old) = s.live().await?;
        let later = old.idle_deadline_ms + HOUR_MS;
        let done = cancelled(polls, s.store.touch(&key, later)).await?.is_some();
        let new = Record { idle_deadline_ms: later, ..old.clone() };
        old_or_new(&s, polls, &key, done, Loaded::Live(old), Loaded::Live(new)).await?;
        goes_on(&s, polls, &key).await?;
        if done {
            return Ok(());
        }
    }
    endless("touch")
}

/// A logout that is cut off between removing the record and writing the tombstone is none.
async fn a_cancelled_delete_is_done_or_not_done<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for polls in 0..MOST_POLLS {
        let (key, old) = s.live().await?;
        let until_ms = s.tombstone_ms();
        let done = cancelled(polls, s.store.delete(&key, until_ms)).await?.is_some();
        let new = Loaded::Ended { until_ms };
        old_or_new(&s, polls, &key, done, Loaded::Live(old), new.clone()).await?;
        s.delete(&key, until_ms).await?;
        s.holds("load after the delete is repeated", &key, new).await?;
        if done {
            return Ok(());
        }
    }
    endless("delete")
}

/// The old id removed and its marker not yet written: the session is lost (Flask-Session's
/// `regenerate`, tower-sessions' `cycle_id`).
async fn a_cancelled_supersede_is_done_or_not_done<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for polls in 0..MOST_POLLS {
        let (key, old) = s.live().await?;
        let moved = s.marker();
        let done = cancelled(polls, s.store.supersede(&key, old.version(), moved)).await?.is_some();
        let (version, old) = (old.version(), Loaded::Live(old));
        old_or_new(&s, polls, &key, done, old, Loaded::Moved(moved)).await?;
        s.supersede(&key, version, moved).await?;
        s.holds("load after the supersede is repeated", &key, Loaded::Moved(moved)).await?;
        if done {
            return Ok(());
        }
    }
    endless("supersede")
}

/// A writer who got no answer must not write twice: it looks for its write, even after others
/// have written (nobody tests it).
async fn a_write_whose_answer_was_lost_is_found<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, first) = s.live().await?;
    let ours = s.next(&first, "ours");
    let faulty = Faulty::sharing(s.store.clone());
    faulty.inject(Fault::ErrorAfter);
    let answer = faulty.update(&key, first.version(), &ours).await;
    ensure(answer.is_err(), || "update: the first one already failed to land".to_owned())?;
    s.holds("load after the lost answer", &key, Loaded::Live(ours.clone())).await?;

    let mut newest = ours.clone();
    for others in 1..Writes::KEPT {
        let next = s.next(&newest, "theirs");
        same("update by another", s.update(&key, newest.version(), &next).await?, Written::Done)?;
        newest = next;
        let found = s.load_live(&key).await?.writes;
        ensure(found.contains(ours.version()), || {
            format!("after {others} more writes ours is not among {found:?}")
        })?;
    }
    match s.update(&key, first.version(), &ours).await? {
        Written::Conflict(current) if current.writes.contains(ours.version()) => Ok(()),
        other => Err(format!("the write again: found {other:?}, expected a conflict with ours")),
    }
}

/// A create that is sent again finds that the session is its own.
async fn a_create_whose_answer_was_lost_is_found<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = (s.key(), s.record("new"));
    let faulty = Faulty::sharing(s.store.clone());
    faulty.inject(Fault::ErrorAfter);
    ensure(faulty.create(&key, &record).await.is_err(), || "no error was injected".to_owned())?;
    same("the create again", s.create(&key, &record).await?, Created::Exists)?;
    s.holds("load after both", &key, Loaded::Live(record)).await
}

/// A rotation or a logout that is sent again finds what the first one did.
async fn a_rotation_whose_answer_was_lost_is_found<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.live().await?;
    let moved = s.marker();
    let faulty = Faulty::sharing(s.store.clone());
    faulty.inject(Fault::ErrorAfter);
    let answer = faulty.supersede(&key, record.version(), moved).await;
    ensure(answer.is_err(), || "no error was injected".to_owned())?;
    let again = s.supersede(&key, record.version(), moved).await?;
    same("the supersede again", again, Written::Moved(moved))?;

    let (key, _) = s.live().await?;
    faulty.inject(Fault::ErrorAfter);
    let answer = faulty.delete(&key, s.tombstone_ms()).await;
    ensure(answer.is_err(), || "no error was injected".to_owned())?;
    same("the delete again", s.delete(&key, s.tombstone_ms()).await?, Reached::Gone)
}

async fn cancelled<T>(
    polls: usize,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Finding<Option<T>> {
    let answer = cancel_after(polls, call).await.transpose();
    answer.map_err(|error| failed(&format!("a call with {polls} polls"), &error))
}

/// What is there after a call that had so many polls.
async fn old_or_new<S: Store>(
    s: &Subject<S>,
    polls: usize,
    key: &StoreKey,
    done: bool,
    old: Loaded,
    new: Loaded,
) -> Finding {
    let found = s.load(key).await?;
    if found == new || (!done && found == old) {
        return Ok(());
    }
    Err(format!("after {polls} polls (done: {done}): found {found:?}, neither old nor new"))
}

/// The session still works: no lock was left behind.
async fn goes_on<S: Store>(s: &Subject<S>, polls: usize, key: &StoreKey) -> Finding {
    // A store that goes on with a cancelled call may come between once.
    for _ in 0..3 {
        let current = s.load_live(key).await?;
        let next = s.next(&current, "after the cancelled call");
        if s.update(key, current.version(), &next).await? == Written::Done {
            return s.holds("load after the next update", key, Loaded::Live(next)).await;
        }
    }
    Err(format!("after a call cancelled at poll {polls} no update is possible"))
}

fn endless(verb: &str) -> Finding {
    Err(format!("{verb} was not done after {MOST_POLLS} polls"))
}
