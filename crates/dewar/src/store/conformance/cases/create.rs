//! `load` and `create`.

use std::sync::Arc;

use super::{
    super::{
        gate::Gate,
        subject::{Finding, HOUR_MS, Subject, Way, ensure, same},
    },
    Case, cases,
};
use crate::store::{Created, Loaded, Store};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    cases![
        a_load_creates_nothing,
        a_created_record_is_loaded_as_it_was,
        create_never_overwrites_a_session,
        create_never_overwrites_a_marker,
        create_never_revives_an_ended_session,
        of_many_creates_of_one_key_one_lands,
        a_record_outlives_its_deadline_by_the_grace,
        a_record_from_a_wrong_clock_harms_no_other,
    ]
}

/// A presented id that nobody knows must not come to life: that would be session fixation
/// (Django, Flask-Session #76, axum_session).
async fn a_load_creates_nothing<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let key = s.key();
    s.holds("load of an unknown key", &key, Loaded::Nothing).await?;
    s.holds("second load of an unknown key", &key, Loaded::Nothing).await?;
    same("create after loads", s.create(&key, &s.record("")).await?, Created::Done)
}

/// What was saved is what comes back, all of it (Django, Spring Session).
async fn a_created_record_is_loaded_as_it_was<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.live().await?;
    s.holds("load after create", &key, Loaded::Live(record.clone())).await?;
    s.holds("load after load", &key, Loaded::Live(record)).await
}

/// Two visitors whose ids collide must not share a session (Django's `must_create`; the default
/// `create` of tower-sessions overwrites).
async fn create_never_overwrites_a_session<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.live().await?;
    same("create on a session", s.create(&key, &s.record("other")).await?, Created::Exists)?;
    s.holds("load after the second create", &key, Loaded::Live(record)).await
}

/// The marker would be lost, and with it the writes of requests that hold the old id.
async fn create_never_overwrites_a_marker<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, _, moved) = s.moved().await?;
    same("create on a marker", s.create(&key, &s.record("other")).await?, Created::Exists)?;
    s.holds("load after the create", &key, Loaded::Moved(moved)).await
}

/// A revocation may come before the record it revokes; death is final (rack-session's
/// CVE-2025-46336).
async fn create_never_revives_an_ended_session<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.ended().await?;
    let ended = Loaded::Ended { until_ms: s.tombstone_ms() };
    same("create on a tombstone", s.create(&key, &record).await?, Created::Ended)?;
    s.holds("load after the create", &key, ended.clone()).await?;

    let never_there = s.key();
    s.delete(&never_there, s.tombstone_ms()).await?;
    let created = s.create(&never_there, &record).await?;
    same("create after a delete that came first", created, Created::Ended)?;
    s.holds("load after that create", &never_there, ended).await
}

/// First writes of one key by several at once (Spring Session gh-1213: a duplicate-key error).
async fn of_many_creates_of_one_key_one_lands<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for way in Way::ALL {
        for _ in 0..s.rounds.div_ceil(4) {
            let (key, gate) = (s.key(), Gate::default());
            let mut clients: Vec<super::Client<Finding<_>>> = Vec::new();
            for client in 0..6 {
                let (s, ticket) = (s.clone(), gate.ticket());
                clients.push(Box::pin(async move {
                    let record = s.record([client]);
                    s.holds("load before any create", &key, Loaded::Nothing).await?;
                    ticket.meet().await;
                    s.linger().await;
                    Ok((s.create(&key, &record).await?, record))
                }));
            }
            let answers = s.at_once(way, clients).await?;
            gate.met()?;
            let mut winners = answers.into_iter().filter(|(created, _)| *created == Created::Done);
            let winner = winners.next().map(|(_, record)| record);
            ensure(winner.is_some() && winners.next().is_none(), || {
                format!("{way}: not exactly one create of one key was done")
            })?;
            let winner = winner.map_or(Loaded::Nothing, Loaded::Live);
            s.holds("load after the creates", &key, winner).await?;
        }
    }
    Ok(())
}

/// A store that forgets at the deadline itself loses the save that comes a moment before it
/// (Spring Session #2786), and decides by its own clock what the caller's clock decides.
async fn a_record_outlives_its_deadline_by_the_grace<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let mut record = s.record("still there");
    record.created_ms -= HOUR_MS;
    record.idle_deadline_ms = s.now_ms - 1_000;
    let key = s.created(&record).await?;
    s.holds("load a second after the deadline", &key, Loaded::Live(record)).await?;

    let key = s.key();
    s.delete(&key, s.now_ms - 1_000).await?;
    let ended = Loaded::Ended { until_ms: s.now_ms - 1_000 };
    s.holds("load of a tombstone a second after its deadline", &key, ended).await?;

    let (key, record) = s.live().await?;
    let moved = crate::store::Moved { until_ms: s.now_ms - 1_000, ..s.marker() };
    s.supersede(&key, record.version(), moved).await?;
    s.holds("load of a marker a second after its deadline", &key, Loaded::Moved(moved)).await
}

/// One node whose clock is years ahead must not make a store forget everybody.
async fn a_record_from_a_wrong_clock_harms_no_other<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let mut there = Vec::new();
    for _ in 0..100 {
        there.push(s.live().await?);
    }
    let mut early = s.record("from the future");
    early.created_ms = s.now_ms + 10 * 365 * 24 * HOUR_MS;
    early.idle_deadline_ms = early.created_ms + HOUR_MS;
    early.absolute_deadline_ms = early.idle_deadline_ms;
    s.created(&early).await?;
    for (key, record) in there {
        s.holds("load after a create by a wrong clock", &key, Loaded::Live(record)).await?;
    }
    Ok(())
}
