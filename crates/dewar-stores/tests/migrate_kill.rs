//! Sessions move under live load, from process to process, and the one that moves them is killed.
//!
//! Two nodes serve visitors all the time. First both stand by, beside an old store with all sessions.
//! Then each is killed and comes back as a node that moves sessions; then a sweep moves the rest, is
//! killed twice, and goes on from its checkpoint.

#![cfg(unix)]
#![allow(unreachable_pub, reason = "the modules are shared")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod moving;
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Child,
    time::Instant,
};

use dewar::store::{BoxStore, Loaded, Scan};
use dewar_stores::{
    migrate::{Migrating, Migration},
    url,
};
use dewar_testdata::{postgres::Postgres, redis::Node};
use moving::app::{self, App, Log, Marks};
use support::{Folder, child};
use tokio::task::JoinSet;

const SESSIONS: u64 = 4000;
const CLIENTS: u64 = 4;
/// Sessions a second that the sweep moves: slow enough to be killed in the midst.
const RATE: u32 = 500;

/// A store by its URL.
async fn open(url: &str) -> BoxStore {
    url::open(url).await.unwrap()
}

/// One migration: its files, and the test that the processes are started from.
#[derive(Clone)]
struct Site {
    folder: PathBuf,
    test: &'static str,
}

impl Site {
    /// For the processes to come, this is where the stores are.
    fn found(folder: &Path, test: &'static str, old: &str, new: &str) -> Self {
        fs::write(folder.join("old"), old).unwrap();
        fs::write(folder.join("new"), new).unwrap();
        Self { folder: folder.to_owned(), test }
    }

    fn url(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    async fn old_store(&self) -> BoxStore {
        open(&self.url("old")).await
    }

    async fn new_store(&self) -> BoxStore {
        open(&self.url("new")).await
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn stop(&self) -> PathBuf {
        self.folder.join("stop")
    }

    fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }

    /// What the sweep saw so far, of what it noted first and last in this run.
    fn seen(&self) -> Option<(u64, u64)> {
        let text = fs::read_to_string(self.folder.join("progress")).ok()?;
        let (first, last) = text.trim().split_once(' ')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    }

    fn spawn(&self, role: &str, run: u64) -> Child {
        let role = format!("{role} {run} {}", child::text(&self.folder));
        child::command(self.test, &role).spawn().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_under_load_that_is_killed_loses_nothing_and_logs_nobody_out() {
    let test = "a_migration_under_load_that_is_killed_loses_nothing_and_logs_nobody_out";
    if let Some(role) = child::role() {
        return play(&role, test).await;
    }
    let folder = Folder::new();
    // Power cuts are another test's subject.
    let url = |name| {
        let file = child::text(&folder.join(name)).to_owned();
        format!("sqlite:{file}?durability=normal&busy_timeout_ms=5000")
    };
    under_load(&Site::found(folder.path(), test, &url("old.db"), &url("new.db"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_migration_from_redis_to_postgres_loses_nothing_either() {
    let test = "a_killed_migration_from_redis_to_postgres_loses_nothing_either";
    if let Some(role) = child::role() {
        return play(&role, test).await;
    }
    let (Some(redis), Some(postgres)) = (Node::start(&[]), Postgres::start()) else { return };
    let folder = Folder::new();
    let old = format!("redis://127.0.0.1:{}", redis.port());
    under_load(&Site::found(folder.path(), test, &old, &postgres.url())).await;
}

/// What a process of the application does.
async fn play(role: &str, test: &'static str) {
    let mut words = role.splitn(3, ' ');
    let mut word = || words.next().unwrap();
    let (role, run) = (word(), word().parse().unwrap());
    let site = Site { folder: Path::new(word()).to_owned(), test };
    let (old, new) = (site.old_store().await, site.new_store().await);
    match role {
        "stands-by" => serve(Migrating::standing_by(old, new), &site, run).await,
        "moves" => serve(Migrating::new(old, new), &site, run).await,
        _ => sweep(Migrating::new(old, new), &site).await,
    }
}

async fn serve(both: Migrating, site: &Site, run: u64) {
    let marks: &'static Marks = Box::leak(Box::new(Marks::of_run(run)));
    let app = App::on(both);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(app::share(app.clone(), site.log(), site.stop(), marks, client));
        clients.spawn(app::rotate_own(app.clone(), site.log(), site.stop(), marks, client));
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
}

async fn sweep(both: Migrating, site: &Site) {
    let progress = site.folder.join("progress");
    let mut first = None;
    let done = Migration::new(both)
        .rate(RATE)
        .checkpoint(site.checkpoint(), &site.url("old"), &site.url("new"))
        .on_progress(move |now| {
            let first = *first.get_or_insert(now.seen);
            fs::write(&progress, format!("{first} {}", now.seen)).unwrap();
        })
        .run()
        .await
        .unwrap();
    fs::write(site.folder.join("done"), done.carried.to_string()).unwrap();
}

async fn under_load(site: &Site) {
    let app = App::on(site.old_store().await);
    let mut log = Log::append(&site.log());
    for session in 0..SESSIONS {
        log.login(session, &app.login().await);
    }
    drop(app);
    // Made once, before many open it.
    drop(site.new_store().await);

    let start = Instant::now();
    let told = |what: &str| println!("{:5.1} s: {what}", start.elapsed().as_secs_f64());
    let mut nodes = [site.spawn("stands-by", 1), site.spawn("stands-by", 2)];
    let lines = || fs::read_to_string(site.log()).unwrap().lines().count();
    for (node, run) in [(0, 3), (1, 4)] {
        let before = lines();
        child::wait_until(&mut nodes[node], || lines() > before + 1000);
        child::kill(std::mem::replace(&mut nodes[node], site.spawn("moves", run)));
        told("a node was killed and came back as one that moves sessions");
    }
    for kill in 0..2 {
        let before = site.seen().map_or(0, |(_, last)| last);
        let mut sweeping = site.spawn("sweep", 0);
        child::wait_until(&mut sweeping, || {
            site.seen().is_some_and(|(_, last)| last > before + 900 + 100 * kill)
        });
        let (first, last) = site.seen().unwrap();
        child::kill(sweeping);
        told(&format!("the sweep was killed after {last} sessions, in a run from {first} on"));
        assert!(kill == 0 || first > 500, "it began anew: at {first}");
        assert!(site.checkpoint().exists());
    }
    let mut sweeping = site.spawn("sweep", 0);
    let finished = sweeping.wait().unwrap();
    assert!(finished.success());
    let (first, _) = site.seen().unwrap();
    assert!(first > 1500, "it began anew: at {first}");
    let carried = fs::read_to_string(site.folder.join("done")).unwrap();
    told(&format!("the sweep carried {carried} sessions over, the nodes the others"));
    assert!(carried.parse::<u64>().unwrap() > 500);
    assert!(!site.checkpoint().exists());

    fs::write(site.stop(), "").unwrap();
    for mut node in nodes {
        assert!(node.wait().unwrap().success());
    }
    assert_eq!(live_in(&site.old_store().await).await, 0, "the old store shows a live session");
    let figures = app::judge(&App::on(site.new_store().await), &site.log()).await;
    let figures = figures.unwrap_or_else(|wrong| panic!("{wrong}"));
    told(&format!("{figures:?}"));
    assert!(figures.alive > 3000 && figures.logged_out > 10 && figures.rotations > 50);
}

async fn live_in(store: &BoxStore) -> usize {
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
