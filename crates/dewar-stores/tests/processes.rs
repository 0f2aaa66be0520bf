//! Several processes on one file.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use dewar::store::{Loaded, Record, Store, WriteId, Written};
use dewar_stores::sqlite::{Durability, SqliteStore};
use support::{Folder, child, key, record, visitors};

const PROCESSES: u8 = 3;
const CALLERS: u8 = 4;
const EACH: u64 = 50;

/// Counts in one shared record and in one of its own, by compare and set, without a lost step.
async fn count(store: SqliteStore, caller: u8) {
    for step in 0..EACH {
        for (key, mut id) in [(key(0), u64::from(caller) << 32), (key(caller), 1 << 40)] {
            id += step + 1;
            loop {
                let Loaded::Live(current) = store.load(&key).await.unwrap() else { panic!("gone") };
                let next: u64 = String::from_utf8(current.data.clone()).unwrap().parse().unwrap();
                let next = Record {
                    data: (next + 1).to_string().into_bytes(),
                    writes: current.writes.and(WriteId::new(id)),
                    ..current.clone()
                };
                match store.update(&key, current.version(), &next).await.unwrap() {
                    Written::Done => break,
                    Written::Conflict(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_processes_count_together_and_starve_nobody() {
    let path = |folder: &Path| folder.join("sessions.db");
    if let Some(role) = child::role() {
        let (number, folder) = role.split_once(' ').unwrap();
        // Longer than this, one process shut another out.
        let store = SqliteStore::builder(path(Path::new(folder)));
        let store = store.busy_timeout(Duration::from_secs(5)).open().unwrap();
        let first = number.parse::<u8>().unwrap() * CALLERS + 1;
        let tasks: Vec<_> = (first..first + CALLERS)
            .map(|caller| tokio::spawn(count(store.clone(), caller)))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        return;
    }
    let folder = Folder::new();
    let store = SqliteStore::open(folder.db()).unwrap();
    for byte in 0..=PROCESSES * CALLERS {
        store.create(&key(byte), &record(1, "0")).await.unwrap();
    }
    let children: Vec<_> = (0..PROCESSES)
        .map(|number| {
            let role = format!("{number} {}", child::text(folder.path()));
            let test = "three_processes_count_together_and_starve_nobody";
            child::command(test, &role).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    for byte in 0..=PROCESSES * CALLERS {
        let Loaded::Live(found) = store.load(&key(byte)).await.unwrap() else { panic!("gone") };
        let all = if byte == 0 { EACH * u64::from(PROCESSES * CALLERS) } else { EACH };
        assert_eq!(String::from_utf8(found.data).unwrap(), all.to_string());
    }
}

/// Each copies the log into the database when it is long, but a log can only begin anew when all of it
/// is copied, and here somebody always writes. Left alone, it is 15 times as long as the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_short_though_nobody_pauses() {
    if let Some(role) = child::role() {
        let (round, log) = role.split_once(' ').unwrap();
        let path = Path::new(log).with_file_name("sessions.db");
        let store = SqliteStore::builder(path).durability(Durability::Normal);
        let store = store.busy_timeout(Duration::from_secs(5)).open().unwrap();
        visitors::visit_forever(store, Path::new(log), round.parse().unwrap(), 16).await;
    }
    let folder = Folder::new();
    let log = folder.join("log");
    let test = "the_log_stays_short_though_nobody_pauses";
    let mut children: Vec<_> = (0..3)
        .map(|round| {
            child::command(test, &format!("{round} {}", child::text(&log))).spawn().unwrap()
        })
        .collect();
    let size = |name| fs::metadata(folder.join(name)).map_or(0, |file| file.len());
    let mut longest = 0;
    child::wait_until(&mut children[0], || {
        longest = longest.max(size("sessions.db-wal"));
        size("sessions.db") > 32 << 20
    });
    children.into_iter().for_each(child::kill);
    println!("longest: {longest} bytes; {} acknowledged", visitors::acknowledged(&log));
    assert!(longest < 128 << 20, "{longest}");
}

/// With a umask that takes nothing away.
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    if let Some(folder) = child::role() {
        let path = Path::new(&folder).join("new/sessions.db");
        let store = SqliteStore::open(path).unwrap();
        store.create(&key(1), &record(1, "")).await.unwrap();
        let mode = |name: &str| {
            let path = Path::new(&folder).join(name);
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        };
        assert_eq!(mode("new"), 0o700);
        for name in ["new/sessions.db", "new/sessions.db-wal", "new/sessions.db-shm"] {
            assert_eq!(mode(name), 0o600, "{name}");
        }
        return;
    }
    let folder = Folder::new();
    let inner = child::command("only_the_owner_may_read_the_files", child::text(folder.path()));
    let mut outer = Command::new("sh");
    outer.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(inner.get_program());
    outer.args(inner.get_args()).stdout(Stdio::null());
    for (name, value) in inner.get_envs() {
        outer.env(name, value.unwrap());
    }
    assert!(outer.status().unwrap().success());
}
