//! `sweep`.

use std::sync::Arc;

use super::{
    super::{
        executor::Client,
        gate::Gate,
        subject::{Finding, HOUR_MS, MINUTE_MS, Subject, Way, ensure, failed, same},
    },
    Case, cases,
};
use crate::{
    id::StoreKey,
    store::{GRACE, Loaded, Moved, Reached, Record, Sweep, Swept, Written},
};

const GRACE_MS: u64 = GRACE.as_millis() as u64;

pub(super) fn cases<S: Sweep>() -> Vec<Case<S>> {
    cases![
        sweep_forgets_nothing_before_the_grace_is_over,
        sweep_never_forgets_a_live_session,
        sweep_forgets_markers_and_tombstones,
        sweep_goes_by_the_deadline_that_holds_now,
        sweep_goes_by_the_absolute_deadline_too,
        sweep_is_bounded,
        sweep_twice_forgets_once,
        two_sweeps_at_once_share_the_work,
        a_load_during_a_sweep_finds_what_is_there,
        a_touch_during_a_sweep_is_done_or_gone,
        each_session_that_expired_is_told_once,
        what_is_no_session_is_not_told,
    ]
}

async fn swept<S: Sweep>(s: &Subject<S>, now_ms: u64, limit: usize) -> Finding<Swept> {
    s.store.sweep(now_ms, limit).await.map_err(|error| failed("sweep", &error))
}

async fn sweep<S: Sweep>(s: &Subject<S>, now_ms: u64, limit: usize) -> Finding<usize> {
    Ok(swept(s, now_ms, limit).await?.forgotten)
}

/// So many sessions that end at this moment.
async fn ending<S: Sweep>(
    s: &Subject<S>,
    count: usize,
    deadline_ms: u64,
) -> Finding<Vec<(StoreKey, Record)>> {
    let mut there = Vec::new();
    for _ in 0..count {
        let record = Record { idle_deadline_ms: deadline_ms, ..s.record("ends") };
        there.push((s.created(&record).await?, record));
    }
    Ok(there)
}

/// Nodes' clocks differ, and a save may come a moment before the deadline (Spring Session #2786).
async fn sweep_forgets_nothing_before_the_grace_is_over<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    let deadline = s.now_ms + HOUR_MS;
    let there = ending(&s, 5, deadline).await?;
    for now_ms in [0, s.now_ms, deadline, deadline + 1, deadline + GRACE_MS] {
        same("sweep within the grace", sweep(&s, now_ms, 100).await?, 0)?;
    }
    for (key, record) in &there {
        s.holds("load within the grace", key, Loaded::Live(record.clone())).await?;
    }
    same("sweep after the grace", sweep(&s, deadline + GRACE_MS + 1, 100).await?, 5)?;
    for (key, _) in &there {
        s.holds("load after the sweep", key, Loaded::Nothing).await?;
    }
    Ok(())
}

/// However old it is and however near its end.
async fn sweep_never_forgets_a_live_session<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    let soon = ending(&s, 5, s.now_ms + HOUR_MS).await?;
    let mut there = ending(&s, 5, s.now_ms + 3 * HOUR_MS).await?;
    let old = Record { created_ms: s.now_ms - 24 * HOUR_MS, ..there[0].1.clone() };
    there.push((s.created(&old).await?, old));
    let never = u64::MAX;
    let eternal =
        Record { idle_deadline_ms: never, absolute_deadline_ms: never, ..s.record("eternal") };
    there.push((s.created(&eternal).await?, eternal));
    let swept = sweep(&s, s.now_ms + 2 * HOUR_MS, 100).await?;
    same("sweep of five in twelve", swept, soon.len())?;
    for (key, record) in there {
        s.holds("load of a live session after a sweep", &key, Loaded::Live(record)).await?;
    }
    Ok(())
}

/// They have a deadline too, or a store of logouts grows for ever.
async fn sweep_forgets_markers_and_tombstones<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    let (ended, _) = s.ended().await?;
    let (moved_key, _, moved) = s.moved().await?;
    let never_there = s.key();
    s.delete(&never_there, s.tombstone_ms()).await?;
    let past = s.tombstone_ms() + GRACE_MS;
    same("sweep within the grace", sweep(&s, past, 100).await?, 0)?;
    let tombstone = Loaded::Ended { until_ms: s.tombstone_ms() };
    s.holds("tombstone within the grace", &ended, tombstone).await?;
    s.holds("marker within the grace", &moved_key, Loaded::Moved(moved)).await?;
    same("sweep after the grace", sweep(&s, past + 1, 100).await?, 3)?;
    for key in [ended, moved_key, never_there] {
        s.holds("load after the sweep", &key, Loaded::Nothing).await?;
    }
    Ok(())
}

/// A deadline that was moved by touch, update, delete or supersede is the one that counts.
async fn sweep_goes_by_the_deadline_that_holds_now<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    let (soon, late) = (s.now_ms + HOUR_MS, s.now_ms + 3 * HOUR_MS);
    let there = ending(&s, 4, soon).await?;
    let [(touched, _), (updated, before), (ended, _), (moved, record)] = &there[..] else {
        return Ok(());
    };
    s.touch(touched, late).await?;
    let next = Record { idle_deadline_ms: late, ..s.next(before, "later") };
    same("update", s.update(updated, before.version(), &next).await?, Written::Done)?;
    s.delete(ended, late).await?;
    s.supersede(moved, record.version(), Moved { until_ms: late, ..s.marker() }).await?;

    let shortened = ending(&s, 3, late).await?;
    let (key, record) = &shortened[0];
    let next = Record { idle_deadline_ms: soon, ..s.next(record, "sooner") };
    same("update", s.update(key, record.version(), &next).await?, Written::Done)?;
    s.delete(&shortened[1].0, soon).await?;
    let (key, record) = &shortened[2];
    s.supersede(key, record.version(), Moved { until_ms: soon, ..s.marker() }).await?;

    let past = soon + GRACE_MS + 1;
    same("sweep of what now ends sooner", sweep(&s, past, 100).await?, 3)?;
    for (key, _) in &shortened {
        s.holds("load of what now ends sooner", key, Loaded::Nothing).await?;
    }
    for (key, _) in &there {
        ensure(s.load(key).await? != Loaded::Nothing, || {
            "what now ends later was forgotten at its old deadline".to_owned()
        })?;
    }
    same("sweep of what ends later", sweep(&s, late + GRACE_MS + 1, 100).await?, 4)
}

/// The earlier of the two deadlines ends a session.
async fn sweep_goes_by_the_absolute_deadline_too<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    let end = s.now_ms + HOUR_MS;
    let record = Record { absolute_deadline_ms: end, ..s.record("short life") };
    let key = s.created(&record).await?;
    same("sweep within the grace", sweep(&s, end + GRACE_MS, 100).await?, 0)?;
    same("sweep after the grace", sweep(&s, end + GRACE_MS + 1, 100).await?, 1)?;
    s.holds("load after the sweep", &key, Loaded::Nothing).await
}

/// A purge of everything at once blocks the database for all (Kratos; rack-session #211).
async fn sweep_is_bounded<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    let deadline = s.now_ms + HOUR_MS;
    let there = ending(&s, 25, deadline).await?;
    let past = deadline + GRACE_MS + MINUTE_MS;
    same("sweep of none", sweep(&s, past, 0).await?, 0)?;
    for (expected, left) in [(10, 15), (10, 5), (5, 0), (0, 0)] {
        same("sweep of at most ten", sweep(&s, past, 10).await?, expected)?;
        let mut found = 0;
        for (key, _) in &there {
            found += usize::from(s.load(key).await? != Loaded::Nothing);
        }
        same("what is left after it", found, left)?;
    }
    Ok(())
}

/// A sweep that is started again after a crash does no harm.
async fn sweep_twice_forgets_once<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    let deadline = s.now_ms + HOUR_MS;
    ending(&s, 5, deadline).await?;
    let (key, record) = s.live().await?;
    let past = deadline + GRACE_MS + 1;
    same("first sweep", sweep(&s, past, 100).await?, 5)?;
    same("second sweep", sweep(&s, past, 100).await?, 0)?;
    s.holds("load of a live session after both", &key, Loaded::Live(record)).await
}

/// Every node may sweep: none forgets twice, none is in the other's way.
async fn two_sweeps_at_once_share_the_work<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    for way in Way::ALL {
        for round in 1..=s.rounds as u64 {
            let deadline = s.now_ms + round * MINUTE_MS;
            let there = ending(&s, 10, deadline).await?;
            let (gate, past) = (Gate::default(), deadline + GRACE_MS + 1);
            let mut clients: Vec<Client<Finding<usize>>> = Vec::new();
            for _ in 0..2 {
                let (s, ticket) = (s.clone(), gate.ticket());
                clients.push(Box::pin(async move {
                    ticket.meet().await;
                    s.linger().await;
                    sweep(&s, past, 100).await
                }));
            }
            let swept: usize = s.at_once(way, clients).await?.iter().sum();
            gate.met()?;
            same(&format!("{way}: both sweeps together"), swept, there.len())?;
        }
    }
    Ok(())
}

/// Nobody notices that it goes on.
async fn a_load_during_a_sweep_finds_what_is_there<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    let live = ending(&s, 10, s.now_ms + 24 * HOUR_MS).await?;
    for way in Way::ALL {
        for round in 1..=s.rounds.div_ceil(10) as u64 {
            let deadline = s.now_ms + round * MINUTE_MS;
            ending(&s, 20, deadline).await?;
            let past = deadline + GRACE_MS + 1;
            let found = loads_against_a_sweep(&s, way, &live, past).await;
            found.map_err(|found| format!("{way}: {found}"))?;
        }
    }
    Ok(())
}

async fn loads_against_a_sweep<S: Sweep>(
    s: &Arc<Subject<S>>,
    way: Way,
    live: &[(StoreKey, Record)],
    past: u64,
) -> Finding {
    let gate = Gate::default();
    let mut clients: Vec<Client<Finding>> = Vec::new();
    for client in 0..3 {
        let (s, ticket, live) = (s.clone(), gate.ticket(), live.to_vec());
        clients.push(Box::pin(async move {
            ticket.meet().await;
            if client == 0 {
                s.linger().await;
                return same("sweep", sweep(&s, past, 100).await?, 20);
            }
            for (key, record) in live {
                s.linger().await;
                s.holds("load during a sweep", &key, Loaded::Live(record)).await?;
            }
            Ok(())
        }));
    }
    s.at_once(way, clients).await?;
    gate.met()
}

/// The visitor comes back at the last moment: kept or gone, and the answer says which.
async fn a_touch_during_a_sweep_is_done_or_gone<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    for way in Way::ALL {
        for round in 1..=s.rounds as u64 {
            let deadline = s.now_ms + round;
            let there = ending(&s, 1, deadline).await?;
            let (key, later) = (there[0].0, s.now_ms + 24 * HOUR_MS);
            let gate = Gate::default();
            let mut clients: Vec<Client<Finding<bool>>> = Vec::new();
            for sweeps in [false, true] {
                let (s, ticket) = (s.clone(), gate.ticket());
                clients.push(Box::pin(async move {
                    s.load_live(&key).await?;
                    ticket.meet().await;
                    s.linger().await;
                    if sweeps {
                        return sweep(&s, deadline + GRACE_MS + 1, 10)
                            .await
                            .map(|count| count == 1);
                    }
                    Ok(s.touch(&key, later).await? == Reached::Done)
                }));
            }
            let answers = s.at_once(way, clients).await?;
            gate.met()?;
            let found = s.load(&key).await?;
            let agree = match &found {
                Loaded::Live(record) => {
                    answers == [true, false] && record.idle_deadline_ms == later
                }
                Loaded::Nothing => answers == [false, true],
                _ => false,
            };
            ensure(agree, || {
                format!("{way}: touched and swept {answers:?}, then found {found:?}")
            })?;
        }
    }
    Ok(())
}

/// By two sweeps at once, in small batches: one of them tells it.
async fn each_session_that_expired_is_told_once<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    for way in Way::ALL {
        let there = ending(&s, 40, s.now_ms).await?;
        let gate = Gate::default();
        let mut clients: Vec<Client<Finding<Vec<StoreKey>>>> = Vec::new();
        for _ in 0..2 {
            let (s, ticket) = (Arc::clone(&s), gate.ticket());
            clients.push(Box::pin(async move {
                ticket.meet().await;
                let mut told = Vec::new();
                // More than there is to do: one that never says it is finished is another case's.
                for _ in 0..20 {
                    s.linger().await;
                    let swept = swept(&s, s.now_ms + GRACE_MS + 1, 7).await?;
                    told.extend(swept.expired);
                    if swept.forgotten < 7 {
                        break;
                    }
                }
                Ok(told)
            }));
        }
        let mut told: Vec<_> = s.at_once(way, clients).await?.into_iter().flatten().collect();
        gate.met()?;
        // Two that share the work may both see the end of it while a little is left.
        told.extend(swept(&s, s.now_ms + GRACE_MS + 1, 100).await?.expired);
        let mut expected: Vec<_> = there.iter().map(|(key, _)| *key).collect();
        told.sort_unstable();
        expected.sort_unstable();
        same(&format!("told {way}"), told, expected)?;
    }
    Ok(())
}

/// Neither a logout nor a rotation, whose ends were told when they came; nor a record whose deadline
/// is 0, since whoever set it so has told that.
async fn what_is_no_session_is_not_told<S: Sweep>(s: Arc<Subject<S>>) -> Finding {
    s.ended().await?;
    s.moved().await?;
    let (key, record) = s.live().await?;
    let buried = Record { idle_deadline_ms: 0, absolute_deadline_ms: 0, ..s.next(&record, "") };
    same("update", s.update(&key, record.version(), &buried).await?, Written::Done)?;
    let late_ms = s.now_ms + HOUR_MS + GRACE_MS;
    let Swept { forgotten, expired } = swept(&s, late_ms, 100).await?;
    same("told", expired, Vec::new())?;
    // A store with a clock of its own may have forgotten the record by itself.
    ensure((2..=3).contains(&forgotten), || {
        format!("{forgotten} were forgotten, and 2 or 3 were past")
    })
}
