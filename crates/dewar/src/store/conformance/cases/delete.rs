//! `delete`.

use std::sync::Arc;

use super::{
    super::subject::{Finding, MINUTE_MS, Subject, same},
    Case, cases,
};
use crate::store::{Created, Loaded, Reached, Store, Written};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    cases![
        delete_leaves_a_tombstone,
        delete_of_an_unknown_key_leaves_a_tombstone,
        delete_twice_is_no_error,
        a_tombstone_keeps_the_later_deadline,
        delete_leaves_a_marker_as_it_is,
        delete_ends_one_session_alone,
        nothing_revives_an_ended_session,
    ]
}

/// Without a tombstone a slower request cannot be told from the first one of a new session.
async fn delete_leaves_a_tombstone<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, _) = s.live().await?;
    same("delete", s.delete(&key, s.tombstone_ms()).await?, Reached::Done)?;
    s.holds("load after it", &key, Loaded::Ended { until_ms: s.tombstone_ms() }).await
}

/// "Log out everywhere" may know a session before its record is written.
async fn delete_of_an_unknown_key_leaves_a_tombstone<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let key = s.key();
    same("delete of an unknown key", s.delete(&key, s.tombstone_ms()).await?, Reached::Gone)?;
    s.holds("load after it", &key, Loaded::Ended { until_ms: s.tombstone_ms() }).await
}

/// Two tabs log out at once (scs, Fiber).
async fn delete_twice_is_no_error<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, _) = s.ended().await?;
    same("second delete", s.delete(&key, s.tombstone_ms()).await?, Reached::Gone)?;
    s.holds("load after it", &key, Loaded::Ended { until_ms: s.tombstone_ms() }).await
}

/// The second delete must not let the dead come back sooner than the first one promised.
async fn a_tombstone_keeps_the_later_deadline<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, _) = s.ended().await?;
    let until_ms = s.tombstone_ms();
    for (asked, kept) in [
        (until_ms - MINUTE_MS, until_ms),
        (until_ms + MINUTE_MS, until_ms + MINUTE_MS),
        (0, until_ms + MINUTE_MS),
    ] {
        s.delete(&key, asked).await?;
        s.holds("load after one more delete", &key, Loaded::Ended { until_ms: kept }).await?;
    }
    Ok(())
}

/// Whoever ends a session under its old id has to be told where it went: ending the marker would
/// leave the session alive.
async fn delete_leaves_a_marker_as_it_is<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.live().await?;
    let successor = s.next(&record, "successor");
    let to = s.created(&successor).await?;
    let moved = crate::store::Moved { to, until_ms: s.tombstone_ms() };
    s.supersede(&key, record.version(), moved).await?;
    let reached = s.delete(&key, s.tombstone_ms()).await?;
    same("delete of a marker", reached, Reached::Moved(moved))?;
    s.holds("load of the marker", &key, Loaded::Moved(moved)).await?;
    s.holds("load of the successor", &to, Loaded::Live(successor)).await
}

/// One visitor's logout is nobody else's.
async fn delete_ends_one_session_alone<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (other, record) = s.live().await?;
    let (key, _) = s.ended().await?;
    s.holds("load of another session", &other, Loaded::Live(record)).await?;
    s.holds("load of the ended one", &key, Loaded::Ended { until_ms: s.tombstone_ms() }).await
}

/// Whatever verb comes late, in whatever order: dead is dead (Spring Session gh-1137 and gh-2021).
async fn nothing_revives_an_ended_session<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.ended().await?;
    let ended = Loaded::Ended { until_ms: s.tombstone_ms() };
    let (late, version) = (s.next(&record, "late"), record.version());
    for _ in 0..2 {
        let written = s.update(&key, version, &late).await?;
        same("update of an ended session", written, Written::Gone)?;
        let written = s.supersede(&key, version, s.marker()).await?;
        same("supersede of an ended session", written, Written::Gone)?;
        let reached = s.touch(&key, record.absolute_deadline_ms).await?;
        same("touch of an ended session", reached, Reached::Gone)?;
        same("create of an ended session", s.create(&key, &late).await?, Created::Ended)?;
        s.holds("load after all four", &key, ended.clone()).await?;
    }
    Ok(())
}
