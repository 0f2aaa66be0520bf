//! `supersede`.

use std::sync::Arc;

use super::{
    super::subject::{Finding, HOUR_MS, Subject, same},
    Case, cases,
};
use crate::store::{Created, Loaded, Moved, Reached, Store, Written};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    cases![
        supersede_turns_a_record_into_a_marker,
        supersede_of_a_stale_version_changes_nothing,
        supersede_never_inserts,
        rotation_never_revives_an_ended_session,
        a_session_has_one_successor,
        nothing_overwrites_a_marker,
        a_chain_of_rotations_can_be_followed,
    ]
}

/// The old id routes and nothing more; the successor stays as it was created.
async fn supersede_turns_a_record_into_a_marker<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.live().await?;
    let successor = s.next(&record, "role: admin");
    let to = s.created(&successor).await?;
    let moved = Moved { to, until_ms: s.tombstone_ms() + 1 };
    same("supersede", s.supersede(&key, record.version(), moved).await?, Written::Done)?;
    s.holds("load of the old key", &key, Loaded::Moved(moved)).await?;
    s.holds("load of the successor", &to, Loaded::Live(successor)).await
}

/// A write that came between would be lost: the successor was made without it.
async fn supersede_of_a_stale_version_changes_nothing<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, first) = s.live().await?;
    let second = s.next(&first, "came between");
    s.update(&key, first.version(), &second).await?;
    for stale in [first.version(), s.write()] {
        let written = s.supersede(&key, stale, s.marker()).await?;
        same("supersede of a stale version", written, Written::Conflict(second.clone()))?;
        s.holds("load after it", &key, Loaded::Live(second.clone())).await?;
    }
    Ok(())
}

/// Where there was no session there is nothing to lead away from.
async fn supersede_never_inserts<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, write) = (s.key(), s.write());
    let written = s.supersede(&key, write, s.marker()).await?;
    same("supersede of an unknown key", written, Written::Gone)?;
    s.holds("load after it", &key, Loaded::Nothing).await
}

/// Logout wins over rotation (Spring Session gh-1137).
async fn rotation_never_revives_an_ended_session<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.ended().await?;
    let written = s.supersede(&key, record.version(), s.marker()).await?;
    same("supersede of an ended session", written, Written::Gone)?;
    s.holds("load after it", &key, Loaded::Ended { until_ms: s.tombstone_ms() }).await
}

/// Two rotations of one id: the second one learns of the first (Spring Session gh-962, gh-1270).
async fn a_session_has_one_successor<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record, first) = s.moved().await?;
    for expected in [record.version(), s.write()] {
        let written = s.supersede(&key, expected, s.marker()).await?;
        same("second supersede", written, Written::Moved(first))?;
        s.holds("load after it", &key, Loaded::Moved(first)).await?;
    }
    Ok(())
}

/// Requests that still hold the old id must find the session until the marker is forgotten.
async fn nothing_overwrites_a_marker<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record, moved) = s.moved().await?;
    let late = s.next(&record, "late");
    let written = s.update(&key, record.version(), &late).await?;
    same("update of a marker", written, Written::Moved(moved))?;
    same("create on a marker", s.create(&key, &late).await?, Created::Exists)?;
    let reached = s.touch(&key, record.idle_deadline_ms + HOUR_MS).await?;
    same("touch of a marker", reached, Reached::Moved(moved))?;
    let reached = s.delete(&key, s.tombstone_ms() + HOUR_MS).await?;
    same("delete of a marker", reached, Reached::Moved(moved))?;
    s.holds("load after all four", &key, Loaded::Moved(moved)).await
}

/// Who rotates twice leaves two markers, and a request with the first id arrives all the same.
async fn a_chain_of_rotations_can_be_followed<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (first, mut record) = s.live().await?;
    let mut last = first;
    for _ in 0..3 {
        let successor = s.next(&record, "one hop further");
        let to = s.created(&successor).await?;
        let moved = Moved { to, until_ms: s.tombstone_ms() };
        same("supersede", s.supersede(&last, record.version(), moved).await?, Written::Done)?;
        (last, record) = (to, successor);
    }
    let mut here = first;
    for _ in 0..3 {
        match s.load(&here).await? {
            Loaded::Moved(moved) => here = moved.to,
            other => return Err(format!("load of a marker in the chain: found {other:?}")),
        }
    }
    s.holds("load at the end of the chain", &here, Loaded::Live(record)).await
}
