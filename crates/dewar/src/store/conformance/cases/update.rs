//! `update`.

use std::sync::Arc;

use super::{
    super::{
        executor::Client,
        gate::Gate,
        subject::{Finding, Subject, Way, ensure, same},
    },
    Case, cases,
};
use crate::{
    id::StoreKey,
    store::{Loaded, Owner, Record, Store, Written},
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    cases![
        update_replaces_the_whole_record,
        update_of_a_stale_version_changes_nothing,
        one_version_is_written_over_once,
        update_never_inserts,
        logout_wins_over_a_slow_writer,
        update_of_a_moved_session_names_its_successor,
        of_many_updates_from_one_version_one_lands,
        with_retries_every_update_lands,
    ]
}

/// The record is the caller's: owner, deadlines and writes go with the data, later or earlier.
async fn update_replaces_the_whole_record<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, first) = s.live().await?;
    let mut second = s.next(&first, "longer than it was before, and other bytes");
    second.owner = Some(Owner::of("mary"));
    second.idle_deadline_ms += 60_000;
    second.absolute_deadline_ms += 120_000;
    let written = s.update(&key, first.version(), &second).await?;
    same("update of a session", written, Written::Done)?;
    s.holds("load after the update", &key, Loaded::Live(second.clone())).await?;

    let mut third = s.next(&second, "");
    third.owner = None;
    third.created_ms -= 1;
    third.idle_deadline_ms = first.idle_deadline_ms - 60_000;
    third.absolute_deadline_ms = first.absolute_deadline_ms - 60_000;
    let written = s.update(&key, second.version(), &third).await?;
    same("update to less and earlier", written, Written::Done)?;
    s.holds("load after the second update", &key, Loaded::Live(third)).await
}

/// A slow reader must not take back what a quick writer wrote: 15 of 16 measured libraries fail.
/// It gets the current record, so that it can apply its change to that.
async fn update_of_a_stale_version_changes_nothing<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, first) = s.live().await?;
    let quick = s.next(&first, "quick");
    same("the quick update", s.update(&key, first.version(), &quick).await?, Written::Done)?;
    let slow = s.next(&first, "slow");
    let written = s.update(&key, first.version(), &slow).await?;
    same("the slow update", written, Written::Conflict(quick.clone()))?;
    let unknown = s.update(&key, s.write(), &slow).await?;
    same("update of a version that never was", unknown, Written::Conflict(quick.clone()))?;
    s.holds("load after the conflicts", &key, Loaded::Live(quick)).await
}

/// An update that is sent twice, by a retry or by a proxy, counts once.
async fn one_version_is_written_over_once<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, first) = s.live().await?;
    let second = s.next(&first, "one pear more");
    let once = s.update(&key, first.version(), &second).await?;
    same("the first time", once, Written::Done)?;
    let twice = s.update(&key, first.version(), &second).await?;
    same("the second time", twice, Written::Conflict(second.clone()))?;
    s.holds("load after both", &key, Loaded::Live(second)).await
}

/// A save that inserts is how a logout is undone (tower-sessions, connect-redis #328).
async fn update_never_inserts<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = (s.key(), s.record("nobody made me"));
    let written = s.update(&key, record.version(), &record).await?;
    same("update of an unknown key", written, Written::Gone)?;
    s.holds("load after the update", &key, Loaded::Nothing).await
}

/// The request that was under way while its visitor logged out (Django, Spring Session gh-1031,
/// rack-session's CVE-2025-46336): its write must not bring the session back.
async fn logout_wins_over_a_slow_writer<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.ended().await?;
    let late = s.next(&record, "late");
    for expected in [record.version(), late.version()] {
        let written = s.update(&key, expected, &late).await?;
        same("update of an ended session", written, Written::Gone)?;
        let ended = Loaded::Ended { until_ms: s.tombstone_ms() };
        s.holds("load after the late update", &key, ended).await?;
    }
    Ok(())
}

/// A write under the old id has to be told where the session went, and must not undo the rotation.
async fn update_of_a_moved_session_names_its_successor<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record, moved) = s.moved().await?;
    let late = s.next(&record, "late");
    let written = s.update(&key, record.version(), &late).await?;
    same("update of a moved session", written, Written::Moved(moved))?;
    s.holds("load after the update", &key, Loaded::Moved(moved)).await
}

/// Looking and writing are one step, or two writers both believe that they won.
async fn of_many_updates_from_one_version_one_lands<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for way in Way::ALL {
        for _ in 0..s.rounds.div_ceil(4) {
            race_of_updates(&s, way).await.map_err(|found| format!("{way}: {found}"))?;
        }
    }
    Ok(())
}

async fn race_of_updates<S: Store>(s: &Arc<Subject<S>>, way: Way) -> Finding {
    let (key, first) = s.live().await?;
    let gate = Gate::default();
    let mut clients: Vec<Client<Finding<_>>> = Vec::new();
    for client in 0..6 {
        let (s, ticket, first) = (s.clone(), gate.ticket(), first.clone());
        clients.push(Box::pin(async move {
            s.holds("load before the updates", &key, Loaded::Live(first.clone())).await?;
            ticket.meet().await;
            s.linger().await;
            let record = s.next(&first, [client]);
            Ok((s.update(&key, first.version(), &record).await?, record))
        }));
    }
    let answers = s.at_once(way, clients).await?;
    gate.met()?;
    let won =
        |(written, record): &(Written, Record)| (*written == Written::Done).then(|| record.clone());
    let winners: Vec<_> = answers.iter().filter_map(won).collect();
    let [winner] = &winners[..] else {
        return Err(format!("{} of 6 updates from one version were done", winners.len()));
    };
    for (written, _) in answers.iter().filter(|answer| won(answer).is_none()) {
        same("the others", written.clone(), Written::Conflict(winner.clone()))?;
    }
    s.holds("load after the updates", &key, Loaded::Live(winner.clone())).await
}

/// The promise itself: of concurrent increments none is lost, none is applied twice.
async fn with_retries_every_update_lands<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for (way, clients, times) in [(Way::Joined, 12, 4), (Way::Spawned, 4, s.rounds as u64)] {
        let counted = count_up(&s, way, clients, times).await;
        counted.map_err(|found| format!("{way}: {found}"))?;
    }
    Ok(())
}

async fn count_up<S: Store>(s: &Arc<Subject<S>>, way: Way, clients: u64, times: u64) -> Finding {
    let key = s.created(&s.record(0_u64.to_be_bytes())).await?;
    let gate = Gate::default();
    let mut counting: Vec<Client<Finding>> = Vec::new();
    for _ in 0..clients {
        let (s, ticket) = (s.clone(), gate.ticket());
        counting.push(Box::pin(async move {
            let mut record = s.load_live(&key).await?;
            ticket.meet().await;
            for _ in 0..times {
                s.linger().await;
                record = add_one(&s, &key, record).await?;
            }
            Ok(())
        }));
    }
    s.at_once(way, counting).await?;
    gate.met()?;
    let found = counter(&s.load_live(&key).await?)?;
    ensure(found == clients * times, || {
        format!("{} increments were acknowledged, {found} are there", clients * times)
    })
}

/// Adds one to the counter, however often somebody comes between; gives what was written.
pub(super) async fn add_one<S: Store>(
    s: &Subject<S>,
    key: &StoreKey,
    mut current: Record,
) -> Finding<Record> {
    for _ in 0..10_000 {
        let next = s.next(&current, (counter(&current)? + 1).to_be_bytes());
        match s.update(key, current.version(), &next).await? {
            Written::Done => return Ok(next),
            Written::Conflict(newer) => current = newer,
            other => return Err(format!("update of a live session: found {other:?}")),
        }
    }
    Err("10,000 updates in a row met a conflict".to_owned())
}

pub(super) fn counter(record: &Record) -> Finding<u64> {
    let bytes = record.data.as_slice().try_into();
    bytes.map(u64::from_be_bytes).map_err(|_| format!("{record:?} is not what was written"))
}
