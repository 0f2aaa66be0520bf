//! The write-ahead log is copied into the database beside the writer, which does not wait for it.
//!
//! The log begins anew only when all of it is copied, and while somebody writes some of it is new.
//! Mostly there is a moment without writes. If there was none for long, the writer copies the last
//! few pages itself, with all others shut out.

use std::{
    cell::Cell,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI32, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{connect::Site, queue::Queue, reply};

/// With so many new pages in the log it is copied: 4 MiB.
const LONG_PAGES: i32 = 1000;

/// With so many, and be they copied, it must begin anew: 32 MiB.
const TOO_LONG_PAGES: i32 = 8 * LONG_PAGES;

/// How long to wait for the moment when nobody else writes.
const SHUT_OUT: Duration = Duration::from_millis(100);

/// What is copied in less leaves little to the writer.
const QUICK: Duration = Duration::from_millis(5);

const IDLE: u8 = 0;
const ASKED: u8 = 1;
const COPIED: u8 = 2;

thread_local! {
    /// The length of the log after the last commit of this thread.
    static PAGES: Cell<i32> = const { Cell::new(0) };
}

/// What the writer asks of the copier, and whether it is done.
pub(super) struct Copying {
    state: AtomicU8,
    asked: Queue<()>,
    /// How long the log was when it was asked last; the writer's own.
    asked_at: AtomicI32,
    /// Who waits until it is done.
    waiting: Mutex<Vec<reply::Sender<()>>>,
}

impl Copying {
    pub(super) fn new() -> Self {
        Self {
            state: AtomicU8::new(IDLE),
            asked: Queue::new(1),
            asked_at: AtomicI32::new(0),
            waiting: Mutex::default(),
        }
    }

    /// The copier's thread: works until it is closed. `call` has the writer look, before others add
    /// to what is left.
    ///
    /// If it cannot copy, the log is merely longer, and a later commit asks again.
    pub(super) fn run(&self, site: &Site, call: impl Fn()) {
        let _end = End(self);
        let mut open = None;
        while self.asked.take(1).pop().is_some() {
            let generation = site.generation();
            open = match open.take() {
                Some((opened, database)) if opened == generation => Some(database),
                _ => site.copier().ok(),
            }
            .filter(|database| copy(database).is_ok())
            .map(|database| (generation, database));
            self.copied(&call);
        }
    }

    fn copied(&self, call: impl Fn()) {
        let waiting = {
            let mut waiting = self.waiting();
            self.state.store(COPIED, Ordering::Release);
            mem::take(&mut *waiting)
        };
        // The lock is free by now: whoever is woken may run at once.
        call();
        waiting.into_iter().for_each(|waiting| waiting.send(()));
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<reply::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as long as the log is being copied: for who can wait, and would make it longer.
    pub(super) async fn over(&self) {
        let (sender, over) = reply::channel();
        {
            let mut waiting = self.waiting();
            if self.state.load(Ordering::Acquire) != ASKED {
                return;
            }
            waiting.push(sender);
        }
        over.await;
    }

    pub(super) fn close(&self) {
        self.asked.close();
    }

    /// Of the writer's thread, for its connection.
    pub(super) fn watch(database: &Connection) {
        database.wal_hook(Some(|_, pages| {
            PAGES.set(pages);
            Ok(())
        }));
    }

    /// The writer calls it after each batch, when the answers are given.
    pub(super) fn after_batch(&self, database: &Connection) {
        let pages = PAGES.get();
        match self.state.load(Ordering::Acquire) {
            COPIED => {
                if pages >= TOO_LONG_PAGES {
                    // While several processes write, it never would: in a test the log grew to 1 GB
                    // in seconds.
                    let _ = database.busy_timeout(SHUT_OUT);
                    let _ = pragma(database, "PRAGMA wal_checkpoint(RESTART)");
                    let _ = database.busy_timeout(Duration::ZERO);
                }
                self.state.store(IDLE, Ordering::Release);
            }
            IDLE => {
                let asked_at = self.asked_at.load(Ordering::Relaxed);
                // A shorter log has begun anew.
                let new = if pages < asked_at { pages } else { pages - asked_at };
                if new >= LONG_PAGES {
                    self.ask(pages);
                }
            }
            _ => {}
        }
    }

    fn ask(&self, pages: i32) {
        self.asked_at.store(pages, Ordering::Relaxed);
        self.state.store(ASKED, Ordering::Release);
        if self.asked.push(()).is_err() {
            // Its thread has ended: then it is for the writer.
            self.copied(|| ());
        }
    }
}

/// Closes the queue when the thread ends, by a panic too, and lets nobody wait for it.
struct End<'a>(&'a Copying);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.close();
        self.0.copied(|| ());
    }
}

/// Copies what is in the log, and what comes meanwhile, until that is no longer less each time.
fn copy(database: &Connection) -> rusqlite::Result<()> {
    let mut last = Duration::MAX;
    loop {
        let start = Instant::now();
        pragma(database, "PRAGMA wal_checkpoint(PASSIVE)")?;
        let took = start.elapsed();
        if took < QUICK || took > last / 2 {
            return Ok(());
        }
        last = took;
    }
}

fn pragma(database: &Connection, sql: &str) -> rusqlite::Result<()> {
    database.query_row(sql, [], |_| Ok(()))
}
