//! What is SQLite's own: the file, its schema, its locks. The verbs themselves are shown by the
//! conformance kit; here they meet a second connection.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{
    fs,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use dewar::store::{
    Created, Loaded, Moved, Owner, Reached, Record, Store, StoreErrorKind, WriteId, Written,
};
use dewar_stores::sqlite::{OpenError, SqliteStore};
use rusqlite::Connection;
use support::{Folder, key, record};

fn store(folder: &Folder) -> SqliteStore {
    SqliteStore::builder(folder.db()).busy_timeout(Duration::from_millis(200)).open().unwrap()
}

/// A lock on the file as another process would hold it.
fn lock(folder: &Folder) -> Connection {
    let other = Connection::open(folder.db()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[tokio::test]
async fn every_field_comes_back_as_it_was() {
    let folder = Folder::new();
    let store = store(&folder);
    let moments = [0, 1, i64::MAX as u64 - 1, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX];
    for (number, moment) in (0_u8..).zip(moments) {
        let kinds = [(0, None), (1, Some(Owner::of("ada"))), (1 << 20, None)];
        for (kind, (size, owner)) in (0_u8..).zip(kinds) {
            let key = key(number * 10 + kind);
            let kept = Record {
                owner,
                created_ms: moment,
                idle_deadline_ms: moment,
                absolute_deadline_ms: u64::MAX - u64::from(number),
                data: vec![0xff; size],
                ..record(u64::MAX, "")
            };
            assert_eq!(store.create(&key, &kept).await.unwrap(), Created::Done);
            assert_eq!(store.load(&key).await.unwrap(), Loaded::Live(kept));
        }
        assert_eq!(store.delete(&key(200 + number), moment).await.unwrap(), Reached::Gone);
        let ended = Loaded::Ended { until_ms: moment };
        assert_eq!(store.load(&key(200 + number)).await.unwrap(), ended);
    }
}

#[tokio::test]
async fn each_verb_answers_by_what_it_finds() {
    let folder = Folder::new();
    let store = store(&folder);
    let (live, ended, moved, none) = (key(1), key(2), key(3), key(4));
    let to = Moved { to: key(9), until_ms: 7000 };
    for key in [&live, &ended, &moved] {
        store.create(key, &record(1, "a")).await.unwrap();
    }
    assert_eq!(store.delete(&ended, 5000).await.unwrap(), Reached::Done);
    assert_eq!(store.supersede(&moved, WriteId::new(1), to).await.unwrap(), Written::Done);

    for (key, created) in
        [(&live, Created::Exists), (&ended, Created::Ended), (&moved, Created::Exists)]
    {
        assert_eq!(store.create(key, &record(2, "b")).await.unwrap(), created);
    }
    let stale = WriteId::new(7);
    let conflict = Written::Conflict(record(1, "a"));
    for (key, written) in [
        (&live, conflict),
        (&ended, Written::Gone),
        (&moved, Written::Moved(to)),
        (&none, Written::Gone),
    ] {
        assert_eq!(store.update(key, stale, &record(2, "b")).await.unwrap(), written);
        assert_eq!(store.supersede(key, stale, to).await.unwrap(), written);
    }
    for (key, touched) in
        [(&ended, Reached::Gone), (&moved, Reached::Moved(to)), (&none, Reached::Gone)]
    {
        assert_eq!(store.touch(key, 3000).await.unwrap(), touched);
    }
    // An ended one stays ended at least as long as anybody asked for.
    assert_eq!(store.delete(&ended, 4000).await.unwrap(), Reached::Gone);
    assert_eq!(store.load(&ended).await.unwrap(), Loaded::Ended { until_ms: 5000 });
    assert_eq!(store.delete(&moved, 8000).await.unwrap(), Reached::Moved(to));
    assert_eq!(store.load(&moved).await.unwrap(), Loaded::Moved(to));

    for (idle, kept) in [(1500, 2000), (3000, 3000), (99_999, 9000)] {
        assert_eq!(store.touch(&live, idle).await.unwrap(), Reached::Done);
        let expected = Record { idle_deadline_ms: kept, ..record(1, "a") };
        assert_eq!(store.load(&live).await.unwrap(), Loaded::Live(expected));
    }
    let next = Record { writes: record(1, "").writes.and(WriteId::new(2)), ..record(1, "b") };
    assert_eq!(store.update(&live, WriteId::new(1), &next).await.unwrap(), Written::Done);
    assert_eq!(store.load(&live).await.unwrap(), Loaded::Live(next));
}

#[tokio::test]
async fn a_locked_file_fails_writes_in_time_and_delays_no_read() {
    let folder = Folder::new();
    let store = store(&folder);
    store.create(&key(1), &record(1, "before")).await.unwrap();
    let other = lock(&folder);

    let start = Instant::now();
    let error = store.update(&key(1), WriteId::new(1), &record(2, "lost")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TimedOut);
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(200) && waited < Duration::from_secs(2), "{waited:?}");
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(record(1, "before")));

    other.execute_batch("COMMIT").unwrap();
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(record(1, "before")));
    let written = store.update(&key(1), WriteId::new(1), &record(2, "after")).await.unwrap();
    assert_eq!(written, Written::Done);
}

#[tokio::test]
async fn the_longest_timeout_is_no_panic() {
    let folder = Folder::new();
    let store = SqliteStore::builder(folder.db()).busy_timeout(Duration::MAX).open().unwrap();
    store.create(&key(1), &record(1, "")).await.unwrap();
    store.load(&key(1)).await.unwrap();
}

#[tokio::test]
async fn a_call_that_breaks_the_connection_harms_no_other() {
    let folder = Folder::new();
    let store = store(&folder);
    let other = Connection::open(folder.db()).unwrap();
    let trigger = "
        CREATE TRIGGER broken BEFORE INSERT ON dewar_sessions WHEN substr(new.key, 1, 1) = x'02'
        BEGIN SELECT raise(ABORT, 'broken'); END;
        BEGIN IMMEDIATE";
    other.execute_batch(trigger).unwrap();
    // All three wait for the lock, so they share a transaction.
    let (one, two, three, new) = (key(1), key(2), key(3), record(1, ""));
    let answers = tokio::join!(
        store.create(&one, &new),
        store.create(&two, &new),
        store.create(&three, &new),
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            other.execute_batch("COMMIT").unwrap();
        },
    );
    assert_eq!(answers.0.unwrap(), Created::Done);
    assert_eq!(answers.1.unwrap_err().kind(), StoreErrorKind::Refused);
    assert_eq!(answers.2.unwrap(), Created::Done);
    assert_eq!(store.load(&two).await.unwrap(), Loaded::Nothing);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_what_waits_is_done() {
    let folder = Folder::new();
    let store = SqliteStore::builder(folder.db()).queue_length(2).open().unwrap();
    store.create(&key(0), &record(1, "")).await.unwrap();
    let other = lock(&folder);
    // The writer takes what waits into its hands, so it bears more than the queue is long.
    let waiting: Vec<_> = (1..=255)
        .map(|byte| {
            let store = store.clone();
            tokio::spawn(async move { store.create(&key(byte), &record(1, "")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    other.execute_batch("COMMIT").unwrap();
    let mut refused = 0;
    for (byte, task) in (1..=255).zip(waiting) {
        let there = store.load(&key(byte)).await.unwrap() != Loaded::Nothing;
        match task.await.unwrap() {
            Ok(created) => assert_eq!(created, Created::Done),
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Unavailable);
                assert!(!there);
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn a_dropped_call_is_done_or_not_done() {
    let folder = Folder::new();
    let store = store(&folder);
    store.create(&key(1), &record(1, "old")).await.unwrap();
    let (one, other) = (key(1), lock(&folder));
    for byte in 1..100_u8 {
        let next = record(u64::from(byte) + 1, "new");
        let mut call = pin!(store.update(&one, WriteId::new(u64::from(byte)), &next));
        let poll = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
    }
    other.execute_batch("COMMIT").unwrap();
    store.touch(&key(9), 1).await.unwrap();
    // They were dropped while the file was locked: nobody waited, so none was begun.
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(record(1, "old")));
    // Dropped at any other moment, it is the one or the other.
    let next = record(2, "new");
    if let Poll::Ready(written) = pin!(store.update(&one, WriteId::new(1), &next))
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        assert_eq!(written.unwrap(), Written::Done);
    }
    store.touch(&key(9), 1).await.unwrap();
    let found = store.load(&key(1)).await.unwrap();
    assert!([Loaded::Live(record(1, "old")), Loaded::Live(next)].contains(&found), "{found:?}");
}

#[tokio::test]
async fn a_file_that_was_replaced_is_opened_anew() {
    let folder = Folder::new();
    let store = store(&folder);
    store.create(&key(1), &record(1, "in the first file")).await.unwrap();
    for name in ["sessions.db", "sessions.db-wal", "sessions.db-shm"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    // Written without a name, it would be lost with the process.
    assert_eq!(store.create(&key(2), &record(1, "second")).await.unwrap(), Created::Done);
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Nothing);
    drop(store);
    let again = self::store(&folder);
    assert_eq!(again.load(&key(2)).await.unwrap(), Loaded::Live(record(1, "second")));
}

#[test]
fn a_file_of_another_kind_is_refused_and_left_as_it_is() {
    type Refused = fn(&OpenError) -> bool;
    let newer = "PRAGMA application_id = 0x64657772; PRAGMA user_version = 99;";
    let kinds: [(&str, Refused); 3] = [
        (newer, |e| matches!(e, OpenError::NewerSchema { found: 99, known: 1 })),
        ("CREATE TABLE notes (text)", |e| matches!(e, OpenError::Foreign)),
        ("PRAGMA user_version = 3", |e| matches!(e, OpenError::Foreign)),
    ];
    for (sql, refused) in kinds {
        let folder = Folder::new();
        Connection::open(folder.db()).unwrap().execute_batch(sql).unwrap();
        let before = fs::read(folder.db()).unwrap();
        let error = SqliteStore::open(folder.db()).unwrap_err();
        assert!(refused(&error), "{error:?}");
        assert_eq!(fs::read(folder.db()).unwrap(), before);
    }
    let folder = Folder::new();
    fs::write(folder.db(), "These are the notes of last week, and no database.".repeat(50))
        .unwrap();
    let error = SqliteStore::open(folder.db()).unwrap_err();
    assert!(matches!(error, OpenError::Database { .. }), "{error:?}");
}

#[test]
fn many_may_open_a_new_file_at_the_same_moment() {
    for _ in 0..10 {
        let folder = Folder::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope
                    .spawn(|| drop(SqliteStore::open(folder.join("new/sub/sessions.db")).unwrap()));
            }
        });
    }
}

#[test]
fn a_file_that_another_program_keeps_for_itself_is_an_error_in_time() {
    let folder = Folder::new();
    drop(store(&folder));
    let other = Connection::open(folder.db()).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let start = Instant::now();
    let builder = SqliteStore::builder(folder.db()).busy_timeout(Duration::from_millis(100));
    let error = builder.clone().open().unwrap_err();
    assert!(matches!(error, OpenError::Database { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(2));
    drop(other);
    builder.open().unwrap();
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_refused_but_its_folders_may_be_links() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    drop(store(&folder));
    for target in ["sessions.db", "nowhere"] {
        let link = folder.join(&format!("link-to-{target}"));
        symlink(folder.join(target), &link).unwrap();
        let error = SqliteStore::open(link).unwrap_err();
        assert!(matches!(error, OpenError::Symlink { .. }), "{error:?}");
        assert!(!folder.join("nowhere").exists());
    }
    symlink(folder.path(), folder.join("here")).unwrap();
    SqliteStore::open(folder.join("here").join("sessions.db")).unwrap();
}
