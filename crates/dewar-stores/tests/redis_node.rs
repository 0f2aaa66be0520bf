//! One Redis node: scripts that are flushed, restarts, damage, and expiry.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::time::{Duration, Instant};

use dewar::store::{
    Created, Loaded, Moved, Owner, Reached, Record, Store, StoreErrorKind, WriteId, Written,
};
use dewar_stores::redis::{RedisStore, Sabotage};
use dewar_testdata::redis::{Node, wait_until};
use support::{
    key,
    redis::{name, now_ms, on},
};

const HOUR_MS: u64 = 3_600_000;

/// Alive for an hour of use and a day at most.
fn record(write: u64, data: &str) -> Record {
    Record {
        created_ms: now_ms(),
        idle_deadline_ms: now_ms() + HOUR_MS,
        absolute_deadline_ms: now_ms() + 24 * HOUR_MS,
        ..support::record(write, data)
    }
}

#[tokio::test]
async fn every_verb_works_after_the_scripts_were_flushed() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).connect().await.unwrap();
    let (first, second) = (record(1, "a"), record(2, "b"));
    let flush = || assert_eq!(node.ask(&["SCRIPT", "FLUSH"]).text(), "OK");
    flush();
    assert_eq!(store.create(&key(1), &first).await.unwrap(), Created::Done);
    flush();
    assert_eq!(store.update(&key(1), WriteId::new(1), &second).await.unwrap(), Written::Done);
    flush();
    assert_eq!(store.touch(&key(1), now_ms() + 2 * HOUR_MS).await.unwrap(), Reached::Done);
    flush();
    let moved = Moved { to: key(2), until_ms: now_ms() + HOUR_MS };
    assert_eq!(store.supersede(&key(1), WriteId::new(2), moved).await.unwrap(), Written::Done);
    flush();
    assert_eq!(store.delete(&key(3), now_ms() + HOUR_MS).await.unwrap(), Reached::Gone);
    // Known again, they are sent by name.
    let before = node.info("total_net_input_bytes").trim().parse::<u64>().unwrap();
    store.delete(&key(3), now_ms() + HOUR_MS).await.unwrap();
    let after = node.info("total_net_input_bytes").trim().parse::<u64>().unwrap();
    assert!(after - before < 500, "{} bytes were sent for a delete", after - before);
}

#[tokio::test]
async fn a_restart_is_survived_without_opening_the_store_anew() {
    let Some(node) = Node::start(&["--appendonly", "yes", "--appendfsync", "always"]) else {
        return;
    };
    let store = on(&node).connect().await.unwrap();
    let first = record(1, "a");
    store.create(&key(1), &first).await.unwrap();
    node.kill();
    let start = Instant::now();
    let error = store.load(&key(1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(start.elapsed() < Duration::from_secs(2), "it took {:?}", start.elapsed());
    node.restart();
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(first.clone()));

    // Also if the first call after it is a write: it is done, or says that it does not know.
    node.stop();
    node.restart();
    let second = record(2, "b");
    match store.update(&key(1), WriteId::new(1), &second).await {
        Ok(written) => assert_eq!(written, Written::Done),
        Err(error) => assert_eq!(error.kind(), StoreErrorKind::OutcomeUnknown),
    }
    store.update(&key(1), WriteId::new(1), &second).await.unwrap();
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(second));
}

#[tokio::test]
async fn a_server_that_is_silent_fails_each_call_in_time() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).timeout(Duration::from_millis(600)).connect().await.unwrap();
    store.create(&key(1), &record(1, "a")).await.unwrap();
    node.pause();
    let start = Instant::now();
    // Many at once: nobody waits for the others' attempts.
    let calls = (0..50).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            match number % 2 {
                0 => store.load(&key(1)).await.map(drop),
                _ => store.touch(&key(1), 1).await.map(drop),
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        let kind = call.await.unwrap().unwrap_err().kind();
        assert!(
            [StoreErrorKind::TimedOut, StoreErrorKind::Unavailable].contains(&kind),
            "{kind:?}"
        );
    }
    assert!(start.elapsed() < Duration::from_millis(1200), "it took {:?}", start.elapsed());
    node.resume();
    store.load(&key(1)).await.unwrap();
}

#[tokio::test]
async fn a_flipped_bit_in_any_byte_is_an_error_and_stays() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).connect().await.unwrap();
    let (live, moved, ended) = (key(1), key(2), key(3));
    let owned =
        Record { owner: Some(Owner::of("ada")), ..record(1, "{\"_user_id\":\"42\",\"visits\":1}") };
    for key in [live, moved] {
        store.create(&key, &owned).await.unwrap();
    }
    let to = Moved { to: key(9), until_ms: now_ms() + HOUR_MS };
    store.supersede(&moved, WriteId::new(1), to).await.unwrap();
    store.delete(&ended, now_ms() + HOUR_MS).await.unwrap();
    let mut flips = 0;
    for key in [live, moved, ended] {
        let sound = store.load(&key).await.unwrap();
        let get = || match node.ask_bytes(&[b"GET", &name(&key)]) {
            dewar_testdata::redis::Reply::Bytes(value) => value,
            other => panic!("{other:?}"),
        };
        let set = |value: &[u8]| {
            node.ask_bytes(&[b"SET", &name(&key), value, b"KEEPTTL"]);
        };
        let whole = get();
        for at in 0..whole.len() {
            for bit in [0, 3, 7] {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                set(&damaged);
                let error = store.load(&key).await.unwrap_err();
                assert_eq!(error.kind(), StoreErrorKind::Corrupt, "byte {at}, bit {bit}");
                let new = record(8, "new");
                let update = store.update(&key, WriteId::new(7), &new).await.unwrap_err();
                assert_eq!(update.kind(), StoreErrorKind::Corrupt, "byte {at}, bit {bit}");
                let created = store.create(&key, &new).await.unwrap_err();
                assert_eq!(created.kind(), StoreErrorKind::Corrupt, "byte {at}, bit {bit}");
                if at == 0 || key == moved {
                    let touched = store.touch(&key, u64::MAX).await.unwrap_err();
                    assert_eq!(touched.kind(), StoreErrorKind::Corrupt, "byte {at}, bit {bit}");
                    let deleted = store.delete(&key, 1).await.unwrap_err();
                    assert_eq!(deleted.kind(), StoreErrorKind::Corrupt, "byte {at}, bit {bit}");
                }
                assert_eq!(get(), damaged, "byte {at}, bit {bit}");
                flips += 1;
            }
        }
        for short in 0..whole.len() {
            set(&whole[..short]);
            let error = store.load(&key).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{short} bytes");
        }
        set(&whole);
        assert_eq!(store.load(&key).await.unwrap(), sound);
    }
    assert!(flips > 3 * (31 + 32 + 45 + 14), "{flips} bits were flipped");
}

/// A value under another session's key is nobody's session.
#[tokio::test]
async fn what_stands_under_another_key_is_damaged() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).connect().await.unwrap();
    store.create(&key(1), &record(1, "a")).await.unwrap();
    node.ask_bytes(&[b"COPY", &name(&key(1)), &name(&key(2))]);
    node.ask_bytes(&[b"RPUSH", &name(&key(3)), b"a list"]);
    for other in [key(2), key(3)] {
        let error = store.load(&other).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    }
}

/// When Redis forgets this key, in Unix milliseconds; −1 if never.
fn expires(node: &Node, number: u8) -> i64 {
    node.ask_bytes(&[b"PEXPIRETIME", &name(&key(number))]).text().parse().unwrap()
}

async fn touch_extends(store: &RedisStore, node: &Node) -> bool {
    let born = record(1, "a");
    store.create(&key(1), &born).await.unwrap();
    store.touch(&key(1), born.idle_deadline_ms + HOUR_MS).await.unwrap();
    let later = (born.idle_deadline_ms + HOUR_MS) as i64;
    (later + 300_000..later + 360_000).contains(&expires(node, 1))
}

#[tokio::test]
async fn redis_forgets_a_grace_after_the_deadline_that_holds() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).connect().await.unwrap();
    assert!(touch_extends(&store, &node).await);
    let soon = |ms: u64| (ms as i64 + 300_000)..(ms as i64 + 360_000);
    let there = record(2, "b");
    store.update(&key(1), WriteId::new(1), &there).await.unwrap();
    assert!(soon(there.idle_deadline_ms).contains(&expires(&node, 1)));
    // Not beyond the absolute deadline, and the session with it.
    store.touch(&key(1), u64::MAX).await.unwrap();
    assert!(soon(there.absolute_deadline_ms).contains(&expires(&node, 1)));
    let until_ms = now_ms() + HOUR_MS;
    store.delete(&key(1), until_ms).await.unwrap();
    assert!(soon(until_ms).contains(&expires(&node, 1)));

    let eternal =
        Record { idle_deadline_ms: now_ms() + HOUR_MS, absolute_deadline_ms: u64::MAX, ..there };
    store.create(&key(2), &eternal).await.unwrap();
    assert!(soon(eternal.idle_deadline_ms).contains(&expires(&node, 2)));
    store.touch(&key(2), u64::MAX).await.unwrap();
    assert_eq!(expires(&node, 2), -1);
    let Loaded::Live(found) = store.load(&key(2)).await.unwrap() else { panic!("it is live") };
    assert_eq!(found.idle_deadline_ms, u64::MAX);
    // Sessions that end together are not forgotten together.
    let same = record(1, "");
    let mut moments = Vec::new();
    for number in 10..30 {
        store.create(&key(number), &same).await.unwrap();
        moments.push(expires(&node, number));
    }
    moments.sort_unstable();
    moments.dedup();
    assert!(moments.len() > 10, "{moments:?}");

    let broken = on(&node).prefix("broken:").sabotage(Sabotage::TouchKeepsExpiry);
    let broken = broken.connect().await.unwrap();
    let born = record(1, "a");
    broken.create(&key(1), &born).await.unwrap();
    let at = || node.ask_bytes(&[b"PEXPIRETIME", &[b"broken:", &key(1).as_bytes()[..]].concat()]);
    let before = at();
    broken.touch(&key(1), born.idle_deadline_ms + HOUR_MS).await.unwrap();
    assert_eq!(at(), before, "the sabotage does nothing, so the test proves nothing");
}

async fn fails_the_kit(store: impl AsyncFn(usize) -> RedisStore, case: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let count = AtomicUsize::new(0);
    let make = || store(count.fetch_add(1, Ordering::Relaxed));
    let kit = dewar::store::conformance::Kit::new(make).rounds(10);
    let kit = kit.spawn(|client| drop(tokio::spawn(client)));
    let report = kit.check().await;
    let failed: Vec<_> = report.failed().map(|case| case.name()).collect();
    assert!(failed.contains(&case), "{case} is not among {failed:?}");
}

/// What the guarantees stand on is what the kit looks at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kit_notices_scripts_that_are_broken() {
    let Some(node) = Node::start(&[]) else { return };
    for (sabotage, case) in [
        (Sabotage::UpdateWithoutVersion, "of_many_updates_from_one_version_one_lands"),
        (Sabotage::DeleteWithoutTombstone, "logout_wins_over_a_slow_writer"),
    ] {
        let store = async |number| {
            let store = on(&node).prefix(format!("{sabotage:?}{number}:")).sabotage(sabotage);
            store.connect().await.unwrap()
        };
        fails_the_kit(store, case).await;
    }
}

#[tokio::test]
async fn a_full_server_says_that_it_is_full() {
    let Some(node) = Node::start(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]) else {
        return;
    };
    let store = on(&node).connect().await.unwrap();
    let error = store.create(&key(1), &record(1, "a")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_holds_the_node_is_contention_and_no_silence() {
    let Some(node) = Node::start(&["--lua-time-limit", "20"]) else { return };
    let store = on(&node).connect().await.unwrap();
    std::thread::scope(|threads| {
        let endless = threads.spawn(|| node.try_ask(&[b"EVAL", b"while true do end", b"0"]));
        wait_until("others are told that it is busy", || {
            let busy = node.try_ask(&[b"GET", b"a"]);
            busy.is_ok_and(|reply| reply.text().starts_with("BUSY"))
        });
        let runtime = tokio::runtime::Handle::current();
        let error = tokio::task::block_in_place(|| runtime.block_on(store.load(&key(1))));
        node.ask(&["SCRIPT", "KILL"]);
        drop(endless.join().unwrap());
        assert_eq!(error.unwrap_err().kind(), StoreErrorKind::Contended);
    });
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Nothing);
}

/// The write is done, the answer is lost: the record tells.
#[tokio::test]
async fn a_write_whose_answer_was_lost_is_found_in_the_record() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).timeout(Duration::from_millis(300)).connect().await.unwrap();
    let (first, second) = (record(1, "a"), record(2, "b"));
    store.create(&key(1), &first).await.unwrap();
    // So that it is sent by name, and takes effect whenever the server wakes.
    let stale = store.update(&key(1), WriteId::new(9), &second).await.unwrap();
    assert_eq!(stale, Written::Conflict(first));
    node.pause();
    let error = store.update(&key(1), WriteId::new(1), &second).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TimedOut);
    node.resume();
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(second));
}

/// A managed service names its master by DNS: after a failover the old one lives on as a replica.
#[tokio::test]
async fn a_master_that_became_a_replica_is_left() {
    let Some(master) = Node::start(&[]) else { return };
    let Some(replica) = Node::start(&[]) else { return };
    let store = on(&master).connect().await.unwrap();
    store.create(&key(1), &record(1, "a")).await.unwrap();
    let connections = || master.info("total_connections_received").parse::<u64>().unwrap();
    master.ask(&["REPLICAOF", "127.0.0.1", &replica.port().to_string()]);
    let before = connections();
    let error = store.update(&key(1), WriteId::new(1), &record(2, "b")).await.unwrap_err();
    // An answer: the session layer does not repeat the call until its time is over.
    assert_eq!(error.kind(), StoreErrorKind::Refused);
    // Each attempt asked under the name anew: more than the test's own question.
    assert!(connections() > before + 2, "the connection was kept");
    master.ask(&["REPLICAOF", "NO", "ONE"]);
    store.create(&key(2), &record(1, "a")).await.unwrap();
}
