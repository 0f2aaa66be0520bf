//! A store that does not answer is left alone for a moment, so that no request waits for it.
//!
//! ```text
//! closed ──so many calls in a row without an answer──▶ open ──pause over──▶ one call tries
//!    ▲                                                  ▲                        │
//!    └──────────────────── it was answered ─────────────┼────────────────────────┤
//!                                                       └─ it was not: a longer ─┘
//! ```

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::store::{StoreError, StoreErrorKind};

/// The longest pause, in first ones.
const LONGEST: u32 = 8;

/// When it opens, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// After so many calls in a row without an answer; 0 for never.
    pub(crate) failures: u32,
    /// The first pause; each further one is twice as long, up to eight times.
    pub(crate) pause: Duration,
}

/// One for each store of a process.
#[derive(Debug)]
pub(crate) struct Breaker {
    limits: Limits,
    /// In a row.
    failures: AtomicU32,
    is_open: AtomicBool,
    /// Counts the openings and closings: what began before the last one says nothing about now.
    generation: AtomicU32,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    until: Instant,
    pause: Duration,
    /// A call is under way that tries whether the store answers again.
    probing: bool,
}

/// What became of the breaker by an answer, or by the lack of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Opened { pause: Duration },
    Closed,
}

/// The right to ask the store once. Dropping it says that nobody waits for the answer any more.
#[derive(Debug)]
pub(crate) struct Turn<'b> {
    breaker: &'b Breaker,
    probes: bool,
    generation: u32,
}

impl Breaker {
    pub(crate) fn new(limits: Limits) -> Self {
        let open = Open { until: Instant::now(), pause: limits.pause, probing: false };
        Self {
            limits,
            failures: AtomicU32::new(0),
            is_open: AtomicBool::new(false),
            generation: AtomicU32::new(0),
            open: Mutex::new(open),
        }
    }

    /// Asks for a turn. While the store answers this reads two atomics and takes no lock.
    ///
    /// # Errors
    /// While it rests: with the time that is left.
    pub(crate) fn turn(&self) -> Result<Turn<'_>, StoreError> {
        let generation = self.generation.load(Ordering::Relaxed);
        if !self.is_open.load(Ordering::Relaxed) {
            return Ok(Turn { breaker: self, probes: false, generation });
        }
        let mut open = self.lock();
        let left = open.until.saturating_duration_since(Instant::now());
        if open.probing || !left.is_zero() {
            return Err(StoreError::resting(left.max(Duration::from_millis(1))));
        }
        open.probing = true;
        Ok(Turn { breaker: self, probes: true, generation })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rest(&self, open: &mut Open, pause: Duration) -> Change {
        // Nodes that lost the store at the same moment do not all come back in the same one.
        let chance = RandomState::new().hash_one(self.failures.load(Ordering::Relaxed)) % 1000;
        let until = pause.mul_f64(0.75 + chance as f64 / 2000.0);
        *open = Open { until: Instant::now() + until, pause, probing: false };
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.is_open.store(true, Ordering::Relaxed);
        Change::Opened { pause: until }
    }
}

impl Turn<'_> {
    /// The store answered, be it with an error of its own; or it did not.
    pub(crate) fn over<T>(self, answer: &Result<T, StoreError>) -> Change {
        let Self { breaker, probes, generation } = self;
        let answered = !answer.as_ref().is_err_and(is_silence);
        if probes {
            let mut open = breaker.lock();
            if answered {
                open.probing = false;
                breaker.failures.store(0, Ordering::Relaxed);
                breaker.generation.fetch_add(1, Ordering::Relaxed);
                breaker.is_open.store(false, Ordering::Relaxed);
                return Change::Closed;
            }
            let longest = breaker.limits.pause * LONGEST;
            let longer = (open.pause * 2).min(longest);
            return breaker.rest(&mut open, longer);
        }
        if generation != breaker.generation.load(Ordering::Relaxed) {
            return Change::None;
        }
        if answered {
            if breaker.failures.load(Ordering::Relaxed) != 0 {
                breaker.failures.store(0, Ordering::Relaxed);
            }
            return Change::None;
        }
        let failures = breaker.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let limit = breaker.limits.failures;
        let mut open = breaker.lock();
        // Calls that began before it opened end one after the other: they change nothing more.
        if limit == 0 || failures < limit || breaker.is_open.load(Ordering::Relaxed) {
            return Change::None;
        }
        breaker.rest(&mut open, breaker.limits.pause)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.probes {
            self.breaker.lock().probing = false;
        }
    }
}

/// Whether the store said nothing. What it says of one record, or of its room, is an answer.
fn is_silence(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::OutcomeUnknown | StoreErrorKind::TimedOut | StoreErrorKind::Unavailable
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { failures: 3, pause: Duration::from_secs(1) };

    fn silence() -> Result<(), StoreError> {
        Err(StoreError::new(StoreErrorKind::TimedOut))
    }

    fn call(breaker: &Breaker, answer: &Result<(), StoreError>) -> Option<Change> {
        breaker.turn().ok().map(|turn| turn.over(answer))
    }

    fn opened(breaker: &Breaker) {
        for _ in 0..LIMITS.failures {
            call(breaker, &silence());
        }
        assert!(breaker.turn().is_err(), "it rests");
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_so_many_in_a_row_and_not_before() {
        let breaker = Breaker::new(LIMITS);
        for answer in [&silence(), &silence(), &Ok(()), &silence(), &silence()] {
            assert_eq!(call(&breaker, answer), Some(Change::None));
        }
        assert!(matches!(call(&breaker, &silence()), Some(Change::Opened { .. })));
        let resting = breaker.turn().unwrap_err();
        assert_eq!(resting.kind(), StoreErrorKind::Resting);
        let left = resting.retry_after().expect("it says when to come back");
        assert!(left >= Duration::from_millis(700) && left <= Duration::from_millis(1300));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_of_one_record_is_an_answer() {
        let breaker = Breaker::new(LIMITS);
        for kind in [StoreErrorKind::Corrupt, StoreErrorKind::Full, StoreErrorKind::NotReplicated] {
            for _ in 0..10 {
                assert_eq!(call(&breaker, &Err(StoreError::new(kind))), Some(Change::None));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_pause_one_call_tries_and_its_answer_closes() {
        let breaker = Breaker::new(LIMITS);
        opened(&breaker);
        tokio::time::advance(Duration::from_secs(2)).await;
        let probe = breaker.turn().expect("one may try");
        assert!(breaker.turn().is_err(), "and no other beside it");
        assert_eq!(probe.over(&Ok(())), Change::Closed);
        assert_eq!(call(&breaker, &silence()), Some(Change::None), "it counts from nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn each_pause_is_longer_up_to_eight_times_the_first() {
        let breaker = Breaker::new(LIMITS);
        opened(&breaker);
        for times in [2, 4, 8, 8] {
            tokio::time::advance(Duration::from_secs(20)).await;
            let Some(Change::Opened { pause }) = call(&breaker, &silence()) else { panic!("open") };
            let (least, most) = (LIMITS.pause.mul_f64(0.75), LIMITS.pause.mul_f64(1.25));
            assert!(pause >= least * times && pause <= most * times, "{pause:?}, {times} times");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_that_was_given_up_leaves_the_next_one_free() {
        let breaker = Breaker::new(LIMITS);
        opened(&breaker);
        tokio::time::advance(Duration::from_secs(2)).await;
        drop(breaker.turn().expect("one may try"));
        assert!(breaker.turn().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_began_before_it_opened_change_nothing_more() {
        let breaker = Breaker::new(LIMITS);
        let turns: Vec<_> = (0..10).map(|_| breaker.turn().expect("closed")).collect();
        let changes: Vec<_> = turns.into_iter().map(|turn| turn.over(&silence())).collect();
        let opened = changes.iter().filter(|change| **change != Change::None);
        assert_eq!(opened.count(), 1, "{changes:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_began_before_it_opened_do_not_open_it_again_once_it_is_closed() {
        let breaker = Breaker::new(LIMITS);
        let slow: Vec<_> = (0..10).map(|_| breaker.turn().expect("closed")).collect();
        opened(&breaker);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(breaker.turn().expect("one may try").over(&Ok(())), Change::Closed);
        for turn in slow {
            assert_eq!(turn.over(&silence()), Change::None);
        }
        assert!(breaker.turn().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn zero_means_never() {
        let breaker = Breaker::new(Limits { failures: 0, ..LIMITS });
        for _ in 0..100 {
            assert_eq!(call(&breaker, &silence()), Some(Change::None));
        }
    }
}
