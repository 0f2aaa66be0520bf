//! A full disk, a failing one, a slow one: each call is answered, and the store works again
//! afterwards without being opened anew.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{path::Path, pin::pin, time::Duration};

use dewar::store::{Created, Loaded, Reached, Store, StoreErrorKind, WriteId, Written};
use dewar_stores::sqlite::SqliteStore;
use support::{
    child, key, record,
    shim::{Disk, Faults},
};

/// Runs `test` again in a process whose disk can fail.
fn in_a_child(test: &str) {
    let disk = Disk::new();
    let mut command = child::command(test, child::text(disk.live.path()));
    disk.preload(&mut command, 0);
    assert!(command.status().unwrap().success(), "run it with --nocapture to see why");
}

#[tokio::test]
async fn a_full_disk_is_answered_and_passes() {
    let Some(folder) = child::role() else {
        return in_a_child("a_full_disk_is_answered_and_passes");
    };
    let disk = Faults::of_this_process();
    let store = SqliteStore::open(Path::new(&folder).join("sessions.db")).unwrap();
    store.create(&key(1), &record(1, "old")).await.unwrap();

    disk.set("full");
    // In one transaction, so that it has to be taken apart.
    let (one, two, three) = (key(1), key(2), key(3));
    let next = record(2, "next");
    let answers = tokio::join!(
        store.update(&one, WriteId::new(1), &next),
        store.create(&two, &next),
        store.touch(&three, 1),
    );
    assert_eq!(answers.0.unwrap_err().kind(), StoreErrorKind::Full);
    assert_eq!(answers.1.unwrap_err().kind(), StoreErrorKind::Full);
    assert_eq!(answers.2.unwrap(), Reached::Gone, "it writes nothing");
    assert_eq!(store.load(&one).await.unwrap(), Loaded::Live(record(1, "old")));
    assert_eq!(store.load(&two).await.unwrap(), Loaded::Nothing);

    disk.clear("full");
    assert_eq!(store.update(&one, WriteId::new(1), &next).await.unwrap(), Written::Done);
    assert_eq!(store.create(&two, &next).await.unwrap(), Created::Done);
}

#[tokio::test]
async fn a_sync_that_fails_leaves_the_outcome_unknown_and_passes() {
    let Some(folder) = child::role() else {
        return in_a_child("a_sync_that_fails_leaves_the_outcome_unknown_and_passes");
    };
    let disk = Faults::of_this_process();
    let store = SqliteStore::open(Path::new(&folder).join("sessions.db")).unwrap();
    store.create(&key(1), &record(1, "old")).await.unwrap();

    disk.set("broken");
    let next = record(2, "next");
    for _ in 0..3 {
        let error = store.update(&key(1), WriteId::new(1), &next).await.unwrap_err();
        let kind = error.kind();
        let known = [StoreErrorKind::OutcomeUnknown, StoreErrorKind::Unavailable];
        assert!(known.contains(&kind), "{error:?}");
    }
    // Nobody sees what may not last.
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(record(1, "old")));

    disk.clear("broken");
    let written = store.update(&key(1), WriteId::new(1), &next).await.unwrap();
    assert_eq!(written, Written::Done);
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(next));
}

/// On a runtime of one thread, which serves the routes without a session too.
#[tokio::test(flavor = "current_thread")]
async fn a_slow_disk_holds_up_those_who_read_and_nobody_else() {
    let Some(folder) = child::role() else {
        return in_a_child("a_slow_disk_holds_up_those_who_read_and_nobody_else");
    };
    let disk = Faults::of_this_process();
    let store = SqliteStore::open(Path::new(&folder).join("sessions.db")).unwrap();
    store.create(&key(1), &record(1, "old")).await.unwrap();
    disk.set("slow");
    // The first one finds out.
    store.load(&key(1)).await.unwrap();
    for write in 2..5 {
        let next = record(write, "next");
        store.update(&key(1), WriteId::new(write - 1), &next).await.unwrap();
        let one = key(1);
        let mut load = pin!(store.load(&one));
        let mut ticks = 0;
        let found = loop {
            tokio::select! {
                biased;
                found = &mut load => break found.unwrap(),
                () = tokio::time::sleep(Duration::from_millis(1)) => ticks += 1,
            }
        };
        assert_eq!(found, Loaded::Live(next));
        assert!(ticks > 5, "the thread did something else {ticks} times");
    }
}
