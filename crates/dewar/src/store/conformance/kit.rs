//! The examination with its knobs.

use std::{
    any::Any,
    fmt,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    task::Poll,
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    cases::{self, Case},
    chance::Chance,
    executor::{Client, block_on},
    report::{CaseReport, Report},
    subject::{Finding, Spawn, Subject},
};
use crate::store::{Scan, Store, Sweep, UserIndex};

/// The examination with its knobs; [`check`](super::check) leaves them all as they are.
///
/// ```
/// use dewar::store::{MemoryStore, conformance::Kit};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let kit = Kit::new(|| async { MemoryStore::new() })
///     .seed(7)
///     .rounds(20)
///     .spawn(|client| drop(tokio::spawn(client)));
/// kit.check().await.assert_passed();
/// # }
/// ```
pub struct Kit<F> {
    make: F,
    seed: u64,
    rounds: usize,
    spawn: Spawn,
}

impl<F> Kit<F> {
    /// A kit that examines the stores which `make` gives.
    pub fn new(make: F) -> Self {
        Self {
            make,
            seed: random_seed(),
            rounds: 300,
            spawn: Arc::new(|client| drop(thread::spawn(move || block_on(client)))),
        }
    }

    /// Repeats a run: the report prints its seed. Keys follow from it too, so a database must be
    /// emptied before.
    ///
    /// Default: by chance.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How often each race is run.
    ///
    /// Default: 300. Fewer make the kit quicker on a slow store, and less sure.
    #[must_use]
    pub fn rounds(self, rounds: usize) -> Self {
        Self { rounds: rounds.max(1), ..self }
    }

    /// Where the clients of a race run: hand each to your runtime, for a store that works nowhere
    /// else.
    ///
    /// Default: each on a thread of its own.
    #[must_use]
    pub fn spawn(self, spawn: impl Fn(Client) + Send + Sync + 'static) -> Self {
        Self { spawn: Arc::new(spawn), ..self }
    }

    /// Examines a store: every rule of the contract.
    pub async fn check<S, Made>(&self) -> Report
    where
        S: Store,
        F: Fn() -> Made,
        Made: Future<Output = S>,
    {
        self.run(cases::of_every_store()).await
    }

    /// Examines how a store forgets: every rule of [`Sweep`].
    pub async fn check_sweep<S, Made>(&self) -> Report
    where
        S: Sweep,
        F: Fn() -> Made,
        Made: Future<Output = S>,
    {
        self.run(cases::of_a_store_that_sweeps()).await
    }

    /// Examines how a store finds the sessions of a user: every rule of [`UserIndex`].
    pub async fn check_users<S, Made>(&self) -> Report
    where
        S: UserIndex,
        F: Fn() -> Made,
        Made: Future<Output = S>,
    {
        self.run(cases::of_a_store_that_knows_users()).await
    }

    /// Examines how a store shows everything: every rule of [`Scan`].
    ///
    /// The store must hold nothing else.
    pub async fn check_scan<S, Made>(&self) -> Report
    where
        S: Scan,
        F: Fn() -> Made,
        Made: Future<Output = S>,
    {
        self.run(cases::of_a_store_that_scans()).await
    }

    async fn run<S, Made>(&self, cases: Vec<Case<S>>) -> Report
    where
        S: Store,
        F: Fn() -> Made,
        Made: Future<Output = S>,
    {
        let start = Instant::now();
        let mut chance = Chance(self.seed);
        let mut reports = Vec::with_capacity(cases.len());
        for case in cases {
            let subject = Subject {
                store: Arc::new((self.make)().await),
                now_ms: now_ms(),
                rounds: self.rounds,
                chance: Mutex::new(Chance(chance.number())),
                spawn: self.spawn.clone(),
            };
            let failure = unless_it_panics((case.run)(Arc::new(subject))).await.err();
            reports.push(CaseReport { name: case.name, failure });
        }
        Report { cases: reports, seed: self.seed, took: start.elapsed() }
    }
}

impl<F> fmt::Debug for Kit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kit = f.debug_struct("Kit");
        kit.field("seed", &self.seed).field("rounds", &self.rounds).finish_non_exhaustive()
    }
}

fn random_seed() -> u64 {
    // Without chance the kit still works: each run is then the same.
    getrandom::u64().unwrap_or_default()
}

/// The machine's clock, because a store may forget by it.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// One store that panics must not hide what else is wrong with it.
async fn unless_it_panics(mut case: Client<Finding>) -> Finding {
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| case.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(format!("panicked: {}", message(&*panic)))))
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
