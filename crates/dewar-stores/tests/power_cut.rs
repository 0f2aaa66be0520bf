//! The power fails under load: what was acknowledged was synced.
//!
//! `kill -9` alone cannot show it: the kernel keeps what a killed process wrote. Here a preloaded
//! library notes what was synced, and only that survives. Three stores that break the promise must
//! fail the same check.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{fs, path::Path};

use dewar_stores::sqlite::{Durability, Sabotage, SqliteStore};
use support::{
    child,
    shim::{Disk, Surviving},
    visitors,
};

/// A store, and how many visitors it has.
async fn be_the_child(role: &str) {
    let [kind, visitors, log] = *role.splitn(3, ' ').collect::<Vec<_>>() else { panic!("{role}") };
    let log = Path::new(log);
    let store = SqliteStore::builder(log.with_file_name("sessions.db"));
    let store = match kind {
        "sound" => store,
        "normal" => store.durability(Durability::Normal),
        "never-sync" => store.sabotage(Sabotage::NeverSync),
        "answer-before-sync" => store.sabotage(Sabotage::AnswerBeforeSync),
        _ => panic!("{kind}"),
    };
    visitors::visit_forever(store.open().unwrap(), log, 0, visitors.parse().unwrap()).await;
}

/// What one cut showed.
struct Cut {
    acknowledged: usize,
    syncs: usize,
    /// The size of the database as synced: only a checkpoint makes it grow.
    database_bytes: usize,
    verdict: Result<(), String>,
}

async fn cut_the_power(test: &str, kind: &str, visitors: u32, after: usize) -> Cut {
    let disk = Disk::new();
    let log = disk.live.join("log");
    let mut command = child::command(test, &format!("{kind} {visitors} {}", child::text(&log)));
    disk.preload(&mut command, 1000);
    let mut child = command.spawn().unwrap();
    child::wait_until(&mut child, || visitors::acknowledged(&log) >= after);
    child::kill(child);

    let mut verdict = Ok(());
    for surviving in Surviving::ALL {
        let folder = disk.after_power_cut(surviving);
        let checked = match SqliteStore::open(folder.db()) {
            Ok(store) => visitors::check(&store, &log).await.map(drop),
            Err(error) => Err(format!("{error:?}")),
        };
        verdict = verdict.and(checked.map_err(|loss| format!("{surviving:?}: {loss}")));
    }
    let acknowledged = visitors::acknowledged(&log);
    println!("{kind}: {acknowledged} acknowledged, {} syncs, {verdict:?}", disk.syncs());
    let database_bytes = disk.synced_database_bytes();
    Cut { acknowledged, syncs: disk.syncs(), database_bytes, verdict }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_and_logout_survives_a_power_cut() {
    if let Some(role) = child::role() {
        return be_the_child(&role).await;
    }
    let test = "every_acknowledged_write_and_logout_survives_a_power_cut";
    let mut checkpointed = 0;
    for after in [1, 10, 30, 100, 300, 600, 1500, 2700, 3000] {
        let cut = cut_the_power(test, "sound", 8, after).await;
        cut.verdict.unwrap();
        checkpointed += u32::from(cut.database_bytes > 100_000);
    }
    assert!(checkpointed > 1, "the later cuts must find rows in the database alone");
}

/// A killed process leaves steps that were written, but neither synced nor acknowledged. Once its
/// successor has shown them to somebody, they stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_seen_after_a_restart_survives_a_power_cut() {
    let test = "what_was_seen_after_a_restart_survives_a_power_cut";
    if let Some(role) = child::role() {
        let Some(log) = role.strip_prefix("look ") else { return be_the_child(&role).await };
        let store = SqliteStore::open(Path::new(log).with_file_name("sessions.db")).unwrap();
        let seen = visitors::log_what_is_seen(&store, Path::new(log)).await;
        fs::write(Path::new(log).with_file_name("seen"), seen.to_string()).unwrap();
        std::future::pending().await
    }
    let mut seen = 0;
    for after in [20, 40, 60, 80, 100] {
        let disk = Disk::new();
        let log = disk.live.join("log");
        let mut command = child::command(test, &format!("sound 8 {}", child::text(&log)));
        disk.preload(&mut command, 5000);
        let mut child = command.spawn().unwrap();
        child::wait_until(&mut child, || visitors::acknowledged(&log) >= after);
        child::kill(child);

        let mut command = child::command(test, &format!("look {}", child::text(&log)));
        disk.preload(&mut command, 0);
        let mut child = command.spawn().unwrap();
        let mut number = None;
        child::wait_until(&mut child, || {
            number = fs::read_to_string(disk.live.join("seen")).ok().and_then(|n| n.parse().ok());
            number.is_some()
        });
        child::kill(child);
        seen += number.unwrap_or(0);
        for surviving in Surviving::ALL {
            let folder = disk.after_power_cut(surviving);
            let store = SqliteStore::open(folder.db()).unwrap();
            visitors::check(&store, &log).await.unwrap();
        }
    }
    assert!(seen > 0, "no process was killed between writing and syncing");
}

/// At each of the first syncs: while the file is made and gets its table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_while_opening_leaves_a_file_that_opens() {
    if let Some(role) = child::role() {
        return be_the_child(&role).await;
    }
    for syncs in 0..12 {
        let disk = Disk::new();
        let log = disk.live.join("log");
        let test = "a_power_cut_while_opening_leaves_a_file_that_opens";
        let mut command = child::command(test, &format!("sound 2 {}", child::text(&log)));
        disk.preload(&mut command, 5000);
        let mut child = command.spawn().unwrap();
        child::wait_until(&mut child, || disk.syncs() >= syncs);
        child::kill(child);
        for surviving in Surviving::ALL {
            let folder = disk.after_power_cut(surviving);
            let store = SqliteStore::open(folder.db()).unwrap();
            if visitors::acknowledged(&log) > 0 {
                visitors::check(&store, &log).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_share_one_sync() {
    if let Some(role) = child::role() {
        return be_the_child(&role).await;
    }
    let test = "many_writers_share_one_sync";
    let cut = cut_the_power(test, "sound", 32, 1000).await;
    cut.verdict.unwrap();
    assert!(cut.syncs * 8 < cut.acknowledged, "{} for {}", cut.syncs, cut.acknowledged);
}

/// Stores that break the promise: the check must see it, or it shows nothing of the sound one.
macro_rules! must_be_noticed {
    ($($test:ident: $kind:literal)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            if let Some(role) = child::role() {
                return be_the_child(&role).await;
            }
            for cycle in 0..20 {
                let after = 60 + cycle * 11;
                if cut_the_power(stringify!($test), $kind, 8, after).await.verdict.is_err() {
                    return;
                }
            }
            panic!("twenty power cuts lost nothing");
        }
    )+};
}

must_be_noticed! {
    a_store_that_never_syncs_is_noticed: "never-sync"
    normal_durability_is_noticed: "normal"
    an_answer_before_the_sync_is_noticed: "answer-before-sync"
}
