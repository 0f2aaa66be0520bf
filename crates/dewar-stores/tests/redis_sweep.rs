//! Redis that tells of what has expired: which keys are kept longer for it, and who tells.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dewar::{
    StoreKey,
    store::{
        Loaded, Moved, Reached, Record, Store, StoreErrorKind, Sweep, Swept, WriteId,
        conformance::{Alternating, Kit, Report},
    },
};
use dewar_stores::redis::{OpenError, RedisStore, RedisStoreBuilder, Sabotage};
use dewar_testdata::redis::{Cluster, Node, wait_until};
use support::{
    chance::Chance,
    key,
    redis::{name, now_ms, on},
};

const HOUR_MS: u64 = 3_600_000;
const GRACE_MS: u64 = 300_000;
const LONGER: Duration = Duration::from_secs(600);

/// Alive for an hour of use and a day at most.
fn record(write: u64, data: &str) -> Record {
    Record {
        created_ms: now_ms(),
        idle_deadline_ms: now_ms() + HOUR_MS,
        absolute_deadline_ms: now_ms() + 24 * HOUR_MS,
        ..support::record(write, data)
    }
}

/// Fewer rounds than usual: each call goes to a server and back.
async fn examine<S: Sweep>(store: impl AsyncFn(usize) -> S) -> Report {
    let count = AtomicUsize::new(0);
    let make = || store(count.fetch_add(1, Ordering::Relaxed));
    let kit = Kit::new(make).rounds(20).spawn(|client| drop(tokio::spawn(client)));
    kit.check_sweep().await
}

/// Every case has a database of its own: a walk is through all of it.
fn telling(node: &Node, case: usize) -> RedisStoreBuilder {
    on(node).database(case.try_into().unwrap()).tell_expired(LONGER)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_tells_keeps_the_contract_of_sweeps() {
    let Some(node) = Node::start(&[]) else { return };
    let made = async |case| telling(&node, case).connect().await.unwrap();
    examine(made).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_that_tell_keep_the_contract_of_sweeps() {
    let Some(node) = Node::start(&[]) else { return };
    examine(async |case| {
        let store = async || telling(&node, case).connect().await.unwrap();
        Alternating::of([store().await, store().await])
    })
    .await
    .assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_tells_keeps_the_contract_of_sweeps() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    examine(async |case| {
        let store = RedisStore::at("", 0).cluster(cluster.addresses()).prefix(format!("{case}:"));
        store.tell_expired(LONGER).connect().await.unwrap()
    })
    .await
    .assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kit_notices_a_sweep_that_does_not_look_again() {
    let Some(node) = Node::start(&[]) else { return };
    let broken = async |case| {
        telling(&node, case).sabotage(Sabotage::SweepByOldDeadline).connect().await.unwrap()
    };
    let report = examine(broken).await;
    let failed: Vec<_> = report.failed().map(|case| case.name()).collect();
    assert!(failed.contains(&"sweep_forgets_nothing_before_the_grace_is_over"), "{failed:?}");
}

#[tokio::test]
async fn only_who_asked_for_it_sweeps_and_tells() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).connect().await.unwrap();
    let error = store.sweep(now_ms(), 10).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("tell_expired"));
    assert!(!store.boxed().sweeps());
    let boxed = on(&node).tell_expired(LONGER).connect().await.unwrap().boxed();
    assert!(boxed.sweeps() && boxed.knows_users() && boxed.scans());
    let url = format!("redis://127.0.0.1:{}?tell_expired_s=600", node.port());
    assert!(dewar_stores::url::open(&url).await.unwrap().sweeps());
    for longer in [Duration::ZERO, Duration::from_millis(999), Duration::MAX] {
        let error = on(&node).tell_expired(longer).connect().await.unwrap_err();
        assert!(matches!(error, OpenError::Option { option: "tell_expired", .. }), "{error}");
    }
}

/// When Redis forgets this key, in Unix milliseconds.
fn expires(node: &Node, key: &StoreKey) -> u64 {
    node.ask_bytes(&[b"PEXPIRETIME", &name(key)]).text().parse().unwrap()
}

#[tokio::test]
async fn keys_are_kept_longer_by_what_was_asked_for_and_by_every_verb() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).tell_expired(LONGER).connect().await.unwrap();
    let after = |ms: u64| (ms + 900_000)..(ms + 960_000);
    let born = record(1, "a");
    store.create(&key(1), &born).await.unwrap();
    assert!(after(born.idle_deadline_ms).contains(&expires(&node, &key(1))));
    store.touch(&key(1), born.idle_deadline_ms + HOUR_MS).await.unwrap();
    assert!(after(born.idle_deadline_ms + HOUR_MS).contains(&expires(&node, &key(1))));
    store.update(&key(1), WriteId::new(1), &record(2, "b")).await.unwrap();
    assert!(after(born.idle_deadline_ms).contains(&expires(&node, &key(1))));
    let until_ms = now_ms() + HOUR_MS;
    store.supersede(&key(1), WriteId::new(2), Moved { to: key(2), until_ms }).await.unwrap();
    assert!(after(until_ms).contains(&expires(&node, &key(1))));
    store.delete(&key(3), until_ms).await.unwrap();
    assert!(after(until_ms).contains(&expires(&node, &key(3))));
}

/// What a touch and a sweep answered that were under way at once, and what is there after them. The
/// server holds both back, and lets them go in the order in which they came.
async fn touch_meets_sweep(
    node: &Node,
    touch_first: bool,
    sabotage: Option<Sabotage>,
) -> (Reached, Swept, Loaded) {
    let store = async || {
        let mut builder = on(node).tell_expired(LONGER).timeout(Duration::from_secs(30));
        if let Some(sabotage) = sabotage {
            builder = builder.sabotage(sabotage);
        }
        builder.connect().await.unwrap()
    };
    let (toucher, sweeper) = (store().await, store().await);
    let born = Record { idle_deadline_ms: now_ms() - 1000, ..record(1, "a") };
    // Scripts that the server does not know would be sent a second time, behind the others.
    toucher.create(&key(1), &born).await.unwrap();
    toucher.touch(&key(1), now_ms()).await.unwrap();
    sweeper.sweep(now_ms() + 2 * GRACE_MS, 10).await.unwrap();
    node.ask(&["FLUSHALL"]);
    toucher.create(&key(1), &born).await.unwrap();
    node.ask(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    let held = |count: &str| {
        wait_until("the server holds it back", || node.info("blocked_clients") == count);
    };
    let touch = || {
        let store = toucher.clone();
        tokio::spawn(async move { store.touch(&key(1), now_ms() + HOUR_MS).await.unwrap() })
    };
    let sweep = || {
        let store = sweeper.clone();
        tokio::spawn(async move { store.sweep(now_ms() + GRACE_MS, 10).await.unwrap() })
    };
    let (touch, sweep) = if touch_first {
        let touch = touch();
        held("1");
        (touch, sweep())
    } else {
        let sweep = sweep();
        held("1");
        (touch(), sweep)
    };
    held("2");
    assert!(!touch.is_finished() && !sweep.is_finished(), "both are under way");
    node.ask(&["CLIENT", "UNPAUSE"]);
    let (touched, swept) = (touch.await.unwrap(), sweep.await.unwrap());
    (touched, swept, toucher.load(&key(1)).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_touch_wins_over_a_sweep_that_has_looked_already() {
    let Some(node) = Node::start(&[]) else { return };
    let (touched, swept, found) = touch_meets_sweep(&node, true, None).await;
    assert_eq!((touched, swept), (Reached::Done, Swept::default()));
    assert!(matches!(found, Loaded::Live(record) if record.idle_deadline_ms > now_ms()));

    let broken = touch_meets_sweep(&node, true, Some(Sabotage::SweepByOldDeadline)).await;
    assert_eq!(broken.0, Reached::Done);
    assert_eq!(broken.2, Loaded::Nothing, "a session that was used was forgotten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_touch_after_a_sweep_finds_the_session_gone() {
    let Some(node) = Node::start(&[]) else { return };
    let (touched, swept, found) = touch_meets_sweep(&node, false, None).await;
    assert_eq!((touched, found), (Reached::Gone, Loaded::Nothing));
    assert_eq!(swept, Swept { forgotten: 1, expired: vec![key(1)] });
}

/// Many sessions, most of them past; on a server with keys of others, and damaged ones.
async fn a_walk_goes_on_where_the_last_one_stopped(store: &RedisStore, asks: impl Fn() -> usize) {
    let mut chance = Chance::new();
    let (mut past, mut alive) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..1500 {
        let ends = number % 3 > 0;
        let idle_deadline_ms = if ends { now_ms() - 1000 } else { now_ms() + HOUR_MS };
        let key = StoreKey::from_bytes(chance.bytes());
        let record = Record { idle_deadline_ms, ..record(1, "a") };
        store.create(&key, &record).await.unwrap();
        if ends {
            past.insert(key)
        } else {
            alive.insert(key)
        };
    }
    let now_ms = now_ms() + GRACE_MS;
    let before = asks();
    let (mut told, mut calls) = (BTreeSet::new(), 0);
    loop {
        let swept = store.sweep(now_ms, 150).await.unwrap();
        assert!(swept.forgotten <= 150 && swept.forgotten == swept.expired.len());
        calls += 1;
        for key in swept.expired {
            assert!(told.insert(key), "told twice");
        }
        if swept.forgotten < 150 {
            break;
        }
    }
    assert_eq!(calls, 7, "1000 are past");
    assert_eq!(told, past);
    // Were each call to begin anew, it would be several times as much.
    let looked = asks() - before;
    assert!(looked < 2 * 1500 + 1500, "{looked} keys were looked at");
    for key in alive {
        assert!(matches!(store.load(&key).await.unwrap(), Loaded::Live(_)));
    }
}

fn calls(node: &Node, command: &str) -> usize {
    let stat = node.info(&format!("cmdstat_{command}"));
    let calls = stat.split(',').next().and_then(|first| first.strip_prefix("calls="));
    calls.and_then(|calls| calls.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_of_one_node_goes_on_where_the_last_one_stopped() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).tell_expired(LONGER).connect().await.unwrap();
    node.ask_bytes(&[b"RPUSH", &name(&key(1)), b"a list"]);
    node.ask_bytes(&[b"SET", &name(&key(2)), b"damaged", b"PX", b"400000"]);
    node.ask(&["SET", "dewar:short", "of nobody"]);
    node.ask(&["SCRIPT", "FLUSH"]);
    a_walk_goes_on_where_the_last_one_stopped(&store, || calls(&node, "pttl")).await;
    assert_eq!(node.ask(&["DBSIZE"]).text(), "503", "what is damaged is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_of_a_cluster_goes_on_where_the_last_one_stopped() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let store = RedisStore::at("", 0).cluster(cluster.addresses()).tell_expired(LONGER);
    let store = store.connect().await.unwrap();
    let asks = || cluster.nodes().iter().map(|node| calls(node, "pttl")).sum();
    a_walk_goes_on_where_the_last_one_stopped(&store, asks).await;
}

/// Written before the option was chosen, or by a node that has another.
#[tokio::test]
async fn what_was_written_with_another_margin_is_told_too() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).tell_expired(LONGER).connect().await.unwrap();
    let past = Record { idle_deadline_ms: now_ms() - 1000, ..record(1, "a") };
    on(&node).connect().await.unwrap().create(&key(1), &past).await.unwrap();
    let longer = on(&node).tell_expired(2 * LONGER).connect().await.unwrap();
    longer.create(&key(2), &past).await.unwrap();
    assert_eq!(store.sweep(now_ms() + GRACE_MS, 10).await.unwrap().expired, [key(1)]);
    // As long as both keep it.
    let later_ms = now_ms() + GRACE_MS + 600_000;
    assert_eq!(store.sweep(later_ms, 10).await.unwrap().expired, [key(2)]);
}

/// A server that evicts by use must not take a sweep for use.
#[tokio::test]
async fn a_walk_does_not_count_as_a_use_of_what_lives() {
    let Some(node) = Node::start(&["--maxmemory-policy", "volatile-lru"]) else { return };
    let store = on(&node).tell_expired(LONGER).connect().await.unwrap();
    store.create(&key(1), &record(1, "a")).await.unwrap();
    let idle = || node.ask_bytes(&[b"OBJECT", b"IDLETIME", &name(&key(1))]).text();
    wait_until("it has been idle for two seconds", || idle().parse::<u64>().unwrap() >= 2);
    assert_eq!(store.sweep(now_ms(), 10).await.unwrap().forgotten, 0);
    assert!(calls(&node, "pttl") == 1 && idle().parse::<u64>().unwrap() >= 2);
    store.load(&key(1)).await.unwrap();
    assert!(idle().parse::<u64>().unwrap() < 2, "the test would notice");
}

/// The server dies in the midst of it: nothing is told twice, and what was told is not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_failed_has_told_nothing_and_the_next_one_tells_it() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).tell_expired(LONGER).timeout(Duration::from_secs(2));
    let store = store.connect().await.unwrap();
    let past = Record { idle_deadline_ms: now_ms() - 1000, ..record(1, "a") };
    let mut keys = BTreeSet::new();
    let mut chance = Chance::new();
    for _ in 0..1000 {
        let key = StoreKey::from_bytes(chance.bytes());
        store.create(&key, &past).await.unwrap();
        keys.insert(key);
    }
    let now_ms = now_ms() + GRACE_MS;
    let left = || node.ask(&["DBSIZE"]).text().parse::<usize>().unwrap();
    let sweep = tokio::spawn({
        let store = store.clone();
        async move { store.sweep(now_ms, usize::MAX).await }
    });
    while left() > 800 {}
    node.ask(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    let error = sweep.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TimedOut);
    assert!((1..1000).contains(&left()), "{} are left: it stopped in the midst of it", left());
    node.ask(&["CLIENT", "UNPAUSE"]);
    let mut told = BTreeSet::new();
    for key in store.sweep(now_ms, usize::MAX).await.unwrap().expired {
        assert!(told.insert(key), "told twice");
    }
    assert_eq!(left(), 0);
    assert!(told.is_subset(&keys));
    assert!(told.len() >= 900, "{} of 1000 were told: one batch may be lost", told.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_is_dropped_is_told_by_the_next_one() {
    let Some(node) = Node::start(&[]) else { return };
    let store = Arc::new(on(&node).tell_expired(LONGER).connect().await.unwrap());
    let past = Record { idle_deadline_ms: now_ms() - 1000, ..record(1, "a") };
    let mut chance = Chance::new();
    for _ in 0..1000 {
        store.create(&StoreKey::from_bytes(chance.bytes()), &past).await.unwrap();
    }
    let now_ms = now_ms() + GRACE_MS;
    let sweep = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.sweep(now_ms, usize::MAX).await }
    });
    let left = || node.ask(&["DBSIZE"]).text().parse::<usize>().unwrap();
    while left() > 800 {}
    sweep.abort();
    assert!(sweep.await.unwrap_err().is_cancelled());
    assert!(left() > 0, "it was dropped in the midst of it");
    let told = store.sweep(now_ms, usize::MAX).await.unwrap().expired.len();
    assert!((900..=1000).contains(&told), "{told} of 1000 were told: one batch may be lost");
    assert_eq!(left(), 0);
}
