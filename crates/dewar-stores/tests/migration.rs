//! The sweep: what it counts, how fast it goes, and how it goes on after it was stopped.

#![allow(unreachable_pub, reason = "the modules are shared")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod moving;
mod support;

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use dewar::{
    ManualClock, StoreKey,
    store::{
        BoxStore, Created, Cursor, Loaded, MemoryStore, Moved, Page, Reached, Record, Scan, Store,
        StoreError, Sweep, Swept, WriteId, Written,
        conformance::{Fault, Faulty, cancel_after},
    },
};
use dewar_stores::{
    migrate::{Migrating, Migration, MigrationError, Progress},
    sqlite::SqliteStore,
};
use moving::shelf::Shelf;
use rusqlite::Connection;
use support::{Folder, key, record};
use tokio::time::Instant;

/// So many keys, spread like hashes.
fn keys(count: u64) -> impl Iterator<Item = StoreKey> {
    (1..=count).map(|number| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        bytes[31] = number as u8;
        StoreKey::from_bytes(bytes)
    })
}

async fn filled(count: u64) -> (MemoryStore, MemoryStore) {
    let (old, new) = (MemoryStore::new(), MemoryStore::new());
    for key in keys(count) {
        old.create(&key, &record(1, "")).await.unwrap();
    }
    (old, new)
}

/// Of records that live from 1,000 to 2,000 seconds: the clock shows 1.5 seconds.
fn migration(both: Migrating) -> Migration {
    Migration::new(both).clock(ManualClock::at_unix(1))
}

async fn live_in(store: &impl Scan) -> usize {
    let (mut live, mut from) = (0, None);
    loop {
        let page = store.scan(from.as_ref(), 500).await.unwrap();
        live += page.found.iter().filter(|(_, it)| matches!(it, Ok(Loaded::Live(_)))).count();
        from = page.next;
        if from.is_none() {
            return live;
        }
    }
}

#[tokio::test]
async fn everything_is_carried_over_and_counted() {
    let folder = Folder::new();
    let old = SqliteStore::open(folder.db()).unwrap();
    let new = MemoryStore::new();
    for number in 1..=9 {
        old.create(&key(number), &record(1, "")).await.unwrap();
    }
    let moved = Moved { to: key(7), until_ms: 700 };
    old.supersede(&key(1), WriteId::new(1), moved).await.unwrap();
    old.delete(&key(2), 700).await.unwrap();
    let both = Migrating::new(old.clone(), new.clone());
    both.touch(&key(3), 1).await.unwrap();
    let past = Record { idle_deadline_ms: 1, ..record(2, "") };
    old.update(&key(4), WriteId::new(1), &past).await.unwrap();
    let other = Connection::open(folder.db()).unwrap();
    let damage = "UPDATE dewar_sessions SET data = x'00' WHERE key = ?";
    other.execute(damage, [key(5).as_bytes()]).unwrap();

    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let done = Migration::new(both)
        .clock(ManualClock::at_unix(302))
        .estimate(9)
        .on_progress(move |now| told.lock().unwrap().push(now.clone()))
        .run()
        .await
        .unwrap();
    let counts = (done.seen, done.carried, done.already_there, done.ended, done.expired);
    assert_eq!(counts, (9, 4, 1, 2, 1));
    assert_eq!((done.unreadable, &done.unreadable_keys[..]), (1, &[key(5)][..]));
    assert_eq!(done.routes_until_ms, 700);
    assert_eq!(done.unreadable_keys[0].to_string(), "05050505", "a short id");
    let seen = seen.lock().unwrap().clone();
    assert!(!seen[0].verifying && seen[seen.len() - 1].verifying);
    assert_eq!(seen[0].remaining(), Some(Duration::ZERO));

    for number in 6..=9 {
        assert_eq!(new.load(&key(number)).await.unwrap(), Loaded::Live(record(1, "")));
    }
    let left = old.load(&key(5)).await.unwrap_err();
    assert_eq!(left.kind(), dewar::store::StoreErrorKind::Corrupt, "it is left as it is");
}

#[tokio::test(start_paused = true)]
async fn it_goes_no_faster_than_it_may() {
    let (old, new) = filled(500).await;
    let start = Instant::now();
    let told = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let tell = Arc::clone(&told);
    let done = migration(Migrating::new(old, new))
        .rate(50)
        .estimate(500)
        .on_progress(move |now| tell.lock().unwrap().push(now.clone()))
        .run()
        .await
        .unwrap();
    assert_eq!(done.carried, 500);
    let took = start.elapsed().as_secs_f64();
    assert!((9.0..11.0).contains(&took), "{took} seconds");
    let told = told.lock().unwrap();
    let half = told.iter().find(|now| now.seen >= 250).unwrap();
    let left = half.remaining().unwrap().as_secs_f64();
    assert!((3.0..6.0).contains(&left), "{left} seconds left of 5, at {} a second", half.rate());
}

/// Dropped at each await in turn, until it is done: each run goes on where the last one kept its place.
#[tokio::test]
async fn it_goes_on_after_it_was_dropped_anywhere() {
    let folder = Folder::new();
    let path = folder.join("checkpoint");
    let (old, new) = (Shelf::default(), MemoryStore::new());
    let slow = |old: &Shelf| Slow(old.clone());
    for key in keys(1000) {
        old.put(key, Loaded::Live(record(1, "")));
    }
    let mut runs = 0;
    let done = loop {
        runs += 1;
        let both = Migrating::new(BoxStore::without_users(slow(&old)), new.clone());
        let run = migration(both).checkpoint(&path, "shelf:", "memory:").run();
        if let Some(done) = cancel_after(runs * 10, run).await {
            break done.unwrap();
        }
    };
    assert!(runs > 5, "{runs} runs");
    assert_eq!(live_in(&new).await, 1000);
    assert_eq!((done.seen, done.carried + done.already_there), (1000, 1000));
    assert!(!path.exists(), "what is done needs no checkpoint");
}

/// A shelf that lets others in at each call, and shows 50 at a time.
struct Slow(Shelf);

impl Store for Slow {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        tokio::task::yield_now().await;
        self.0.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.0.create(key, record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.0.update(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.0.touch(key, idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.0.delete(key, until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        tokio::task::yield_now().await;
        self.0.supersede(old, expected, moved).await
    }
}

impl Sweep for Slow {
    async fn sweep(&self, _: u64, _: usize) -> Result<Swept, StoreError> {
        Ok(Swept::default())
    }
}

impl Scan for Slow {
    async fn scan(&self, from: Option<&Cursor>, _: usize) -> Result<Page, StoreError> {
        tokio::task::yield_now().await;
        let after = from.map(|from| StoreKey::from_bytes(from.as_bytes().try_into().unwrap()));
        let found: Vec<_> =
            self.0.after(after, 50).into_iter().map(|(key, it)| (key, Ok(it))).collect();
        let next = found.last().map(|(key, _)| Cursor::from_bytes(*key.as_bytes()));
        Ok(Page { found, next })
    }
}

#[tokio::test]
async fn the_checkpoint_of_another_migration_is_refused() {
    let folder = Folder::new();
    let path = folder.join("checkpoint");
    let url = "postgres://ada:secret@db/app";
    // Dropped after its first page: the checkpoint stays.
    let both = Migrating::new(BoxStore::without_users(Slow(shelf(200))), MemoryStore::new());
    let run = migration(both).checkpoint(&path, "sqlite:a.db", url).run();
    assert!(cancel_after(25, run).await.is_none());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("to postgres://db/app\n") && !text.contains("secret"), "{text}");

    for (from, to) in [("sqlite:a.db", "postgres://db/other"), ("sqlite:b.db", url)] {
        let refused = again(&path, from, to).await.unwrap_err();
        let MigrationError::OtherMigration { .. } = &refused else { panic!("{refused}") };
        let said = refused.to_string();
        assert!(said.contains("of sqlite:a.db to postgres://db/app, and this is"), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "and nothing is changed");
    }
    let done = again(&path, "sqlite:a.db", url).await.unwrap();
    assert!(done.seen > 10, "it went on with what was counted: {done:?}");
}

fn shelf(count: u64) -> Shelf {
    let shelf = Shelf::default();
    keys(count).for_each(|key| shelf.put(key, Loaded::Live(record(1, ""))));
    shelf
}

async fn again(path: &Path, from: &str, to: &str) -> Result<Progress, MigrationError> {
    let both = Migrating::new(BoxStore::without_users(Slow(shelf(200))), MemoryStore::new());
    migration(both).checkpoint(path, from, to).run().await
}

#[tokio::test]
async fn a_file_that_is_no_checkpoint_is_refused_and_left() {
    let folder = Folder::new();
    let path = folder.join("checkpoint");
    let both = || Migrating::new(BoxStore::without_users(Slow(shelf(200))), MemoryStore::new());
    let run = migration(both()).checkpoint(&path, "a", "b").run();
    assert!(cancel_after(25, run).await.is_none());
    let whole = fs::read(&path).unwrap();
    // However much of it is missing, and whatever else it may be.
    let cut = (0..whole.len() - 1).map(|len| whole[..len].to_vec());
    for bytes in cut.chain([b"\xff\xfe".to_vec(), b"key = value\n".to_vec()]) {
        fs::write(&path, &bytes).unwrap();
        let run = migration(both()).checkpoint(&path, "a", "b").run().await;
        let refused = run.expect_err("taken");
        assert!(
            matches!(
                refused,
                MigrationError::NoCheckpoint { .. } | MigrationError::OtherMigration { .. }
            ),
            "{refused}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    let nowhere = folder.join("no/such/folder");
    let failed = migration(both()).checkpoint(nowhere, "a", "b").run().await.unwrap_err();
    assert!(matches!(failed, MigrationError::Checkpoint { .. }), "{failed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sweeps_at_once_do_no_harm() {
    let (old, new) = filled(3000).await;
    let run = |old: &MemoryStore| {
        let both = Migrating::new(old.clone(), new.clone());
        tokio::spawn(migration(both).run())
    };
    let (one, other) = (run(&old), run(&old));
    let (one, other) = (one.await.unwrap().unwrap(), other.await.unwrap().unwrap());
    println!("{} and {} carried over", one.carried, other.carried);
    assert!(one.carried + other.carried >= 3000);
    assert_eq!((live_in(&old).await, live_in(&new).await), (0, 3000));
}

#[tokio::test]
async fn an_old_store_that_keeps_getting_sessions_is_told() {
    let (old, new) = filled(300).await;
    let (number, getting) = (Arc::new(AtomicU64::new(1000)), old.clone());
    let told = move |_: &Progress| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let key = keys(number).last().unwrap();
        dewar::store::conformance::block_on(getting.create(&key, &record(1, ""))).unwrap();
    };
    let both = Migrating::new(old, new);
    let failed = migration(both).on_progress(told).run().await.unwrap_err();
    assert!(matches!(failed, MigrationError::StillLive { count: 1.. }), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_while_is_waited_for_and_one_that_stays_away_is_told() {
    for (faults, survives) in [(3, true), (100, false)] {
        let (old, new) = filled(20).await;
        let failing = Faulty::new(new.clone());
        (0..faults).for_each(|_| failing.inject(Fault::ErrorBefore));
        let done = migration(Migrating::new(old.clone(), failing)).run().await;
        match done {
            Ok(done) => assert_eq!((survives, done.carried, live_in(&old).await), (true, 20, 0)),
            Err(error) => {
                assert!(!survives && matches!(error, MigrationError::Compare { .. }), "{error}");
                assert_eq!(live_in(&old).await, 20, "nothing is lost");
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_cannot_show_what_it_holds_is_refused() {
    let both = Migrating::new(Shelf::default(), MemoryStore::new());
    let refused = migration(both).run().await.unwrap_err();
    assert!(matches!(refused, MigrationError::CannotScan), "{refused}");
}
