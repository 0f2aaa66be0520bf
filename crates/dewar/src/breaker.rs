//! A store that does not answer is left alone for a moment, so that no request waits for it.
//!
//! ```text
//! closed ──so many calls in a row without an answer──▶ open ──pause over──▶ one call tries
//!    ▲                                                  ▲                        │
//!    └──────────────────── it was answered ─────────────┼────────────────────────┤
//!                                                       └─────── it was not ─────┘
//! ```

use std::{
    hash::{BuildHasher, RandomState},
    sync::PoisonError,
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    store::{StoreError, StoreErrorKind},
    sync::loomed::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

/// The longest pause, in first ones.
const LONGEST: u32 = 8;

/// When it opens, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// After so many calls in a row without an answer; 0 for never.
    pub(crate) failures: u32,
    /// The first pause. While whoever tries has to wait in vain, each further one is twice as long, up
    /// to eight times.
    pub(crate) pause: Duration,
}

/// One for each store of a process.
///
/// The two atomics are changed under the lock alone. Whoever reads them without it may see what was,
/// so nothing but the way past the lock is decided by them.
#[derive(Debug)]
pub(crate) struct Breaker {
    limits: Limits,
    /// Whether `state` is anything but sound.
    is_troubled: AtomicBool,
    /// Counts the openings and closings: what began before the last one says nothing about now.
    generation: AtomicU32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In a row, while it is closed.
    failures: u32,
    /// While it is open.
    rest: Option<Rest>,
}

#[derive(Debug)]
struct Rest {
    until: Instant,
    pause: Duration,
    /// A call is under way that tries whether the store answers again.
    probing: bool,
}

/// What was heard of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It answered, be it with an error of its own.
    Answer,
    /// It cannot be reached, or the answer was lost. Whoever asked had not to wait for that.
    NoAnswer,
    /// It was waited for as long as a call may take.
    TimedOut,
    /// Whoever asked went away, after more time than an answer takes.
    GivenUp,
    /// It cannot be told whether all of it answered: nothing follows.
    Unclear,
}

/// What became of the breaker by an answer, or by the lack of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Opened { pause: Duration },
    Closed,
}

/// The right to ask the store once. Dropping it says that nobody waits for the answer any more, and
/// that nothing follows from that.
#[derive(Debug)]
pub(crate) struct Turn<'b> {
    breaker: &'b Breaker,
    probes: bool,
    generation: u32,
    is_over: bool,
}

impl Breaker {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            is_troubled: AtomicBool::new(false),
            generation: AtomicU32::new(0),
            state: Mutex::new(State::default()),
        }
    }

    /// Asks for a turn. While the store answers this reads two atomics and takes no lock.
    ///
    /// # Errors
    /// While it rests: with the time that is left.
    pub(crate) fn turn(&self) -> Result<Turn<'_>, StoreError> {
        self.turn_at(Instant::now)
    }

    fn turn_at(&self, now: impl FnOnce() -> Instant) -> Result<Turn<'_>, StoreError> {
        if !self.is_troubled.load(Ordering::Relaxed) {
            return Ok(self.a_turn(false));
        }
        let mut state = self.lock();
        let Some(rest) = &mut state.rest else { return Ok(self.a_turn(false)) };
        let left = rest.until.saturating_duration_since(now());
        if rest.probing || !left.is_zero() {
            return Err(StoreError::resting(left.max(Duration::from_millis(1))));
        }
        rest.probing = true;
        Ok(self.a_turn(true))
    }

    fn a_turn(&self, probes: bool) -> Turn<'_> {
        let generation = self.generation.load(Ordering::Relaxed);
        Turn { breaker: self, probes, generation, is_over: false }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, state: &mut State, pause: Duration, now: Instant) -> Change {
        // Nodes that lost the store at the same moment do not all come back in the same one.
        let chance = RandomState::new().hash_one(state.failures) % 1000;
        let rests = pause.mul_f64(0.75 + chance as f64 / 2000.0);
        let rest = Rest { until: now + rests, pause, probing: false };
        *state = State { failures: 0, rest: Some(rest) };
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.is_troubled.store(true, Ordering::Relaxed);
        Change::Opened { pause: rests }
    }

    fn close(&self, state: &mut State) {
        *state = State::default();
        self.is_troubled.store(false, Ordering::Relaxed);
    }

    /// The pause after one in which the store was tried in vain.
    ///
    /// Whoever tries a store that hangs waits as long as a call may take, so fewer and fewer do. One
    /// that refuses at once costs nobody time, and is soon seen to be back.
    fn next_pause(&self, pause: Duration, heard: Heard) -> Duration {
        let first = self.limits.pause;
        match heard {
            Heard::TimedOut => (pause * 2).min(first * LONGEST),
            Heard::GivenUp => pause,
            Heard::NoAnswer | Heard::Answer | Heard::Unclear => first,
        }
    }
}

impl Turn<'_> {
    /// Says what was heard of the store.
    pub(crate) fn over(self, heard: Heard) -> Change {
        self.over_at(heard, Instant::now)
    }

    fn over_at(mut self, heard: Heard, now: impl FnOnce() -> Instant) -> Change {
        if heard == Heard::Unclear {
            return Change::None; // dropped, it lets the next one try
        }
        self.is_over = true;
        let breaker = self.breaker;
        let sound = heard == Heard::Answer && !breaker.is_troubled.load(Ordering::Relaxed);
        if sound || breaker.limits.failures == 0 {
            return Change::None;
        }
        let mut state = breaker.lock();
        // Calls that began before it opened end one after the other: they change nothing more.
        if self.generation != breaker.generation.load(Ordering::Relaxed) {
            return Change::None;
        }
        match (&state.rest, heard) {
            (None, Heard::Answer) => {
                breaker.close(&mut state);
                Change::None
            }
            (None, _) => {
                state.failures = state.failures.saturating_add(1);
                breaker.is_troubled.store(true, Ordering::Relaxed);
                if state.failures < breaker.limits.failures {
                    return Change::None;
                }
                breaker.open(&mut state, breaker.limits.pause, now())
            }
            // It went past the lock just when it opened.
            (Some(_), _) if !self.probes => Change::None,
            (Some(_), Heard::Answer) => {
                breaker.generation.fetch_add(1, Ordering::Relaxed);
                breaker.close(&mut state);
                Change::Closed
            }
            (Some(rest), _) => {
                let pause = breaker.next_pause(rest.pause, heard);
                breaker.open(&mut state, pause, now())
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.probes && !self.is_over {
            if let Some(rest) = &mut self.breaker.lock().rest {
                rest.probing = false;
            }
        }
    }
}

impl Heard {
    /// What the store says itself is an answer, be it that it will not or cannot now. That a write was
    /// not confirmed is said of replicas that are silent, and also when the master is.
    pub(crate) fn of<T>(answer: &Result<T, StoreError>) -> Self {
        match answer.as_ref().map_err(StoreError::kind) {
            Err(StoreErrorKind::TimedOut) => Self::TimedOut,
            Err(StoreErrorKind::OutcomeUnknown | StoreErrorKind::Unavailable) => Self::NoAnswer,
            Err(StoreErrorKind::NotReplicated) => Self::Unclear,
            Ok(_) | Err(_) => Self::Answer,
        }
    }
}

#[cfg(all(test, dewar_models))]
mod models;
#[cfg(test)]
mod tests;
