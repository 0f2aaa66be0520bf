//! The store under many schedules: whatever several threads were answered, there is an order of
//! their calls, one after the other, in which the contract gives the same answers.
//!
//! That is more than a list of rules: a session that was revived, two winners over one version or
//! two successors have no such order.

use std::collections::BTreeMap;

use shuttle::{
    future::block_on,
    rand::{Rng, thread_rng},
    thread,
};

use super::*;
use crate::{
    models::try_schedules,
    store::{GRACE, Writes},
};

const SCHEDULES: usize = 6_000;
const KEYS: usize = 2;
const THREADS: u64 = 3;
const CALLS: u64 = 4;

/// Deadlines are one of two: one a sweep finds past, one it does not.
const SOON_MS: u64 = 1_000;
const LATE_MS: u64 = 2_000_000;
const SWEPT_AT_MS: u64 = SOON_MS + GRACE.as_millis() as u64 + 1;

#[derive(Clone, Copy, Debug)]
enum Call {
    Load(usize),
    Create(usize, u64, u64),
    Update(usize, WriteId, u64, u64),
    Touch(usize, u64),
    Delete(usize, u64),
    Supersede(usize, WriteId),
    Sweep,
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Load(Loaded),
    Create(Created),
    Write(Written),
    Reach(Reached),
    Sweep(usize),
}

/// A call with its answer; both moments are counted in calls and answers.
#[derive(Clone, Debug)]
struct Done {
    call: Call,
    answer: Answer,
    began: usize,
    ended: usize,
}

/// All keys share a shard, so that a sweep is one step.
fn key(number: usize) -> StoreKey {
    let mut bytes = [0; 32];
    bytes[0] = number as u8;
    StoreKey::from_bytes(bytes)
}

fn moved(by: WriteId) -> Moved {
    Moved { to: key(usize::from(by.get() as u8) + 100), until_ms: LATE_MS }
}

/// Its beginning is the start of time: no creation finds anything past.
fn record(write: u64, idle_deadline_ms: u64) -> Record {
    Record {
        owner: None,
        created_ms: 0,
        idle_deadline_ms,
        absolute_deadline_ms: LATE_MS + 1,
        writes: Writes::first(WriteId::new(write)),
        data: write.to_be_bytes().to_vec(),
    }
}

/// The contract, for one call after the other.
fn expected(state: &mut BTreeMap<usize, Loaded>, call: Call) -> Answer {
    let write = |state: &mut BTreeMap<usize, Loaded>, at, version, new| {
        Answer::Write(match state.get(&at) {
            Some(Loaded::Live(old)) if old.version() == version => {
                state.insert(at, new);
                Written::Done
            }
            Some(Loaded::Live(old)) => Written::Conflict(old.clone()),
            Some(Loaded::Moved(moved)) => Written::Moved(*moved),
            Some(Loaded::Ended { .. } | Loaded::Nothing) | None => Written::Gone,
        })
    };
    match call {
        Call::Load(at) => Answer::Load(state.get(&at).cloned().unwrap_or(Loaded::Nothing)),
        Call::Create(at, id, idle) => Answer::Create(match state.get(&at) {
            Some(Loaded::Live(_) | Loaded::Moved(_)) => Created::Exists,
            Some(Loaded::Ended { .. }) => Created::Ended,
            Some(Loaded::Nothing) | None => {
                state.insert(at, Loaded::Live(record(id, idle)));
                Created::Done
            }
        }),
        Call::Update(at, version, id, idle) => {
            write(state, at, version, Loaded::Live(record(id, idle)))
        }
        Call::Supersede(at, version) => write(state, at, version, Loaded::Moved(moved(version))),
        Call::Touch(at, idle) => Answer::Reach(match state.get_mut(&at) {
            Some(Loaded::Live(record)) => {
                record.idle_deadline_ms = record.idle_deadline_ms.max(idle);
                Reached::Done
            }
            Some(Loaded::Moved(moved)) => Reached::Moved(*moved),
            Some(Loaded::Ended { .. } | Loaded::Nothing) | None => Reached::Gone,
        }),
        Call::Delete(at, until) => {
            let (reached, until_ms) = match state.get(&at) {
                Some(Loaded::Moved(moved)) => return Answer::Reach(Reached::Moved(*moved)),
                Some(Loaded::Live(_)) => (Reached::Done, until),
                Some(Loaded::Ended { until_ms }) => (Reached::Gone, until.max(*until_ms)),
                Some(Loaded::Nothing) | None => (Reached::Gone, until),
            };
            state.insert(at, Loaded::Ended { until_ms });
            Answer::Reach(reached)
        }
        Call::Sweep => {
            let before = state.len();
            state.retain(|_, known| match known {
                Loaded::Nothing => false,
                Loaded::Live(record) => record.deadline_ms() != SOON_MS,
                Loaded::Ended { until_ms } => *until_ms != SOON_MS,
                Loaded::Moved(_) => true,
            });
            Answer::Sweep(before - state.len())
        }
    }
}

/// Whether the calls have an order that explains them and leaves `last`: each takes its effect
/// somewhere between its beginning and its end.
fn explained(
    open: &mut Vec<Done>,
    state: &BTreeMap<usize, Loaded>,
    last: &BTreeMap<usize, Loaded>,
) -> bool {
    let Some(first_end) = open.iter().map(|done| done.ended).min() else { return state == last };
    for at in 0..open.len() {
        if open[at].began > first_end {
            continue;
        }
        let mut next = state.clone();
        if expected(&mut next, open[at].call) != open[at].answer {
            continue;
        }
        let done = open.remove(at);
        if explained(open, &next, last) {
            return true;
        }
        open.insert(at, done);
    }
    false
}

/// How a store writes over a version; the sabotaged one does it in its own way.
type Update = fn(&MemoryStore, &StoreKey, WriteId, &Record) -> Written;

fn update(store: &MemoryStore, key: &StoreKey, version: WriteId, record: &Record) -> Written {
    block_on(store.update(key, version, record)).expect("memory does not fail")
}

fn ask(store: &MemoryStore, update: Update, call: Call) -> Answer {
    let failed = "memory does not fail";
    match call {
        Call::Load(at) => Answer::Load(block_on(store.load(&key(at))).expect(failed)),
        Call::Create(at, id, idle) => {
            Answer::Create(block_on(store.create(&key(at), &record(id, idle))).expect(failed))
        }
        Call::Update(at, version, id, idle) => {
            Answer::Write(update(store, &key(at), version, &record(id, idle)))
        }
        Call::Touch(at, idle) => {
            Answer::Reach(block_on(store.touch(&key(at), idle)).expect(failed))
        }
        Call::Delete(at, until) => {
            Answer::Reach(block_on(store.delete(&key(at), until)).expect(failed))
        }
        Call::Supersede(at, version) => {
            let moved = moved(version);
            Answer::Write(block_on(store.supersede(&key(at), version, moved)).expect(failed))
        }
        Call::Sweep => {
            Answer::Sweep(block_on(store.sweep(SWEPT_AT_MS, 100)).expect(failed).forgotten)
        }
    }
}

/// The next call of a thread that has seen these versions.
fn any_call(seen: &[WriteId; KEYS], id: u64) -> Call {
    let mut random = thread_rng();
    let at = random.gen_range(0..KEYS);
    let deadline = if random.gen_bool(0.5) { SOON_MS } else { LATE_MS };
    match random.gen_range(0..12) {
        0..2 => Call::Load(at),
        2..4 => Call::Create(at, id, deadline),
        4..7 => Call::Update(at, seen[at], id, deadline),
        7 => Call::Touch(at, deadline),
        8 | 9 => Call::Delete(at, deadline),
        10 => Call::Supersede(at, seen[at]),
        _ => Call::Sweep,
    }
}

/// Several threads on few keys, with a record under the first one to begin with.
fn several_threads(update: Update) {
    let store = MemoryStore::with_capacity(100);
    let start = BTreeMap::from([(0, Loaded::Live(record(0, SOON_MS)))]);
    ask(&store, update, Call::Create(0, 0, SOON_MS));
    // Not a lock of the checker's: noting something down is no step of the schedule.
    let history = Arc::new(std::sync::Mutex::new((0, Vec::new())));
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let (store, history) = (store.clone(), Arc::clone(&history));
            thread::spawn(move || one_thread(&store, update, number, &history))
        })
        .collect();
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    let mut last = BTreeMap::new();
    for at in 0..KEYS {
        match block_on(store.load(&key(at))).expect("memory does not fail") {
            Loaded::Nothing => None,
            known => last.insert(at, known),
        };
    }
    assert_eq!(store.len(), last.len(), "the store: its counter does not add up");
    let mut history = history.lock().expect("nobody panicked").1.clone();
    assert!(
        explained(&mut history, &start, &last),
        "the store: no order explains {history:#?} and {last:?}"
    );
}

type History = std::sync::Mutex<(usize, Vec<Done>)>;

fn one_thread(store: &MemoryStore, update: Update, number: u64, history: &History) {
    let now = || {
        let mut history = history.lock().expect("nobody panicked");
        history.0 += 1;
        history.0
    };
    let mut seen = [WriteId::new(0); KEYS];
    for n in 0..CALLS {
        let call = any_call(&seen, 1 + number * CALLS + n);
        let began = now();
        let answer = ask(store, update, call);
        let ended = now();
        match (&call, &answer) {
            (Call::Load(at), Answer::Load(Loaded::Live(record)))
            | (Call::Update(at, ..), Answer::Write(Written::Conflict(record))) => {
                seen[*at] = record.version();
            }
            _ => {}
        }
        let done = Done { call, answer, began, ended };
        history.lock().expect("nobody panicked").1.push(done);
    }
}

#[test]
fn every_answer_is_explained_by_some_order_of_the_calls() {
    try_schedules(SCHEDULES, || several_threads(update));
}

/// Looks under one lock and writes under another.
fn check_then_act(
    store: &MemoryStore,
    key: &StoreKey,
    version: WriteId,
    record: &Record,
) -> Written {
    match block_on(store.load(key)).expect("memory does not fail") {
        Loaded::Live(old) if old.version() == version => {
            store.0.shard(key).put(key, Packed::live(key, record));
            Written::Done
        }
        Loaded::Live(old) => Written::Conflict(old),
        Loaded::Moved(moved) => Written::Moved(moved),
        Loaded::Ended { .. } | Loaded::Nothing => Written::Gone,
    }
}

/// No order, or the counter: which one is seen first is up to the schedule.
#[test]
#[should_panic(expected = "the store:")]
fn a_store_that_checks_then_acts_is_caught() {
    try_schedules(SCHEDULES, || several_threads(check_then_act));
}

/// Two sessions begin where there is room for one, in different shards.
fn the_last_place(create: fn(&MemoryStore, &StoreKey) -> bool) {
    let store = MemoryStore::with_capacity(1);
    let threads = [1, 2].map(|number| {
        let store = store.clone();
        thread::spawn(move || create(&store, &StoreKey::from_bytes([number; 32])))
    });
    let created = threads.map(|thread| thread.join().expect("it does not panic"));
    assert_eq!(created.iter().filter(|created| **created).count(), 1, "one place");
    assert_eq!(store.len(), 1);
}

#[test]
fn the_last_place_is_given_once() {
    try_schedules(SCHEDULES / 4, || {
        the_last_place(|store, key| block_on(store.create(key, &record(1, LATE_MS))).is_ok());
    });
}

#[test]
#[should_panic(expected = "one place")]
fn a_store_that_looks_for_room_before_it_takes_it_is_caught() {
    try_schedules(SCHEDULES / 4, || {
        the_last_place(|store, key| {
            let room = store.len() < store.0.capacity;
            if room {
                store.0.kept.fetch_add(1, Ordering::Relaxed);
                store.0.shard(key).put(key, Packed::live(key, &record(1, LATE_MS)));
            }
            room
        });
    });
}
