//! The writer: one thread, and one transaction for all that waits.

use std::{
    error::Error,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use dewar::store::{StoreError, StoreErrorKind};
use rusqlite::Connection;

use super::{
    checkpoint::Copying,
    connect::{Site, Writable},
    fault::{is_busy, is_full, store_error},
    queue::{CloseOnDrop, Queue},
    table::Table,
    transaction::Transactions,
    verbs::Job,
};

/// So many calls share a transaction at most: it bounds what one of them waits for the others.
const BATCH: usize = 256;

/// How long another process' write makes this one leave gaps for it.
const POLITE: Duration = Duration::from_secs(1);

type Jobs = Vec<Box<dyn Job>>;

/// Works until the queue is closed and empty. A failing connection is replaced at the next call.
///
/// The first connection is given, so that a file that cannot be opened is an error at the start. Each
/// stays open until the next one is: were it the last one of all processes, SQLite would read the log
/// anew, and show a transaction in it whose sync has failed.
pub(super) fn run(site: &Site, queue: &Queue<Box<dyn Job>>, copying: &Copying, first: Writable) {
    let _close = CloseOnDrop(queue);
    let (mut ready, mut last) = (Some(first), None);
    let mut jobs = Jobs::new();
    loop {
        if jobs.is_empty() {
            jobs = queue.take(BATCH);
        }
        if jobs.is_empty() {
            return;
        }
        jobs = match ready.take().map_or_else(|| site.writer(), Ok) {
            Ok(opened) => Life::run(site, queue, copying, last.insert(opened), jobs),
            Err(error) => {
                let kind = match error.is_busy() {
                    true => StoreErrorKind::TimedOut,
                    false => StoreErrorKind::Unavailable,
                };
                fail_all(jobs, kind, error);
                Jobs::new()
            }
        };
    }
}

/// The life of one connection.
struct Life<'c> {
    site: &'c Site,
    queue: &'c Queue<Box<dyn Job>>,
    database: &'c Connection,
    transactions: Transactions<'c>,
    table: Table<'c>,
    polite_until: Option<Instant>,
}

/// The connection does not work any more. These jobs were not begun on it.
struct Broken(Jobs);

impl<'c> Life<'c> {
    /// Works until the queue is closed and empty, or the connection must be replaced; gives the jobs
    /// that wait for the next one.
    fn run(
        site: &'c Site,
        queue: &'c Queue<Box<dyn Job>>,
        copying: &Copying,
        on: &'c Writable,
        jobs: Jobs,
    ) -> Jobs {
        let database = &on.database;
        let prepared = Transactions::of(database)
            .and_then(|transactions| Ok((transactions, Table::of(database)?)));
        let (transactions, table) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                fail_all(jobs, StoreErrorKind::Unavailable, error);
                return Jobs::new();
            }
        };
        Copying::watch(database);
        let file = on.file;
        let mut life = Self { site, queue, database, transactions, table, polite_until: None };
        let mut jobs = jobs;
        while !jobs.is_empty() {
            if !site.is_still(file) {
                site.file_was_replaced();
                return jobs;
            }
            if let Err(Broken(rest)) = life.together(jobs) {
                return rest;
            }
            copying.after_batch(life.database);
            life.leave_a_gap();
            jobs = queue.take(BATCH);
        }
        jobs
    }

    /// All in one transaction. If one of them spoils it, each in its own, and on the next connection
    /// if that one broke this: the others shall not suffer. Nothing was committed, so nothing is done
    /// twice.
    fn together(&mut self, jobs: Jobs) -> Result<(), Broken> {
        let mut jobs = self.begin(jobs)?;
        if jobs.is_empty() {
            return Ok(());
        }
        if let Err(error) = jobs.iter_mut().try_for_each(|job| job.run(&mut self.table)) {
            self.transactions.roll_back();
            return self.one_by_one(jobs, error);
        }
        if self.site.options.answers_before_sync() {
            jobs.drain(..).for_each(|job| job.answer());
        }
        match self.transactions.commit() {
            Ok(()) => {
                jobs.into_iter().for_each(|job| job.answer());
                Ok(())
            }
            Err(error) => {
                self.transactions.roll_back();
                // A full disk took no commit record. After anything else the log may hold one, and a
                // restart may find it.
                if is_full(&error) {
                    return self.one_by_one(jobs, error);
                }
                fail_all(jobs, StoreErrorKind::OutcomeUnknown, error);
                Err(Broken(Jobs::new()))
            }
        }
    }

    fn one_by_one(&mut self, mut jobs: Jobs, error: rusqlite::Error) -> Result<(), Broken> {
        if jobs.len() > 1 {
            let mut jobs = jobs.into_iter();
            while let Some(job) = jobs.next() {
                if let Err(Broken(mut rest)) = self.together(vec![job]) {
                    rest.extend(jobs);
                    return Err(Broken(rest));
                }
            }
            return Ok(());
        }
        let result = if is_full(&error) { Ok(()) } else { Err(Broken(Jobs::new())) };
        if let Some(job) = jobs.pop() {
            job.fail(store_error(error));
        }
        result
    }

    /// Begins a transaction for these jobs and, if it has to wait, for those that come meanwhile.
    ///
    /// Jobs are answered here if the file stays locked beyond their time, and dropped if nobody waits
    /// for them any more: they were not begun. None is left if there is no transaction.
    fn begin(&mut self, mut jobs: Jobs) -> Result<Jobs, Broken> {
        for tries in 0_u32.. {
            jobs.retain(|job| !job.is_abandoned());
            if jobs.is_empty() {
                break;
            }
            match self.transactions.begin() {
                Ok(others_wrote) => {
                    if others_wrote {
                        self.polite_until = Some(Instant::now() + POLITE);
                    }
                    break;
                }
                Err(error) if is_busy(&error) => {
                    jobs = fail_late(jobs, error);
                    jobs.extend(self.queue.take_ready(BATCH.saturating_sub(jobs.len())));
                    let most_us = if tries < 20 { 200 } else { 4000 };
                    thread::sleep(Duration::from_micros(most_us / 4 + chance(most_us)));
                }
                Err(error) => {
                    fail_all(jobs, StoreErrorKind::Unavailable, error);
                    return Err(Broken(Jobs::new()));
                }
            }
        }
        Ok(jobs)
    }

    /// SQLite's lock has no queue: who writes without a pause shuts the others out.
    fn leave_a_gap(&mut self) {
        if self.polite_until.is_some_and(|until| Instant::now() < until) {
            thread::sleep(Duration::from_micros(100 + chance(200)));
        }
    }
}

/// Fails the jobs that have waited too long for the lock, and gives the others.
fn fail_late(jobs: Jobs, error: rusqlite::Error) -> Jobs {
    let now = Instant::now();
    let (late, rest) = jobs.into_iter().partition(|job| job.deadline() <= now);
    fail_all(late, StoreErrorKind::TimedOut, error);
    rest
}

fn fail_all<E: Error + Send + Sync + 'static>(jobs: Jobs, kind: StoreErrorKind, error: E) {
    let error = Arc::new(error);
    for job in jobs {
        job.fail(StoreError::new(kind).with_source(Arc::clone(&error)));
    }
}

/// Below `most`, different each time, so that two processes do not try in step.
fn chance(most: u64) -> u64 {
    RandomState::new().hash_one(0) % most
}
