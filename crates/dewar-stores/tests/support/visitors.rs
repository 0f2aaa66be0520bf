//! A load whose every acknowledged step can be checked afterwards.
//!
//! Each visitor goes through one session after another, in four steps: created, updated, updated,
//! then logged out, rotated or touched. A step is logged after it was acknowledged, so of each visitor
//! at most the step after the last logged one may have happened too.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::Path,
};

use dewar::{
    StoreKey,
    store::{Created, Loaded, Moved, Reached, Record, Store, WriteId, Writes, Written},
};
use dewar_stores::sqlite::SqliteStore;

const LAST_STEP: u32 = 3;
const UNTIL_MS: u64 = 5_000_000;

fn key(round: u32, visitor: u32, session: u32) -> StoreKey {
    let mut bytes = [0; 32];
    // Spread like hashes, so that the rows lie all over the file.
    let spread = u64::from(session).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes[..8].copy_from_slice(&spread.to_be_bytes());
    bytes[8..12].copy_from_slice(&round.to_be_bytes());
    bytes[12..16].copy_from_slice(&visitor.to_be_bytes());
    bytes[16..20].copy_from_slice(&session.to_be_bytes());
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
        data: format!("{session}/{step}/").repeat(300).into_bytes(),
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

async fn take_step(store: &SqliteStore, key: &StoreKey, session: u32, step: u32) {
    let version = WriteId::new(u64::from(step.max(2) - 1));
    match (step, session % 3) {
        (0, _) => {
            let created = store.create(key, &record(session, 0)).await.unwrap();
            assert_eq!(created, Created::Done);
        }
        (LAST_STEP, 0) => {
            assert_eq!(store.delete(key, UNTIL_MS).await.unwrap(), Reached::Done);
        }
        (LAST_STEP, 1) => {
            assert_eq!(store.supersede(key, version, moved()).await.unwrap(), Written::Done);
        }
        (LAST_STEP, _) => {
            assert_eq!(store.touch(key, 3_000_000).await.unwrap(), Reached::Done);
        }
        _ => {
            let written = store.update(key, version, &record(session, step)).await.unwrap();
            assert_eq!(written, Written::Done);
        }
    }
}

/// Visits until the process is killed.
pub async fn visit_forever(store: SqliteStore, log: &Path, round: u32, visitors: u32) {
    let mut tasks = Vec::new();
    for visitor in 0..visitors {
        let store = store.clone();
        // Appended in one piece each, and the kernel keeps it when the process is killed.
        let mut log = File::options().create(true).append(true).open(log).unwrap();
        tasks.push(tokio::spawn(async move {
            for session in 0.. {
                let key = key(round, visitor, session);
                for step in 0..=LAST_STEP {
                    take_step(&store, &key, session, step).await;
                    let line = format!("{round} {visitor} {session} {step}\n");
                    log.write_all(line.as_bytes()).unwrap();
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

/// How many steps were acknowledged.
pub fn acknowledged(log: &Path) -> usize {
    fs::read_to_string(log).map_or(0, |log| log.lines().count())
}

/// The last acknowledged step of each visitor of each round: `(round, visitor)` to `(session, step)`.
fn last_steps(log: &Path) -> BTreeMap<(u32, u32), (u32, u32)> {
    let log = fs::read_to_string(log).unwrap();
    let steps = log.lines().map(|line| {
        let mut numbers = line.split(' ').map(|number| number.parse::<u32>().unwrap());
        let mut next = || numbers.next().unwrap();
        ((next(), next()), (next(), next()))
    });
    steps.collect()
}

/// Logs the steps that were done but not logged: from now on somebody has seen them.
pub async fn log_what_is_seen(store: &SqliteStore, log: &Path) -> usize {
    let mut seen = 0;
    let mut lines = File::options().append(true).open(log).unwrap();
    for ((round, visitor), (session, step)) in last_steps(log) {
        let (session, step) =
            if step == LAST_STEP { (session + 1, 0) } else { (session, step + 1) };
        let found = store.load(&key(round, visitor, session)).await.unwrap();
        if found == expected(session, Some(step)) {
            writeln!(lines, "{round} {visitor} {session} {step}").unwrap();
            seen += 1;
        }
    }
    seen
}

/// Compares a store with the log; gives what is lost, revived or otherwise not as acknowledged.
///
/// Of a round that was checked before, nothing may have changed since, so its state then is final.
pub async fn check(store: &SqliteStore, log: &Path) -> Result<usize, String> {
    let mut checked = 0;
    for ((round, visitor), (reached, step)) in last_steps(log) {
        for session in 0..=reached + 1 {
            let found =
                store.load(&key(round, visitor, session)).await.map_err(|e| e.to_string())?;
            let known = match session {
                _ if session < reached => [Some(LAST_STEP); 2],
                _ if session == reached => [Some(step), Some((step + 1).min(LAST_STEP))],
                _ => [None, (step == LAST_STEP).then_some(0)],
            };
            if !known.iter().any(|step| found == expected(session, *step)) {
                return Err(format!(
                    "visitor {visitor} of round {round}, session {session}: step {:?} was \
                     acknowledged, found {found:?}",
                    known[0]
                ));
            }
            checked += 1;
        }
    }
    Ok(checked)
}
