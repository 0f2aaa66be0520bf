//! The store is locked, full, slow or away: pages without a session go on, the others say so within the
//! deadline, and when the store is back so is everything in it, without a restart.

mod demo;
#[path = "race/client.rs"]
mod client;

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use client::{Answer, Client};
use demo::Demo;
use rusqlite::Connection;

/// The deadline of a commit, and what a machine at its limit may need beyond it.
const DEADLINE: Duration = Duration::from_secs(5 + 2);

/// A race with one visitor who has logged in and counted to one.
struct Shop {
    demo: Demo,
    file: PathBuf,
    cookie: String,
}

impl Shop {
    fn open(name: &str) -> Self {
        Self::open_by(name, Command::new(demo::PROGRAM))
    }

    fn open_by(name: &str, command: Command) -> Self {
        let folder = std::env::temp_dir().join(format!("dewar-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let file = folder.join("outage.db");
        let store = format!("sqlite:{}", file.display());
        let demo = Demo::start_by(command, &["race", "--store", &store], &[]);
        let cookie = Client::new(demo.port).get("/login", "").cookie.expect("a cookie");
        let shop = Self { demo, file, cookie };
        assert_eq!(shop.get("/incr?k=n").status, 200);
        shop
    }

    fn get(&self, path: &str) -> Answer {
        Client::new(self.demo.port).get(path, &self.cookie)
    }

    fn dump(&self) -> serde_json::Value {
        serde_json::from_str(&self.get("/dump").body).expect("JSON")
    }

    /// Pages without a session are served as ever, at once.
    fn serves_plain_pages(&self) {
        let begun = Instant::now();
        let answer = self.get("/plain");
        assert_eq!((answer.status, &*answer.body), (200, "no session here\n"));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }

    /// These pages are answered 503 within the deadline, and the browser keeps its cookie.
    fn refuses(&self, paths: &[&str]) {
        std::thread::scope(|scope| {
            for path in paths {
                scope.spawn(move || {
                    let begun = Instant::now();
                    let answer = self.get(path);
                    assert_eq!(answer.status, 503, "{path}: {}", answer.body);
                    assert!(answer.retry_after.is_some(), "{path}");
                    assert_eq!(answer.cookie, None, "{path}");
                    assert!(begun.elapsed() < DEADLINE, "{path}: {:?}", begun.elapsed());
                });
            }
            // Beside the requests that wait.
            std::thread::sleep(Duration::from_millis(200));
            self.serves_plain_pages();
        });
        self.serves_plain_pages();
    }

    /// Nothing was lost, nothing of what was refused was done, and all works again.
    fn is_whole(&self) {
        // A store that was silent is left alone for some seconds more.
        let begun = Instant::now();
        while self.get("/dump").status == 503 {
            assert!(begun.elapsed() < Duration::from_secs(12), "it does not come back");
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(self.dump(), serde_json::json!({"n": 1, "user": "ada"}));
        assert_eq!(self.get("/incr?k=n").status, 200);
        assert_eq!(self.dump()["n"], 2);
        assert_eq!(self.get("/logout").status, 200);
        assert_eq!(self.dump(), serde_json::json!({}));
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.file.parent().expect("a folder"));
    }
}

#[test]
fn while_another_program_writes_only_what_must_be_written_is_refused() {
    let shop = Shop::open("writing");
    let other = Connection::open(&shop.file).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    // Readers never wait for a writer.
    assert_eq!(shop.dump(), serde_json::json!({"n": 1, "user": "ada"}));
    shop.refuses(&["/set?k=z", "/incr?k=n", "/push?k=log", "/rotate", "/logout"]);
    other.execute_batch("ROLLBACK").expect("unlocked");
    shop.is_whole();
}

/// As when a disk is taken out and put back.
#[test]
fn while_the_files_folder_is_away_every_page_with_a_session_is_refused() {
    let shop = Shop::open("away");
    let folder = shop.file.parent().expect("a folder").to_owned();
    let away = folder.with_extension("away");
    std::fs::rename(&folder, &away).expect("renamed");
    // Written to a file without a name it would be lost: it is refused, and from then on who would
    // read is too.
    shop.refuses(&["/set?k=z"]);
    shop.refuses(&["/dump", "/read", "/incr?k=n", "/push?k=log", "/rotate", "/logout"]);
    std::fs::rename(&away, &folder).expect("renamed back");
    shop.is_whole();
}

#[test]
fn a_store_that_is_slow_for_a_moment_is_waited_for() {
    let shop = Shop::open("slow");
    let other = Connection::open(&shop.file).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| shop.get("/incr?k=slow"));
        std::thread::sleep(Duration::from_secs(1));
        shop.serves_plain_pages();
        assert!(!slow.is_finished());
        other.execute_batch("ROLLBACK").expect("unlocked");
        assert_eq!(slow.join().expect("no panic").status, 200);
    });
    assert_eq!(shop.dump()["slow"], 1);
}

/// How large the demo may make any file, in bytes: beyond it a write fails as on a full disk.
#[cfg(target_os = "linux")]
fn limit_files(pid: u32, limit: &str) {
    let limit = format!("--fsize={limit}:unlimited");
    let done = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
    assert!(done.expect("prlimit runs").success());
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_pages_are_read_and_nothing_is_half_written() {
    // Without this, who writes beyond the limit is ended by a signal.
    let mut command = Command::new("env");
    command.arg("--ignore-signal=XFSZ").arg(demo::PROGRAM);
    let shop = Shop::open_by("full", command);
    limit_files(shop.demo.pid(), "1");
    assert_eq!(shop.dump(), serde_json::json!({"n": 1, "user": "ada"}));
    shop.refuses(&["/set?k=z", "/incr?k=n", "/push?k=log", "/rotate", "/logout"]);
    limit_files(shop.demo.pid(), "unlimited");
    shop.is_whole();
}
