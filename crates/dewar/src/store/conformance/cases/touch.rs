//! `touch`.

use std::sync::Arc;

use super::{
    super::{
        executor::Client,
        gate::Gate,
        subject::{Finding, HOUR_MS, Subject, Way, ensure, same},
    },
    Case, cases,
    update::{add_one, counter},
};
use crate::store::{Loaded, Reached, Record, Store};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    cases![
        touch_moves_the_idle_deadline_alone,
        touch_never_shortens,
        touch_never_passes_the_absolute_deadline,
        touch_never_inserts,
        touch_never_revives,
        touch_of_a_moved_session_names_its_successor,
        concurrent_touches_keep_the_latest,
        concurrent_touches_and_updates_keep_both,
    ]
}

/// It leaves data and version as they are: a reader's touch must not cost a writer its update.
async fn touch_moves_the_idle_deadline_alone<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.live().await?;
    let later = record.idle_deadline_ms + HOUR_MS;
    same("touch of a session", s.touch(&key, later).await?, Reached::Done)?;
    let touched = Record { idle_deadline_ms: later, ..record.clone() };
    s.holds("load after the touch", &key, Loaded::Live(touched.clone())).await?;

    let next = s.next(&touched, "after the touch");
    let written = s.update(&key, record.version(), &next).await?;
    same("update of the version before the touch", written, crate::store::Written::Done)
}

/// A slow request, or a node whose clock is behind, must not log the visitor out earlier.
async fn touch_never_shortens<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.live().await?;
    for earlier in [record.idle_deadline_ms, record.idle_deadline_ms - 1, s.now_ms, 0] {
        same("touch to an earlier moment", s.touch(&key, earlier).await?, Reached::Done)?;
        s.holds("load after the touch", &key, Loaded::Live(record.clone())).await?;
    }
    Ok(())
}

/// A session that is used all day ends all the same (scs, Lua's lua-resty-session).
async fn touch_never_passes_the_absolute_deadline<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for asked in [1, 1_000_000] {
        let (key, record) = s.live().await?;
        let end = record.absolute_deadline_ms;
        same("touch beyond the end", s.touch(&key, end + asked).await?, Reached::Done)?;
        let touched = Record { idle_deadline_ms: end, ..record };
        s.holds("load after the touch", &key, Loaded::Live(touched)).await?;
    }
    let (key, record) = s.live().await?;
    same("touch to the last moment", s.touch(&key, u64::MAX).await?, Reached::Done)?;
    let touched = Record { idle_deadline_ms: record.absolute_deadline_ms, ..record };
    s.holds("load after that touch", &key, Loaded::Live(touched)).await
}

/// A touch is no save: there is nothing that it could insert.
async fn touch_never_inserts<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let key = s.key();
    same("touch of an unknown key", s.touch(&key, s.tombstone_ms()).await?, Reached::Gone)?;
    s.holds("load after the touch", &key, Loaded::Nothing).await
}

/// A reader that was under way while its visitor logged out: 7 of 16 measured libraries bring the
/// session back. Its tombstone does not last longer by it either.
async fn touch_never_revives<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.ended().await?;
    let later = record.idle_deadline_ms + HOUR_MS;
    same("touch of an ended session", s.touch(&key, later).await?, Reached::Gone)?;
    s.holds("load after the touch", &key, Loaded::Ended { until_ms: s.tombstone_ms() }).await
}

/// A marker is no session: it is not kept alive by use.
async fn touch_of_a_moved_session_names_its_successor<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record, moved) = s.moved().await?;
    let later = record.idle_deadline_ms + HOUR_MS;
    same("touch of a marker", s.touch(&key, later).await?, Reached::Moved(moved))?;
    s.holds("load after the touch", &key, Loaded::Moved(moved)).await
}

/// The latest deadline stays, in whatever order the touches arrive.
async fn concurrent_touches_keep_the_latest<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for way in Way::ALL {
        for _ in 0..s.rounds.div_ceil(4) {
            let (key, record) = s.live().await?;
            let gate = Gate::default();
            let mut clients: Vec<Client<Finding>> = Vec::new();
            for client in 1..=6 {
                let (s, ticket, later) = (s.clone(), gate.ticket(), record.idle_deadline_ms);
                clients.push(Box::pin(async move {
                    s.load_live(&key).await?;
                    ticket.meet().await;
                    s.linger().await;
                    same("touch", s.touch(&key, later + client * HOUR_MS).await?, Reached::Done)
                }));
            }
            s.at_once(way, clients).await?;
            gate.met()?;
            let latest = record.idle_deadline_ms + 6 * HOUR_MS;
            let touched = Record { idle_deadline_ms: latest, ..record };
            let found = s.holds("load after six touches", &key, Loaded::Live(touched)).await;
            found.map_err(|found| format!("{way}: {found}"))?;
        }
    }
    Ok(())
}

/// A touch that reads the record and saves it again takes a writer's update back.
async fn concurrent_touches_and_updates_keep_both<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for (way, times) in [(Way::Joined, 40), (Way::Spawned, s.rounds as u64 / 2 + 1)] {
        let record = s.record(0_u64.to_be_bytes());
        let (key, start) = (s.created(&record).await?, record.idle_deadline_ms);
        let gate = Gate::default();
        let mut clients: Vec<Client<Finding>> = Vec::new();
        for client in 0..4 {
            let (s, ticket) = (s.clone(), gate.ticket());
            clients.push(Box::pin(async move {
                let mut record = s.load_live(&key).await?;
                ticket.meet().await;
                for time in 1..=times {
                    s.linger().await;
                    if client % 2 == 0 {
                        record = add_one(&s, &key, record).await?;
                    } else {
                        same("touch", s.touch(&key, start + time).await?, Reached::Done)?;
                    }
                }
                Ok(())
            }));
        }
        s.at_once(way, clients).await?;
        gate.met()?;
        let found = s.load_live(&key).await?;
        let (sum, idle) = (counter(&found)?, found.idle_deadline_ms);
        ensure(sum == 2 * times, || {
            format!("{way}: {} increments were acknowledged, {sum} are there", 2 * times)
        })?;
        ensure((start..=start + times).contains(&idle), || {
            format!("{way}: nobody wrote the idle deadline {idle}")
        })?;
    }
    Ok(())
}
