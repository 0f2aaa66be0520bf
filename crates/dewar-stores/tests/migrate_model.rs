//! Random schedules of three nodes, sweeps, and calls that fail or are dropped, against a model.
//!
//! One session begins in the old store. Requests append to it, rotate it, read it and end it, and
//! sweeps carry it over, all at once: between any two calls of a store anybody may come, and each
//! may end for good. Then time passes, so that tombstones and markers are forgotten, and others come.
//! Whatever the order: what was acknowledged is there exactly once, and what has ended stays so.

#![allow(unreachable_pub, reason = "the modules are shared")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod moving;

use std::{
    sync::{Arc, Mutex},
    task::{Context, Waker},
};

use dewar::store::{BoxStore, Loaded, Record, Store, WriteId, Writes};
use dewar_stores::migrate::{Migrating, Sabotage};
use moving::{
    chance::{Chance, seed},
    shelf::Shelf,
    stepping::Stepping,
    story::{Shared, Task, append, key, log_out, read, rotate, sweep},
};

const HISTORIES: u64 = 20_000;
const FOREVER: u64 = u64::MAX;

/// One history, on stores that are sabotaged perhaps.
fn run(history: u64, seed: u64, sabotage: Option<Broken>) -> Result<u32, String> {
    let chance = Arc::new(Mutex::new(Chance::of(seed, history)));
    let below = |n| chance.lock().unwrap().below(n);
    let (old, mut new) = (Shelf::default(), Shelf::default());
    new.create_overwrites = sabotage == Some(Broken::CopyOverwrites);
    let story = Shared::default();
    let record = Record {
        owner: None,
        created_ms: 1,
        idle_deadline_ms: FOREVER,
        absolute_deadline_ms: FOREVER,
        writes: Writes::first(WriteId::new(1 << 40)),
        data: Vec::new(),
    };
    old.put(key(0), Loaded::Live(record));
    let broken = |node: Migrating| match sabotage {
        Some(Broken::Node(sabotage)) => node.sabotaged(sabotage),
        _ => node,
    };
    // A third of the histories meets no failing call, a third no crash.
    let fails = if history % 3 == 0 { 0 } else { 60 };
    let crashes = history % 3 != 1;
    // One of three nodes stands by; or all do but one, which knows the old store alone.
    let beside = history % 4 == 3;
    let way =
        |store: &Shelf, fails| Stepping { store: store.clone(), chance: chance.clone(), fails };
    let moves = |fails| broken(Migrating::new(way(&old, fails), way(&new, fails)));
    let by = |fails| broken(Migrating::standing_by(way(&old, fails), way(&new, fails)));
    let nodes: [BoxStore; 3] = if beside {
        [way(&old, fails).boxed(), by(fails).boxed(), by(fails).boxed()]
    } else {
        [moves(fails).boxed(), moves(fails).boxed(), by(fails).boxed()]
    };
    for _ in 0..3 {
        let mut tasks: Vec<Task> = Vec::new();
        for _ in 0..2 + below(4) {
            let number = below(3);
            let (node, story) = (nodes[number].clone(), story.clone());
            let key = story.lock().unwrap().key();
            tasks.push(match below(10) {
                0..=2 => Box::pin(append(node, story, key)),
                3 => Box::pin(log_out(node, story, key)),
                4..=5 => Box::pin(rotate(node, story, key)),
                _ if beside && number == 0 => Box::pin(append(node, story, key)),
                6..=7 => Box::pin(read(node, story, key)),
                _ if beside => Box::pin(read(node, story, key)),
                _ => Box::pin(sweep(moves(fails), key)),
            });
        }
        let mut context = Context::from_waker(Waker::noop());
        while !tasks.is_empty() {
            let turn = below(tasks.len());
            if crashes && below(40) == 0 {
                drop(tasks.swap_remove(turn));
                story.lock().unwrap().crashes += 1;
            } else if tasks[turn].as_mut().poll(&mut context).is_ready() {
                drop(tasks.swap_remove(turn));
            }
        }
        // What a reader saw stays true for the next one; or nobody looks before time has passed. A copy
        // that was left halfway is met by somebody before a tombstone in the old store is forgotten.
        let looks = beside || below(2) == 0;
        let told: Vec<_> = story.lock().unwrap().rotated.clone();
        let sure = !story.lock().unwrap().may_have_rotated || fails == 0 && !crashes;
        for forgets in [false, true].into_iter().skip(usize::from(!looks)) {
            if forgets && (sure || !beside) && below(2) == 0 {
                old.forget();
            }
            // Without its marker nobody finds a successor that nobody was told of.
            if forgets && sure && below(2) == 0 {
                new.forget();
            }
            let node = if beside { by(0).boxed() } else { moves(0).boxed() };
            let newest = story.lock().unwrap().key();
            for from in told.iter().map(|(from, ..)| *from).chain([newest]) {
                let mut reading: Task = Box::pin(read(node.clone(), story.clone(), from));
                while reading.as_mut().poll(&mut context).is_pending() {}
            }
        }
        // Whoever left a key by rotating never finds a session that is live under that key itself.
        for (from, ..) in &told {
            for (name, store) in [("old", &old), ("new", &new)] {
                if let Loaded::Live(record) = store.get(from) {
                    return Err(format!(
                        "{name}: the id before the rotation is live: {:?}",
                        record.data
                    ));
                }
            }
        }
        story.lock().unwrap().judge()?;
    }
    let mut sweeping: Task = Box::pin(sweep(moves(0), key(0)));
    while sweeping.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
    if let Loaded::Live(_) = old.get(&key(0)) {
        return Err("the old store still shows the session live".into());
    }
    let crashes = story.lock().unwrap().crashes;
    Ok(crashes)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    Node(Sabotage),
    CopyOverwrites,
}

fn all(default_seed: u64, sabotage: Option<Broken>) -> Result<u32, String> {
    let seed = seed(default_seed);
    let mut crashes = 0;
    for history in 0..HISTORIES {
        let ran = run(history, seed, sabotage);
        crashes += ran.map_err(|wrong| format!("history {history} of seed {seed}: {wrong}"))?;
    }
    Ok(crashes)
}

#[track_caller]
fn is_caught(sabotage: Broken) {
    println!("{}", all(1, Some(sabotage)).expect_err("nobody noticed"));
}

#[test]
fn in_every_order_nothing_is_lost_and_nothing_comes_back() {
    let crashes = all(1, None).unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{HISTORIES} histories, {crashes} calls dropped halfway");
    assert!(crashes > 1000);
}

#[test]
fn a_logout_in_the_new_store_alone_is_caught() {
    is_caught(Broken::Node(Sabotage::DeleteOnlyInNew));
}

#[test]
fn an_old_record_that_stays_live_is_caught() {
    is_caught(Broken::Node(Sabotage::OldStaysLive));
}

#[test]
fn a_copy_that_counts_too_early_is_caught() {
    is_caught(Broken::Node(Sabotage::CopyCounts));
}

#[test]
fn a_copy_that_looks_at_no_tombstone_is_caught() {
    is_caught(Broken::CopyOverwrites);
}
