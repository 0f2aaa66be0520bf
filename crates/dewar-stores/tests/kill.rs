//! `kill -9` under load: what was acknowledged is there, in the same file, again and again.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::time::Duration;

use dewar_stores::sqlite::SqliteStore;
use support::{Folder, child, visitors};

const CYCLES: u32 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_and_logout_survives_a_kill() {
    let Some(role) = child::role() else { return kill_again_and_again().await };
    let (round, log) = role.split_once(' ').unwrap();
    let log = std::path::Path::new(log);
    let store = SqliteStore::open(log.with_file_name("sessions.db")).unwrap();
    visitors::visit_forever(store, log, round.parse().unwrap(), 16).await;
}

async fn kill_again_and_again() {
    let folder = Folder::new();
    let log = folder.join("log");
    let mut before = 0;
    for round in 0..CYCLES {
        let role = format!("{round} {}", child::text(&log));
        let name = "every_acknowledged_write_and_logout_survives_a_kill";
        let mut child = child::command(name, &role).spawn().unwrap();
        child::wait_until(&mut child, || visitors::acknowledged(&log) > before + 50);
        // Each time at another point of the load.
        std::thread::sleep(Duration::from_millis(u64::from(round * 37 % 200)));
        child::kill(child);

        let store = SqliteStore::open(folder.db()).unwrap();
        let checked = visitors::check(&store, &log).await.unwrap();
        before = visitors::acknowledged(&log);
        println!("round {round}: {before} acknowledged so far, {checked} sessions checked");
    }
}
