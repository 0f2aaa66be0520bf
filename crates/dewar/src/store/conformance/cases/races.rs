//! Different verbs on one session at once.

use std::{future::Future, pin::Pin, sync::Arc};

use super::{
    super::{
        executor::{Client, wait_turns},
        gate::Gate,
        subject::{Finding, Subject, Way, ensure, same},
    },
    Case, cases,
    update::{add_one, counter},
};
use crate::{
    id::StoreKey,
    store::{Created, Loaded, Moved, Reached, Record, Store, Written},
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    cases![
        logout_wins_in_every_order,
        a_rotation_and_a_write_meet_without_loss,
        of_two_rotations_one_wins,
        a_change_is_never_seen_half,
        no_load_brings_back_what_has_changed,
    ]
}

type Round<S> = fn(Arc<Subject<S>>, Way) -> Pin<Box<dyn Future<Output = Finding> + Send>>;

/// A race, often, both ways.
async fn in_every_order<S: Store>(s: Arc<Subject<S>>, round: Round<S>) -> Finding {
    for way in Way::ALL {
        for number in 1..=s.rounds {
            let found = round(s.clone(), way).await;
            found.map_err(|found| format!("{way}, round {number}: {found}"))?;
        }
    }
    Ok(())
}

/// What one client found and did.
enum Did {
    Deleted(Reached),
    Moved(Written),
    Other,
}

/// The heart of the contract: once a logout is answered, nobody who was under way brings the
/// session back: no writer, no reader, no rotation, no create.
async fn logout_wins_in_every_order<S: Store>(s: Arc<Subject<S>>) -> Finding {
    in_every_order(s, |s, way| Box::pin(logout_against_all(s, way))).await
}

async fn logout_against_all<S: Store>(s: Arc<Subject<S>>, way: Way) -> Finding {
    let (key, record) = s.live().await?;
    let (gate, marker, until_ms) = (Gate::default(), s.marker(), s.tombstone_ms());
    let mut clients: Vec<Client<Finding<Did>>> = Vec::new();
    for verb in 0..5 {
        let (s, ticket, record) = (s.clone(), gate.ticket(), record.clone());
        clients.push(Box::pin(async move {
            s.load_live(&key).await?;
            ticket.meet().await;
            s.linger().await;
            Ok(match verb {
                0 => {
                    let reached = s.delete(&key, until_ms).await?;
                    let found = s.load(&key).await?;
                    ensure(!matches!(found, Loaded::Live(_)), || {
                        format!("the logout was answered {reached:?}, then found {found:?}")
                    })?;
                    Did::Deleted(reached)
                }
                1 => Did::Moved(s.supersede(&key, record.version(), marker).await?),
                2 => {
                    write_late(&s, &key, record).await?;
                    Did::Other
                }
                3 => {
                    s.touch(&key, record.idle_deadline_ms + 1).await?;
                    Did::Other
                }
                _ => {
                    let created = s.create(&key, &record).await?;
                    ensure(created != Created::Done, || "create was done".to_owned())?;
                    Did::Other
                }
            })
        }));
    }
    let mut expected = None;
    for did in s.at_once(way, clients).await? {
        let end = match did {
            Did::Deleted(Reached::Done) => Loaded::Ended { until_ms },
            Did::Moved(Written::Done) => Loaded::Moved(marker),
            Did::Deleted(Reached::Gone) => return Err("delete of a live session: Gone".to_owned()),
            _ => continue,
        };
        ensure(expected.replace(end).is_none(), || "logout and rotation both won".to_owned())?;
    }
    gate.met()?;
    let expected = expected.ok_or("neither logout nor rotation won")?;
    s.holds("load after all", &key, expected).await
}

/// Writes over whatever is there, as long as something is.
async fn write_late<S: Store>(s: &Subject<S>, key: &StoreKey, mut current: Record) -> Finding {
    for _ in 0..100 {
        let next = s.next(&current, "late");
        match s.update(key, current.version(), &next).await? {
            Written::Conflict(newer) => current = newer,
            _ => return Ok(()),
        }
    }
    Err("100 updates in a row met a conflict".to_owned())
}

/// A write that was acknowledged is in what the rotation carried over, or the rotation is told.
async fn a_rotation_and_a_write_meet_without_loss<S: Store>(s: Arc<Subject<S>>) -> Finding {
    in_every_order(s, |s, way| Box::pin(rotation_against_write(s, way))).await
}

async fn rotation_against_write<S: Store>(s: Arc<Subject<S>>, way: Way) -> Finding {
    let (key, record) = s.live().await?;
    let (gate, marker, next) = (Gate::default(), s.marker(), s.next(&record, "written"));
    let mut clients: Vec<Client<Finding<Written>>> = Vec::new();
    for rotates in [false, true] {
        let (s, ticket, version) = (s.clone(), gate.ticket(), record.version());
        let next = next.clone();
        clients.push(Box::pin(async move {
            s.load_live(&key).await?;
            ticket.meet().await;
            s.linger().await;
            if rotates {
                s.supersede(&key, version, marker).await
            } else {
                s.update(&key, version, &next).await
            }
        }));
    }
    let answers = s.at_once(way, clients).await?;
    gate.met()?;
    let expected = match &answers[..] {
        [Written::Done, Written::Conflict(current)] if *current == next => Loaded::Live(next),
        [Written::Moved(moved), Written::Done] if *moved == marker => Loaded::Moved(marker),
        other => return Err(format!("write and rotation were answered {other:?}")),
    };
    s.holds("load after both", &key, expected).await
}

/// Two rotations of one id: one successor, and the loser learns which (a grace read must not be
/// torn: questdb #7235).
async fn of_two_rotations_one_wins<S: Store>(s: Arc<Subject<S>>) -> Finding {
    in_every_order(s, |s, way| Box::pin(rotation_against_rotation(s, way))).await
}

async fn rotation_against_rotation<S: Store>(s: Arc<Subject<S>>, way: Way) -> Finding {
    let (key, record) = s.live().await?;
    let gate = Gate::default();
    let mut clients: Vec<Client<Finding<(Written, Moved)>>> = Vec::new();
    for _ in 0..3 {
        let (s, ticket, version) = (s.clone(), gate.ticket(), record.version());
        clients.push(Box::pin(async move {
            let marker = s.marker();
            s.load_live(&key).await?;
            ticket.meet().await;
            s.linger().await;
            Ok((s.supersede(&key, version, marker).await?, marker))
        }));
    }
    let answers = s.at_once(way, clients).await?;
    gate.met()?;
    let mut winners = answers.iter().filter(|(written, _)| *written == Written::Done);
    let (Some((_, winner)), None) = (winners.next(), winners.next()) else {
        return Err("not exactly one of three rotations was done".to_owned());
    };
    for (written, own) in &answers {
        if own != winner {
            same("a rotation that lost", written.clone(), Written::Moved(*winner))?;
        }
    }
    s.holds("load after the rotations", &key, Loaded::Moved(*winner)).await
}

/// A reader sees each state whole, and never a moment without any (questdb #7235).
async fn a_change_is_never_seen_half<S: Store>(s: Arc<Subject<S>>) -> Finding {
    in_every_order(s, |s, way| Box::pin(readers_against_changes(s, way))).await
}

async fn readers_against_changes<S: Store>(s: Arc<Subject<S>>, way: Way) -> Finding {
    let (key, old) = s.live().await?;
    let mut new = s.next(&old, "all of this is new");
    new.idle_deadline_ms += 1;
    let (gate, marker, rotates) = (Gate::default(), s.marker(), s.below(2) == 0);
    let last =
        if rotates { Loaded::Moved(marker) } else { Loaded::Ended { until_ms: s.tombstone_ms() } };
    let mut clients: Vec<Client<Finding>> = Vec::new();
    for reader in 0..3 {
        let (s, ticket, old, new) = (s.clone(), gate.ticket(), old.clone(), new.clone());
        let states = [Loaded::Live(old.clone()), Loaded::Live(new.clone()), last.clone()];
        clients.push(Box::pin(async move {
            s.load_live(&key).await?;
            ticket.meet().await;
            if reader == 0 {
                s.linger().await;
                same("update", s.update(&key, old.version(), &new).await?, Written::Done)?;
                return if rotates {
                    let written = s.supersede(&key, new.version(), marker).await?;
                    same("supersede", written, Written::Done)
                } else {
                    same("delete", s.delete(&key, s.tombstone_ms()).await?, Reached::Done)
                };
            }
            let mut from = 0;
            for _ in 0..6 {
                let found = s.load(&key).await?;
                let at = states.iter().position(|state| *state == found);
                from = at.filter(|at| *at >= from).ok_or_else(|| {
                    format!("a reader found {found:?}, none of the states or an earlier one")
                })?;
                wait_turns(1).await;
            }
            Ok(())
        }));
    }
    s.at_once(way, clients).await?;
    gate.met()?;
    s.holds("load after the changes", &key, last).await
}

/// A cache that a slow load fills with what it read before the change serves a dead session
/// (Django's cached sessions; axum_session's second node).
async fn no_load_brings_back_what_has_changed<S: Store>(s: Arc<Subject<S>>) -> Finding {
    in_every_order(s, |s, way| Box::pin(loads_against_a_change(s, way))).await
}

async fn loads_against_a_change<S: Store>(s: Arc<Subject<S>>, way: Way) -> Finding {
    let record = s.record(0_u64.to_be_bytes());
    let key = s.created(&record).await?;
    let (gate, ends) = (Gate::default(), s.below(2) == 0);
    let mut clients: Vec<Client<Finding>> = Vec::new();
    for client in 0..4 {
        let (s, ticket, record) = (s.clone(), gate.ticket(), record.clone());
        clients.push(Box::pin(async move {
            ticket.meet().await;
            s.linger().await;
            match client {
                0 if ends => s.delete(&key, s.tombstone_ms()).await.map(drop),
                0 => add_one(&s, &key, record).await.map(drop),
                _ => s.load(&key).await.map(drop),
            }
        }));
    }
    s.at_once(way, clients).await?;
    gate.met()?;
    if ends {
        let ended = Loaded::Ended { until_ms: s.tombstone_ms() };
        return s.holds("load after a logout and slow loads", &key, ended).await;
    }
    same("load after a write and slow loads", counter(&s.load_live(&key).await?)?, 1)
}
