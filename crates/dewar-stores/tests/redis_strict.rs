//! The strict level: acknowledged means that every replica has it.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::time::{Duration, Instant};

use dewar::{
    ConfigError, SessionLayer,
    store::{
        BoxStore, Created, Loaded, Moved, Owner, Reached, Record, Store, StoreError,
        StoreErrorKind, UserIndex, WriteId, Written,
    },
};
use dewar_stores::{
    flask_session::Hashed,
    migrate::Migrating,
    redis::{OpenError, RedisStore, Sabotage},
};
use dewar_testdata::{
    proxy::{Mode, Proxy},
    redis::{Node, wait_until},
};
use support::{
    key,
    redis::{now_ms, on},
};

const HOUR_MS: u64 = 3_600_000;

/// A master that needs a replica, and its two replicas.
struct Trio {
    master: Node,
    replicas: [Node; 2],
}

impl Trio {
    fn start(options: &[&str]) -> Option<Self> {
        let options = [&["--repl-diskless-sync-delay", "0"], options].concat();
        let master = Node::start(&options)?;
        let of = format!("127.0.0.1 {}", master.port());
        let replica = || Node::start(&[&options[..], &["--replicaof", &of]].concat());
        let trio = Self { replicas: [replica()?, replica()?], master };
        trio.wait_until_whole();
        Some(trio)
    }

    fn wait_until_whole(&self) {
        wait_until("both replicas follow", || {
            let follows = |replica: &Node| replica.info("master_link_status") == "up";
            let online = |name: &&str| self.master.info(name).contains("state=online");
            self.replicas.iter().all(follows) && ["slave0", "slave1"].iter().all(online)
        });
    }
}

/// Until both replicas answer in time.
async fn until_confirmed(store: &RedisStore) {
    let start = Instant::now();
    while let Err(error) = store.delete(&key(200), now_ms() + HOUR_MS).await {
        assert!(start.elapsed() < Duration::from_secs(30), "{error:?}");
    }
}

/// That the replicas did not answer is what it says; on a busy machine the master may not say so in
/// time.
fn is_unconfirmed(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::NotReplicated | StoreErrorKind::TimedOut)
}

fn record(write: u64) -> Record {
    Record {
        idle_deadline_ms: now_ms() + HOUR_MS,
        absolute_deadline_ms: now_ms() + HOUR_MS,
        ..support::record(write, "contents")
    }
}

const SAFE: [&str; 2] = ["--min-replicas-to-write", "1"];

#[tokio::test]
async fn what_ends_a_session_counts_when_every_replica_has_it() {
    let Some(trio) = Trio::start(&SAFE) else { return };
    let strict = || on(&trio.master).timeout(Duration::from_millis(1200)).strict(2);
    let store = strict().connect().await.unwrap();
    until_confirmed(&store).await;
    let until_ms = now_ms() + HOUR_MS;
    let moved = Moved { to: key(100), until_ms };
    for number in 0..10 {
        store.create(&key(number), &record(1)).await.unwrap();
    }
    assert_eq!(store.delete(&key(0), until_ms).await.unwrap(), Reached::Done);
    assert_eq!(store.supersede(&key(1), WriteId::new(1), moved).await.unwrap(), Written::Done);
    for replica in &trio.replicas {
        replica.ask(&["REPLICAOF", "NO", "ONE"]);
        let copy = on(replica).connect().await.unwrap();
        assert_eq!(copy.load(&key(0)).await.unwrap(), Loaded::Ended { until_ms });
        assert_eq!(copy.load(&key(1)).await.unwrap(), Loaded::Moved(moved));
        replica.ask(&["REPLICAOF", "127.0.0.1", &trio.master.port().to_string()]);
    }
    trio.wait_until_whole();

    trio.replicas[0].pause();
    let start = Instant::now();
    let error = store.delete(&key(2), until_ms).await.unwrap_err();
    assert!(is_unconfirmed(&error), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(2), "it took {:?}", start.elapsed());
    let error = store.supersede(&key(3), WriteId::new(1), moved).await.unwrap_err();
    assert!(is_unconfirmed(&error), "{error:?}");
    let ada = Owner::of("ada");
    let error = store.enter(&ada, &key(3), 1, until_ms).await.unwrap_err();
    assert!(is_unconfirmed(&error), "{error:?}");
    // What is not strict goes on.
    store.update(&key(4), WriteId::new(1), &record(2)).await.unwrap();
    store.touch(&key(4), u64::MAX).await.unwrap();

    // It is written, and that it is there counts for nothing: whoever asks again, perhaps on another
    // connection, waits for the replicas again.
    let other = strict().connect().await.unwrap();
    for store in [&store, &other] {
        let error = store.delete(&key(2), until_ms).await.unwrap_err();
        assert!(is_unconfirmed(&error), "{error:?}");
        let error = store.supersede(&key(3), WriteId::new(1), moved).await.unwrap_err();
        assert!(is_unconfirmed(&error), "{error:?}");
        let error = store.enter(&ada, &key(3), 1, until_ms).await.unwrap_err();
        assert!(is_unconfirmed(&error), "{error:?}");
    }
    let broken = strict().sabotage(Sabotage::NeverWait).connect().await.unwrap();
    assert!(broken.delete(&key(5), until_ms).await.is_ok(), "the sabotage does nothing");

    trio.replicas[0].resume();
    until_confirmed(&store).await;
    // Redis promises WAIT for a connection's own writes alone, though 7.0 waits for all: so what is
    // there already is written once more.
    let rewrites = || trio.master.info("cmdstat_setrange");
    let before = rewrites();
    assert_eq!(store.delete(&key(2), until_ms).await.unwrap(), Reached::Gone);
    let after = rewrites();
    assert_ne!(before, after);
    let broken = strict().sabotage(Sabotage::RepeatedDeleteWritesNothing).connect().await.unwrap();
    assert_eq!(broken.delete(&key(2), until_ms).await.unwrap(), Reached::Gone);
    assert_eq!(rewrites(), after, "the sabotage does nothing");
    assert_eq!(store.supersede(&key(3), WriteId::new(1), moved).await.unwrap(), Written::Done);
}

#[tokio::test]
async fn all_writes_count_when_every_replica_has_them_if_that_is_chosen() {
    let Some(trio) = Trio::start(&SAFE) else { return };
    let store = on(&trio.master).timeout(Duration::from_millis(1200)).strict(2).strict_writes(true);
    let store = store.connect().await.unwrap();
    until_confirmed(&store).await;
    assert_eq!(store.create(&key(1), &record(1)).await.unwrap(), Created::Done);
    assert_eq!(store.update(&key(1), WriteId::new(1), &record(2)).await.unwrap(), Written::Done);
    trio.replicas[1].pause();
    let error = store.create(&key(2), &record(1)).await.unwrap_err();
    assert!(is_unconfirmed(&error), "{error:?}");
    let error = store.update(&key(1), WriteId::new(2), &record(3)).await.unwrap_err();
    assert!(is_unconfirmed(&error), "{error:?}");
    trio.replicas[1].resume();
}

/// Asked again by the store itself it would find its own tombstone, and nobody would tell the end.
#[tokio::test]
async fn a_delete_whose_answer_was_lost_is_not_told_as_one_that_found_nothing() {
    let Some(trio) = Trio::start(&SAFE) else { return };
    let proxy = Proxy::before(([127, 0, 0, 1], trio.master.port()).into());
    let store = RedisStore::at("127.0.0.1", proxy.port()).strict(2).connect().await.unwrap();
    until_confirmed(&store).await;
    let until_ms = now_ms() + HOUR_MS;
    store.create(&key(1), &record(1)).await.unwrap();
    proxy.set(Mode::CutAtAnswer);
    let error = store.delete(&key(1), until_ms).await.unwrap_err();
    assert_eq!((error.kind(), proxy.swallowed()), (StoreErrorKind::OutcomeUnknown, 1));
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Ended { until_ms });
    assert_eq!(store.delete(&key(1), until_ms).await.unwrap(), Reached::Gone);
}

/// Calls that wait for replicas hold up nobody else.
#[tokio::test]
async fn who_waits_for_replicas_waits_alone() {
    let Some(trio) = Trio::start(&SAFE) else { return };
    let store = on(&trio.master).strict(2).connect().await.unwrap();
    store.create(&key(1), &record(1)).await.unwrap();
    trio.replicas[0].pause();
    let waiting: Vec<_> = (10..40)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.delete(&key(number), now_ms() + HOUR_MS).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    for _ in 0..20 {
        store.load(&key(1)).await.unwrap();
        store.touch(&key(1), u64::MAX).await.unwrap();
    }
    let took = start.elapsed();
    assert!(!waiting[0].is_finished(), "nobody waits, so nothing is shown");
    assert!(took < Duration::from_millis(600), "it took {took:?}");
    for waiting in waiting {
        assert!(is_unconfirmed(&waiting.await.unwrap().unwrap_err()));
    }
}

#[tokio::test]
async fn a_strict_store_needs_a_master_that_stops_when_it_is_cut_off() {
    let Some(node) = Node::start(&[]) else { return };
    let error = on(&node).strict(1).connect().await.unwrap_err();
    assert!(matches!(&error, OpenError::MinReplicas { found, .. } if found == "0"), "{error:?}");
    assert!(error.to_string().contains("set min-replicas-to-write"), "{error}");

    let rules = ["ACL", "SETUSER", "web", "on", ">pass", "~*", "+@all", "-config"];
    assert_eq!(node.ask(&rules).text(), "OK");
    let error = on(&node).user(Some("web"), "pass").strict(1).connect().await.unwrap_err();
    assert!(matches!(error, OpenError::MinReplicas { .. }), "{error:?}");
    assert!(error.to_string().contains("unreadable"), "{error}");

    node.ask(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    on(&node).strict(1).connect().await.unwrap();
}

/// Whoever gives up before the store does looks at the record, and would take for confirmed what is
/// only there.
#[tokio::test]
async fn a_layer_that_gives_a_strict_store_too_little_time_is_not_built() {
    let Some(trio) = Trio::start(&SAFE) else { return };
    let layer =
        |store: BoxStore| SessionLayer::server("9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG", store);
    let three = Duration::from_secs(3);
    let slow = on(&trio.master).strict(2).timeout(three).connect().await.unwrap();
    let error = layer(slow.clone().boxed()).build().unwrap_err();
    let ConfigError::CallTimeout { needed, .. } = &error else { panic!("{error}") };
    assert_eq!(*needed, three);
    assert!(error.to_string().contains("call_timeout"), "{error}");
    assert!(layer(slow.clone().boxed()).call_timeout(three).build().is_ok());

    // The default times fit, and who is not strict promises nothing that needs an answer.
    let strict = on(&trio.master).strict(2).connect().await.unwrap();
    assert!(layer(strict.clone().boxed()).build().is_ok());
    let usual = on(&trio.master).timeout(three).connect().await.unwrap();
    assert!(layer(usual.clone().boxed()).build().is_ok());

    // Around it it is no other store.
    assert_eq!(Hashed::new(slow.clone()).boxed().answers_within(), Some(three));
    assert_eq!(Migrating::new(usual, slow.clone()).boxed().answers_within(), Some(three));
    let both = Migrating::new(strict, slow).boxed().answers_within();
    assert_eq!(both, Some(Duration::from_millis(4500)));
}

/// As soon as it has not heard of its replicas for `min-replicas-max-lag`.
#[tokio::test]
async fn a_master_that_is_cut_off_refuses_to_write() {
    let lag = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"];
    let Some(trio) = Trio::start(&lag) else { return };
    let store = on(&trio.master).strict(2).connect().await.unwrap();
    let usual = on(&trio.master).connect().await.unwrap();
    usual.create(&key(1), &record(1)).await.unwrap();
    trio.replicas.iter().for_each(Node::pause);
    let mut refused = None;
    wait_until("the master refuses", || {
        trio.master.ask(&["SET", "a", "b"]).text().starts_with("NOREPLICAS")
    });
    for store in [&store, &usual] {
        let error = store.delete(&key(1), now_ms() + HOUR_MS).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Refused, "{error:?}");
        refused = Some(error);
    }
    assert!(format!("{refused:?}").contains("NOREPLICAS"), "{refused:?}");
    // Nothing of it was done.
    assert!(matches!(usual.load(&key(1)).await.unwrap(), Loaded::Live(_)));
    trio.replicas.iter().for_each(Node::resume);
    trio.wait_until_whole();
    wait_until("the master writes again", || trio.master.ask(&["SET", "a", "b"]).text() == "OK");
    until_confirmed(&store).await;
    assert_eq!(store.delete(&key(1), now_ms() + HOUR_MS).await.unwrap(), Reached::Done);
}
