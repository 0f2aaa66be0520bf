//! `kill -9` of the server under load: what was acknowledged is there, and what ended stays ended.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod pg;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use dewar::{
    StoreKey,
    store::{
        Created, Loaded, Moved, Reached, Record, Store, StoreErrorKind, WriteId, Writes, Written,
    },
};
use dewar_stores::postgres::{PostgresStore, SynchronousCommit};
use dewar_testdata::postgres::{Postgres, Stop};
use pg::Server;

const VISITORS: u32 = 12;
/// Created, updated, updated, then logged out, rotated or touched.
const LAST_STEP: u32 = 3;
const UNTIL_MS: u64 = 5_000_000;

fn key(visitor: u32, session: u32) -> StoreKey {
    let mut bytes = [0; 32];
    let spread = u64::from(session).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes[..8].copy_from_slice(&spread.to_be_bytes());
    bytes[8..12].copy_from_slice(&visitor.to_be_bytes());
    bytes[12..16].copy_from_slice(&session.to_be_bytes());
    StoreKey::from_bytes(bytes)
}

fn record(session: u32, step: u32) -> Record {
    let writes = (2..=step).fold(Writes::first(WriteId::new(1)), |writes, step| {
        writes.and(WriteId::new(u64::from(step)))
    });
    Record {
        owner: None,
        created_ms: 1,
        idle_deadline_ms: 2_000_000,
        absolute_deadline_ms: 9_000_000,
        writes,
        data: format!("{session}/{step}/").repeat(50).into_bytes(),
    }
}

fn moved() -> Moved {
    Moved { to: StoreKey::from_bytes([9; 32]), until_ms: UNTIL_MS }
}

/// What a store says after this step; nothing was done before the first.
fn expected(session: u32, step: Option<u32>) -> Loaded {
    match (step, session % 3) {
        (None, _) => Loaded::Nothing,
        (Some(LAST_STEP), 0) => Loaded::Ended { until_ms: UNTIL_MS },
        (Some(LAST_STEP), 1) => Loaded::Moved(moved()),
        (Some(LAST_STEP), _) => {
            Loaded::Live(Record { idle_deadline_ms: 3_000_000, ..record(session, LAST_STEP - 1) })
        }
        (Some(step), _) => Loaded::Live(record(session, step)),
    }
}

async fn take(
    store: &PostgresStore,
    key: &StoreKey,
    session: u32,
    step: u32,
) -> Result<(), StoreErrorKind> {
    let version = WriteId::new(u64::from(step.max(2) - 1));
    let done = match (step, session % 3) {
        (0, _) => store.create(key, &record(session, 0)).await.map(|it| it == Created::Done),
        (LAST_STEP, 0) => store.delete(key, UNTIL_MS).await.map(|it| it == Reached::Done),
        (LAST_STEP, 1) => {
            store.supersede(key, version, moved()).await.map(|it| it == Written::Done)
        }
        (LAST_STEP, _) => store.touch(key, 3_000_000).await.map(|it| it == Reached::Done),
        _ => {
            let written = store.update(key, version, &record(session, step)).await;
            written.map(|it| it == Written::Done)
        }
    };
    // Nobody else writes here: anything else is a lost or a revived session.
    assert!(done.map_err(|error| error.kind())?, "step {step} of {session} was not possible");
    Ok(())
}

/// How far a session came: what was acknowledged last, and what may have happened after it.
struct Visit {
    visitor: u32,
    session: u32,
    acknowledged: Option<u32>,
    perhaps: Option<u32>,
}

#[derive(Default)]
struct Log {
    visits: Mutex<Vec<Visit>>,
    steps: AtomicUsize,
    unknown: AtomicUsize,
    ended: AtomicBool,
}

/// Goes through one session after another; one whose step failed is left as it is.
async fn visit(store: PostgresStore, log: Arc<Log>, visitor: u32) {
    for session in 0.. {
        let mut visit = Visit { visitor, session, acknowledged: None, perhaps: None };
        for step in 0..=LAST_STEP {
            match take(&store, &key(visitor, session), session, step).await {
                Ok(()) => {
                    visit.acknowledged = Some(step);
                    log.steps.fetch_add(1, Ordering::SeqCst);
                }
                Err(kind) => {
                    if kind == StoreErrorKind::OutcomeUnknown {
                        visit.perhaps = Some(step);
                        log.unknown.fetch_add(1, Ordering::SeqCst);
                    } else {
                        // It was surely not done.
                        assert_eq!(kind, StoreErrorKind::Unavailable);
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    break;
                }
            }
        }
        log.visits.lock().unwrap_or_else(PoisonError::into_inner).push(visit);
        if log.ended.load(Ordering::SeqCst) {
            return;
        }
    }
}

/// The sessions that are not as acknowledged.
async fn lost(store: &PostgresStore, log: &Log) -> Vec<String> {
    let visits = std::mem::take(&mut *log.visits.lock().unwrap_or_else(PoisonError::into_inner));
    let mut lost = Vec::new();
    for visit in &visits {
        let Visit { visitor, session, acknowledged, perhaps } = *visit;
        let found = store.load(&key(visitor, session)).await.unwrap();
        let is_known = found == expected(session, acknowledged)
            || (perhaps.is_some() && found == expected(session, perhaps));
        if !is_known {
            lost.push(format!(
                "{visitor}, {session}: {acknowledged:?} {perhaps:?}, found {found:?}"
            ));
        }
    }
    assert!(visits.len() > 20, "{} sessions", visits.len());
    lost
}

/// Kills the server `kills` times under load, and starts it again.
async fn kill_again_and_again(
    kills: u64,
    level: Option<SynchronousCommit>,
) -> Option<(Vec<String>, usize)> {
    let mut server = Server::of(Postgres::start_durable()?);
    let mut builder = server.builder(&server.schema());
    if let Some(level) = level {
        builder = builder.synchronous_commit(level);
    }
    let store = builder.connect().await.unwrap();
    let log = Arc::new(Log::default());
    let visitors: Vec<_> =
        (0..VISITORS).map(|n| tokio::spawn(visit(store.clone(), Arc::clone(&log), n))).collect();
    for kill in 0..kills {
        // They write before each kill, and again after it.
        let before = log.steps.load(Ordering::SeqCst);
        pg::until("the visitors write", async || log.steps.load(Ordering::SeqCst) > before + 200)
            .await;
        // Each time at another point of the load.
        tokio::time::sleep(Duration::from_millis(kill * 37 % 100)).await;
        tokio::task::block_in_place(|| {
            server.postgres.stop(Stop::Kill);
            server.postgres.start_again();
        });
    }
    pg::until("the store is up again", async || store.load(&key(0, 0)).await.is_ok()).await;
    log.ended.store(true, Ordering::SeqCst);
    let mut failed = Vec::new();
    for visitor in visitors {
        failed.extend(visitor.await.err().map(|panic| panic.to_string()));
    }
    failed.extend(lost(&store, &log).await);
    let (steps, unknown) = (log.steps.load(Ordering::SeqCst), log.unknown.load(Ordering::SeqCst));
    println!("{kills} kills, {steps} steps acknowledged, {unknown} unknown, {} lost", failed.len());
    Some((failed, unknown))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_and_logout_survives_a_kill_of_the_server() {
    let kills = std::env::var("DEWAR_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let Some((lost, unknown)) = kill_again_and_again(kills, None).await else { return };
    assert_eq!(lost, Vec::<String>::new());
    assert!(unknown > 0, "no kill met a call");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_before_the_disk_are_caught() {
    let off = Some(SynchronousCommit::Off);
    let Some((lost, _)) = kill_again_and_again(3, off).await else { return };
    assert!(!lost.is_empty(), "nothing acknowledged was lost");
}
