//! One session at a time: what each step of its move leaves behind.

#![allow(unreachable_pub, reason = "the modules are shared")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod moving;
mod support;

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Loaded, MemoryStore, Moved, Owner, Reached, Record, Scan, Store,
        StoreErrorKind, UserIndex, WriteId, Written,
        conformance::{Fault, Faulty, cancel_after},
    },
};
use dewar_stores::{
    migrate::{CarriedOver, Migrating},
    sqlite::SqliteStore,
};
use moving::shelf::Shelf;
use rusqlite::Connection;
use support::{Folder, key, record};

const UNTIL_MS: u64 = 5000;

/// The record after one more write.
fn next(record: &Record, write: u64, data: &str) -> Record {
    let writes = record.writes.and(WriteId::new(write));
    Record { writes, data: data.into(), ..record.clone() }
}

fn stores() -> (Shelf, Shelf) {
    (Shelf::default(), Shelf::default())
}

/// A session that is in the old store alone.
fn old_session(old: &Shelf) -> Record {
    let record = record(1, "cart: 3 pears");
    old.put(key(1), Loaded::Live(record.clone()));
    record
}

#[tokio::test]
async fn a_session_moves_when_it_is_first_written_and_not_when_it_is_read() {
    let (old, new) = stores();
    let both = Migrating::new(old.clone(), new.clone());
    let first = old_session(&old);
    assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Live(first.clone()));
    assert_eq!(new.get(&key(1)), Loaded::Nothing, "a load changes nothing");

    let second = next(&first, 2, "cart: empty");
    let written = both.update(&key(1), first.version(), &second).await.unwrap();
    assert_eq!(written, Written::Done);
    assert_eq!(new.get(&key(1)), Loaded::Live(second.clone()));
    let mark = Moved { to: key(1), until_ms: first.deadline_ms() };
    assert_eq!(old.get(&key(1)), Loaded::Moved(mark), "nothing live, and no longer than it was");
    assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Live(second));
}

#[tokio::test]
async fn everything_of_a_session_moves() {
    let (old, new) = stores();
    let mut record = Record { owner: Some(Owner::of("ada")), ..record(1, "all of it") };
    for write in 2..12 {
        record = next(&record, write, "all of it");
    }
    old.put(key(1), Loaded::Live(record.clone()));
    let both = Migrating::new(old, new.clone());
    assert_eq!(both.carry_over(&key(1)).await.unwrap(), CarriedOver::Now);
    assert_eq!(new.get(&key(1)), Loaded::Live(record));
    assert_eq!(both.carry_over(&key(1)).await.unwrap(), CarriedOver::Before);
    assert_eq!(both.carry_over(&key(2)).await.unwrap(), CarriedOver::Nothing);
}

/// With 0, 1, 2 … polls the move is dropped at each of its awaits in turn, and at each the other node
/// does something else.
#[tokio::test]
async fn whoever_is_dropped_halfway_leaves_the_session_whole() {
    for polls in 0.. {
        let (old, new) = stores();
        let first = old_session(&old);
        let slow = |store: &Shelf| {
            let store = Faulty::new(store.clone());
            (0..10).for_each(|_| store.inject(Fault::Delay(1)));
            store
        };
        let dropped = Migrating::new(slow(&old), slow(&new));
        let done = cancel_after(polls, dropped.carry_over(&key(1))).await.is_some();

        let both = Migrating::new(old.clone(), new.clone());
        assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Live(first.clone()), "{polls}");
        let second = next(&first, 2, "written by the other node");
        let written = both.update(&key(1), first.version(), &second).await.unwrap();
        assert_eq!(written, Written::Done, "{polls}");
        both.delete(&key(1), UNTIL_MS).await.unwrap();
        old.forget();
        new.forget();
        let both = Migrating::new(old, new);
        assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Nothing, "{polls}");
        if done {
            assert!(polls > 4, "it was dropped at {polls} places");
            break;
        }
    }
}

#[tokio::test]
async fn a_call_that_fails_moves_nothing_halfway() {
    for verb in 0..6 {
        for fault in [Fault::ErrorBefore, Fault::ErrorAfter] {
            let (old, new) = stores();
            let first = old_session(&old);
            let failing = |store: &Shelf, at: usize| {
                let store = Faulty::new(store.clone());
                (0..at).for_each(|_| store.inject(Fault::Delay(0)));
                store.inject(fault);
                store
            };
            let failed = Migrating::new(failing(&old, verb), failing(&new, verb));
            let _ = failed.carry_over(&key(1)).await;
            let both = Migrating::new(old.clone(), new.clone());
            assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Live(first.clone()));
            both.carry_over(&key(1)).await.unwrap();
            assert_eq!(new.get(&key(1)), Loaded::Live(first));
        }
    }
}

#[tokio::test]
async fn markers_and_tombstones_of_the_old_store_hold() {
    let (old, new) = stores();
    let (first, routes) = (record(1, ""), Moved { to: key(2), until_ms: UNTIL_MS });
    old.put(key(1), Loaded::Moved(routes));
    old.put(key(3), Loaded::Ended { until_ms: UNTIL_MS });
    let both = Migrating::new(old.clone(), new.clone());
    for _ in 0..2 {
        assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Moved(routes));
        assert_eq!(both.create(&key(1), &first).await.unwrap(), Created::Exists);
        let late = next(&first, 2, "late");
        let written = both.update(&key(1), first.version(), &late).await.unwrap();
        assert_eq!(written, Written::Moved(routes), "a late write finds its way");
        assert_eq!(both.touch(&key(1), 9000).await.unwrap(), Reached::Moved(routes));
        assert_eq!(both.delete(&key(1), UNTIL_MS).await.unwrap(), Reached::Moved(routes));

        assert_eq!(both.create(&key(3), &first).await.unwrap(), Created::Ended);
        let written = both.update(&key(3), first.version(), &late).await.unwrap();
        assert_eq!(written, Written::Gone);
    }
    assert_eq!(both.delete(&key(3), UNTIL_MS + 1).await.unwrap(), Reached::Gone);
    let later = Loaded::Ended { until_ms: UNTIL_MS + 1 };
    assert_eq!(both.load(&key(3)).await.unwrap(), later);
}

/// A copy was made, whoever made it was killed, and a node that stands by went on in the old store.
#[tokio::test]
async fn a_copy_that_was_left_halfway_is_brought_up_to_date() {
    let (old, new) = stores();
    let first = old_session(&old);
    new.create(&key(1), &first).await.unwrap();
    let by = Migrating::standing_by(old.clone(), new.clone());
    let mut newest = first;
    // More writes than a record remembers.
    for write in 2..20 {
        let record = next(&newest, write, "written in the old store");
        let written = by.update(&key(1), newest.version(), &record).await.unwrap();
        assert_eq!(written, Written::Done);
        newest = record;
    }
    by.touch(&key(1), 2500).await.unwrap();
    let both = Migrating::new(old.clone(), new.clone());
    newest.idle_deadline_ms = 2500;
    assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Live(newest.clone()));
    both.carry_over(&key(1)).await.unwrap();
    assert_eq!(new.get(&key(1)), Loaded::Live(newest));
}

#[tokio::test]
async fn a_copy_that_was_left_halfway_outlives_neither_a_logout_nor_a_rotation() {
    for left in [
        Loaded::Ended { until_ms: UNTIL_MS },
        Loaded::Moved(Moved { to: key(2), until_ms: UNTIL_MS }),
    ] {
        let (old, new) = stores();
        let first = old_session(&old);
        new.create(&key(1), &first).await.unwrap();
        old.put(key(1), left.clone());
        let both = Migrating::new(old.clone(), new.clone());
        assert_eq!(both.load(&key(1)).await.unwrap(), left);
        old.forget();
        new.forget();
        assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Nothing);
    }
}

#[tokio::test]
async fn a_node_that_stands_by_leaves_sessions_where_other_nodes_find_them() {
    let (old, new) = stores();
    let first = old_session(&old);
    let by = Migrating::standing_by(old.clone(), new.clone());
    let second = next(&first, 2, "second");
    by.update(&key(1), first.version(), &second).await.unwrap();
    by.touch(&key(1), 3000).await.unwrap();
    by.create(&key(2), &first).await.unwrap();
    let touched = Record { idle_deadline_ms: 3000, ..second.clone() };
    assert_eq!(old.get(&key(1)), Loaded::Live(touched));
    assert_eq!(old.get(&key(2)), Loaded::Live(first));

    let both = Migrating::new(old.clone(), new.clone());
    both.carry_over(&key(1)).await.unwrap();
    let third = next(&second, 3, "third");
    let written = by.update(&key(1), second.version(), &third).await.unwrap();
    assert_eq!(written, Written::Done, "it finds what has moved");
    assert_eq!(new.get(&key(1)), Loaded::Live(third));
    assert_eq!(by.delete(&key(2), UNTIL_MS).await.unwrap(), Reached::Done);
    old.forget();
    new.forget();
    assert_eq!(by.load(&key(2)).await.unwrap(), Loaded::Nothing);
}

/// What the new store knows to have ended has ended, even if somebody used it alone too early.
#[tokio::test]
async fn what_has_ended_in_the_new_store_does_not_go_on_in_the_old_one() {
    let (old, new) = stores();
    old_session(&old);
    new.delete(&key(1), UNTIL_MS).await.unwrap();
    let both = Migrating::new(old.clone(), new.clone());
    assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Ended { until_ms: UNTIL_MS });
    old.forget();
    new.forget();
    assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Nothing);
}

/// The way back would end every session at the marks of the way there.
#[tokio::test]
async fn a_store_that_was_left_is_no_place_to_go_back_to() {
    let (left, full) = stores();
    let first = old_session(&left);
    let there = Migrating::new(left.clone(), full.clone());
    there.carry_over(&key(1)).await.unwrap();
    let back = Migrating::new(full.clone(), left);
    assert_eq!(back.load(&key(1)).await.unwrap(), Loaded::Live(first.clone()));
    let refused = back.carry_over(&key(1)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unsupported);
    assert!(back.touch(&key(1), 2500).await.is_err());
    assert_eq!(full.get(&key(1)), Loaded::Live(first), "and nothing is lost");
}

#[tokio::test]
async fn one_store_given_twice_loses_nothing() {
    let (store, _) = stores();
    let first = old_session(&store);
    let twice = Migrating::new(store.clone(), store.clone());
    let refused = twice.carry_over(&key(1)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unsupported);
    assert_eq!(store.get(&key(1)), Loaded::Live(first));
}

#[tokio::test]
async fn the_sessions_of_a_user_are_found_in_both_stores() {
    let (old, new) = (MemoryStore::new(), MemoryStore::new());
    let both = Migrating::new(old.clone(), new.clone());
    let ada = Owner::of("ada");
    for number in 1..=6 {
        let record = Record { owner: Some(ada), created_ms: u64::from(number), ..record(1, "") };
        let store: &dyn Fn() -> BoxStore =
            if number % 2 == 0 { &|| old.clone().boxed() } else { &|| both.clone().boxed() };
        store().create(&key(number), &record).await.unwrap();
    }
    both.carry_over(&key(2)).await.unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = both.sessions_of(&ada, after, 2).await.unwrap();
        found.extend(page.iter().map(|entry| entry.key));
        after = page.last().copied();
        if page.len() < 2 {
            break;
        }
    }
    assert_eq!(found, [1, 2, 3, 4, 5, 6].map(key));
}

#[tokio::test]
async fn what_both_stores_can_do_both_together_can() {
    let both = Migrating::new(MemoryStore::new(), MemoryStore::new()).boxed();
    assert!(both.knows_users() && both.sweeps() && both.scans());
    let without = Migrating::new(MemoryStore::new(), Shelf::default()).boxed();
    assert!(!without.knows_users());
    assert_eq!(without.sweep_all().await, 0, "a store that forgets by itself has nothing to do");
    let error = without.scan(Some(&dewar::store::Cursor::from_bytes([1])), 10).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
}

trait SweepAll {
    async fn sweep_all(&self) -> usize;
}

impl SweepAll for BoxStore {
    async fn sweep_all(&self) -> usize {
        dewar::store::Sweep::sweep(self, u64::MAX, 10).await.unwrap().forgotten
    }
}

/// SHA-256, as for a store whose keys are ids.
fn hashed(key: &StoreKey) -> StoreKey {
    let text = key.as_bytes().map(char::from).iter().collect::<String>();
    StoreKey::from_bytes(*Owner::of(&text).as_bytes())
}

#[tokio::test]
async fn a_mapping_gives_the_new_store_its_own_keys() {
    let folder = Folder::new();
    let (old, new) = (
        SqliteStore::open(folder.join("old.db")).unwrap(),
        SqliteStore::open(folder.join("new.db")).unwrap(),
    );
    let ada = Owner::of("ada");
    let first = Record { owner: Some(ada), ..record(1, "first") };
    old.create(&key(1), &first).await.unwrap();
    old.create(&key(2), &Record { created_ms: 1001, ..first.clone() }).await.unwrap();
    let both = Migrating::with_keys(old.clone(), new.clone(), hashed).unwrap();
    assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Live(first.clone()));
    let second = next(&first, 2, "second");
    both.update(&key(1), first.version(), &second).await.unwrap();
    assert_eq!(new.load(&hashed(&key(1))).await.unwrap(), Loaded::Live(second.clone()));
    assert_eq!(new.load(&key(1)).await.unwrap(), Loaded::Nothing);
    assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Live(second.clone()));

    // A rotation, and a late write that follows the marker.
    let successor = next(&second, 3, "successor");
    both.create(&key(3), &successor).await.unwrap();
    let moved = Moved { to: key(3), until_ms: UNTIL_MS };
    both.supersede(&key(1), second.version(), moved).await.unwrap();
    let there = new.load(&hashed(&key(1))).await.unwrap();
    assert_eq!(there, Loaded::Moved(Moved { to: hashed(&key(3)), ..moved }));
    let Loaded::Moved(handed) = both.load(&key(1)).await.unwrap() else { panic!("no marker") };
    assert_eq!(both.load(&handed.to).await.unwrap(), Loaded::Live(successor.clone()));
    let late = next(&successor, 4, "late");
    let written = both.update(&handed.to, successor.version(), &late).await.unwrap();
    assert_eq!(written, Written::Done);
    assert_eq!(both.load(&key(3)).await.unwrap(), Loaded::Live(late));

    // Both sessions of the user, the one in the new store under a key that opens it here alone.
    let found = both.sessions_of(&ada, None, 10).await.unwrap();
    let [first, second] = &found[..] else { panic!("{found:?}") };
    assert!([first.key, second.key].contains(&key(2)));
    for entry in &found {
        assert!(matches!(both.load(&entry.key).await.unwrap(), Loaded::Live(_)));
    }
    let foreign = Migrating::with_keys(old, new, hashed).unwrap();
    let veiled = found.iter().find(|entry| entry.key != key(2)).unwrap().key;
    assert_eq!(foreign.load(&veiled).await.unwrap(), Loaded::Nothing);
    // Whoever sees the new store cannot be the visitor.
    assert_eq!(both.load(&hashed(&key(3))).await.unwrap(), Loaded::Nothing);

    assert_eq!(both.delete(&handed.to, UNTIL_MS).await.unwrap(), Reached::Done);
    assert_eq!(both.load(&key(3)).await.unwrap(), Loaded::Ended { until_ms: UNTIL_MS });
}

/// A damaged record cannot be carried over, but it can be logged out.
#[tokio::test]
async fn an_unreadable_record_stays_where_it_is_until_it_is_ended() {
    let folder = Folder::new();
    let old = SqliteStore::open(folder.db()).unwrap();
    old.create(&key(1), &record(1, "damaged")).await.unwrap();
    let other = Connection::open(folder.db()).unwrap();
    other.execute("UPDATE dewar_sessions SET data = x'00'", []).unwrap();
    let new = Shelf::default();
    let both = Migrating::new(old.clone(), new.clone());
    let found = both.carry_over(&key(1)).await.unwrap_err();
    assert_eq!(found.kind(), StoreErrorKind::Corrupt);
    assert_eq!(both.load(&key(1)).await.unwrap_err().kind(), StoreErrorKind::Corrupt);
    assert_eq!(new.get(&key(1)), Loaded::Nothing);
    assert_eq!(both.delete(&key(1), UNTIL_MS).await.unwrap(), Reached::Done);
    assert_eq!(both.load(&key(1)).await.unwrap(), Loaded::Ended { until_ms: UNTIL_MS });
}
