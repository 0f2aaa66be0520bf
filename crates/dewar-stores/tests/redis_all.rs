//! What Redis shows beside the verbs: the sessions of one user, and everything; on one node and on
//! a cluster, where nothing may need two keys at once.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::collections::BTreeSet;

use dewar::{
    StoreKey,
    store::{
        Cursor, Entry, Loaded, Owner, Record, Scan, Store, StoreErrorKind, UserIndex, WriteId,
    },
};
use dewar_stores::redis::RedisStore;
use dewar_testdata::redis::{Cluster, Node, Sentinels};
use support::{
    chance::Chance,
    redis::{name, now_ms, on},
};

const HOUR_MS: u64 = 3_600_000;

fn record(data: &str) -> Record {
    Record {
        idle_deadline_ms: now_ms() + HOUR_MS,
        absolute_deadline_ms: now_ms() + HOUR_MS,
        ..support::record(1, data)
    }
}

async fn notes_come_page_by_page_oldest_first(store: &RedisStore) {
    let mut chance = Chance::new();
    let (ada, eve) = (Owner::of("ada"), Owner::of("eve"));
    let until = now_ms() + HOUR_MS;
    assert_eq!(store.sessions_of(&ada, None, 10).await.unwrap(), []);
    // Many of one moment, more than a step of the script looks at, and some around it.
    let mut all: Vec<_> = (0..700)
        .map(|number| Entry {
            key: StoreKey::from_bytes(chance.bytes()),
            since_ms: match number {
                0..600 => 5000,
                600..650 => chance.below(5000),
                _ => 5000 + chance.below(1 << 52),
            },
        })
        .collect();
    for entry in &all {
        store.enter(&ada, &entry.key, entry.since_ms, until).await.unwrap();
    }
    store.enter(&eve, &all[0].key, 1, until).await.unwrap();
    all.sort_by_key(|entry| (entry.since_ms, *entry.key.as_bytes()));
    for limit in [1, 7, 256, 699, 700, 1000] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.sessions_of(&ada, after, limit).await.unwrap();
            assert!(page.len() <= limit);
            let is_last = page.len() < limit;
            after = page.last().copied().or(after);
            found.extend(page);
            if is_last || (limit == 1 && found.len() == 20) {
                break;
            }
        }
        assert_eq!(found[..], all[..found.len()], "by {limit}");
        assert!(found.len() == if limit == 1 { 20 } else { 700 }, "by {limit}");
    }
    // The later moment counts, whoever comes last.
    let key = all[0].key;
    store.enter(&ada, &key, 9000, until).await.unwrap();
    store.enter(&ada, &key, 8000, until).await.unwrap();
    let since = |page: &[Entry]| page.iter().find(|entry| entry.key == key).unwrap().since_ms;
    assert_eq!(since(&store.sessions_of(&ada, None, 1000).await.unwrap()), 9000);
    store.leave(&ada, &key).await.unwrap();
    store.leave(&ada, &key).await.unwrap();
    assert_eq!(store.sessions_of(&ada, None, 1000).await.unwrap().len(), 699);
    assert_eq!(store.sessions_of(&eve, None, 1000).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_notes_of_a_user_come_page_by_page_on_one_node() {
    let Some(node) = Node::start(&[]) else { return };
    notes_come_page_by_page_oldest_first(&on(&node).connect().await.unwrap()).await;
}

#[tokio::test]
async fn the_notes_of_a_user_are_forgotten_after_the_latest_of_them() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).connect().await.unwrap();
    let ada = Owner::of("ada");
    let set = [b"dewar:u:", &ada.as_bytes()[..]].concat();
    let expires = || node.ask_bytes(&[b"PEXPIRETIME", &set]).text().parse::<i64>().unwrap();
    let around = |ms: u64| (ms as i64 + 299_000)..(ms as i64 + 361_000);
    let (soon, late) = (now_ms() + HOUR_MS, now_ms() + 9 * HOUR_MS);
    store.enter(&ada, &support::key(1), 1, soon).await.unwrap();
    assert!(around(soon).contains(&expires()));
    store.enter(&ada, &support::key(2), 1, late).await.unwrap();
    assert!(around(late).contains(&expires()));
    store.enter(&ada, &support::key(3), 1, soon).await.unwrap();
    assert!(around(late).contains(&expires()));
    store.enter(&ada, &support::key(3), 1, u64::MAX).await.unwrap();
    assert_eq!(expires(), -1);
    store.enter(&ada, &support::key(3), 1, soon).await.unwrap();
    assert_eq!(expires(), -1);
}

/// All keys of a scan, and how many pages it had.
async fn scanned(store: &RedisStore, limit: usize) -> (BTreeSet<StoreKey>, usize) {
    let (mut found, mut pages, mut from) = (BTreeSet::new(), 0, None);
    loop {
        let page = store.scan(from.as_ref(), limit).await.unwrap();
        for (key, what) in page.found {
            assert!(matches!(what.unwrap(), Loaded::Live(_) | Loaded::Ended { .. }));
            found.insert(key);
        }
        pages += 1;
        // As bytes, as a program that is started again has it.
        from = match page.next {
            Some(next) => Some(Cursor::from_bytes(next.as_bytes())),
            None => return (found, pages),
        };
    }
}

/// What is there all the time is shown, whatever others do meanwhile; and nothing else of the
/// server's.
async fn a_scan_shows_what_stays(store: &RedisStore, count: usize, hinder: impl AsyncFn()) {
    let mut chance = Chance::new();
    let key = StoreKey::from_bytes;
    let mut stays = BTreeSet::new();
    for _ in 0..count {
        let key = key(chance.bytes());
        store.create(&key, &record("stays")).await.unwrap();
        stays.insert(key);
    }
    let gone = key(chance.bytes());
    store.delete(&gone, now_ms() + HOUR_MS).await.unwrap();
    stays.insert(gone);
    store.enter(&Owner::of("ada"), &gone, 1, now_ms() + HOUR_MS).await.unwrap();
    let (found, _) = scanned(store, 50).await;
    assert_eq!(found, stays);

    // Many come, some of them go, and those that stay are changed.
    let (writes, stays_still) = (store.clone(), stays.clone());
    let busy = tokio::spawn(async move {
        let mut chance = Chance::new();
        for (number, there) in stays_still.iter().cycle().take(600).enumerate() {
            let key = key(chance.bytes());
            writes.create(&key, &record("comes")).await.unwrap();
            writes.touch(there, now_ms() + 2 * HOUR_MS).await.unwrap();
            if number % 3 == 0 {
                writes.delete(&key, now_ms()).await.unwrap();
            }
        }
    });
    while !busy.is_finished() {
        let (found, pages) = scanned(store, 20).await;
        assert!(found.is_superset(&stays), "{} of {count} were found", found.len());
        assert!(pages > 3, "{pages}");
    }
    busy.await.unwrap();

    // The server is another process in the midst of it: its own cursors mean nothing any more.
    let first = store.scan(None, 20).await.unwrap();
    let mut found: BTreeSet<_> = first.found.into_iter().map(|(key, _)| key).collect();
    hinder().await;
    let mut next = first.next;
    while let Some(from) = next {
        let page = store.scan(Some(&from), 20).await.unwrap();
        found.extend(page.found.into_iter().map(|(key, _)| key));
        next = page.next;
    }
    assert!(found.is_superset(&stays));
    let foreign = store.scan(Some(&Cursor::from_bytes(*b"foreign")), 1).await.unwrap_err();
    assert!(std::error::Error::source(&foreign).unwrap().to_string().contains("begin anew"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_of_one_node_shows_what_stays_even_over_a_restart() {
    let Some(node) = Node::start(&["--appendonly", "yes"]) else { return };
    let store = on(&node).prefix("odd[*]?\\^:").connect().await.unwrap();
    let other = on(&node).prefix("odd").connect().await.unwrap();
    other.create(&support::key(1), &record("another's")).await.unwrap();
    node.ask(&["SET", "odd[*]?\\^:short", "of nobody"]);
    a_scan_shows_what_stays(&store, 500, async || {
        node.stop();
        node.restart();
        while store.load(&support::key(1)).await.is_err() {}
    })
    .await;
}

#[tokio::test]
async fn a_scan_shows_what_is_damaged_too() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).connect().await.unwrap();
    store.create(&support::key(1), &record("sound")).await.unwrap();
    node.ask_bytes(&[b"SET", &name(&support::key(2)), b"damaged"]);
    let page = store.scan(None, 100).await.unwrap();
    let kinds: Vec<_> =
        page.found.into_iter().map(|(_, what)| what.map_err(|e| e.kind())).collect();
    assert_eq!(kinds.len(), 2);
    assert!(kinds.contains(&Err(StoreErrorKind::Corrupt)), "{kinds:?}");
}

/// A cluster as it comes, without keyspace notifications.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_shows_the_notes_of_a_user_and_everything_even_over_a_failover() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    for node in cluster.nodes() {
        assert_eq!(node.ask(&["CONFIG", "GET", "notify-keyspace-events"]).list()[1].text(), "");
    }
    let store = RedisStore::at("", 0).cluster(cluster.addresses()).connect().await.unwrap();
    notes_come_page_by_page_oldest_first(&store).await;
    let clean = RedisStore::at("", 0).cluster(cluster.addresses()).prefix("clean:");
    let clean = clean.connect().await.unwrap();
    a_scan_shows_what_stays(&clean, 500, async || {
        // A planned failover: nothing is lost, and each slot of that master has another one.
        let replica = cluster.nodes().iter().find(|node| node.info("role") == "slave").unwrap();
        replica.ask(&["CLUSTER", "FAILOVER"]);
        dewar_testdata::redis::wait_until("the replica is the master", || {
            replica.info("role") == "master"
        });
    })
    .await;
    // And the verbs find the new master by themselves.
    for number in 0..100 {
        clean.create(&support::key(number), &record("after")).await.unwrap();
        clean.update(&support::key(number), WriteId::new(1), &record("after")).await.unwrap();
    }
}

/// A slot on its way from one node to another: some of its keys are here, some there.
#[tokio::test]
async fn a_slot_that_moves_serves_every_key() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    // One slot for all keys: the tag in the prefix.
    let store = RedisStore::at("", 0).cluster(cluster.addresses()).prefix("{tag}:");
    let store = store.connect().await.unwrap();
    for number in 0..20 {
        store.create(&support::key(number), &record("a")).await.unwrap();
    }
    let slot = cluster.nodes()[0].ask(&["CLUSTER", "KEYSLOT", "tag"]).text();
    let has = |node: &Node| {
        node.ask(&["CLUSTER", "COUNTKEYSINSLOT", &slot]).text() == "20"
            && node.info("role") == "master"
    };
    let masters = cluster.masters();
    let from = *masters.iter().find(|node| has(node)).unwrap();
    let to = *masters.iter().find(|node| !has(node)).unwrap();
    let id = |node: &Node| node.ask(&["CLUSTER", "MYID"]).text();
    to.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
    from.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
    let port = to.port().to_string();
    for number in 0..10 {
        let key = [b"{tag}:", &support::key(number).as_bytes()[..]].concat();
        let migrated =
            from.ask_bytes(&[b"MIGRATE", b"127.0.0.1", port.as_bytes(), &key, b"0", b"1000"]);
        assert_eq!(migrated.text(), "OK");
    }
    let change = async |write: u64| {
        for number in 0..20 {
            let next = Record { writes: support::record(write, "").writes, ..record("b") };
            let written = store.update(&support::key(number), WriteId::new(write - 1), &next).await;
            assert_eq!(written.unwrap(), dewar::store::Written::Done, "{number}");
            assert_eq!(store.load(&support::key(number)).await.unwrap(), Loaded::Live(next));
        }
        // One that is in neither place yet.
        let new = support::key(100 + write as u8);
        store.create(&new, &record("new")).await.unwrap();
        assert!(matches!(store.load(&new).await.unwrap(), Loaded::Live(_)));
    };
    change(2).await;
    for number in 10..20 {
        let key = [b"{tag}:", &support::key(number).as_bytes()[..]].concat();
        from.ask_bytes(&[b"MIGRATE", b"127.0.0.1", port.as_bytes(), &key, b"0", b"1000"]);
    }
    for node in cluster.masters() {
        node.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
    }
    change(3).await;
}

#[tokio::test]
async fn a_scan_under_sentinel_is_one_of_the_master() {
    let Some(sentinels) = Sentinels::start(&[], None) else { return };
    let store = RedisStore::at("", 0).sentinel(sentinels.service(), sentinels.addresses());
    let store = store.connect().await.unwrap();
    for number in 0..100 {
        store.create(&support::key(number), &record("a")).await.unwrap();
    }
    assert_eq!(scanned(&store, 10).await.0.len(), 100);
}
