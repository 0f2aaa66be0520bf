//! How a store is asked: how long it may take, when it is left alone, and when it is asked again.

use std::{
    future::{Future, poll_fn},
    hash::{BuildHasher, RandomState},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use crate::{
    breaker::{Breaker, Change, Heard, Limits, Turn},
    event::{Event, Events},
    id::StoreKey,
    store::{Answered, StoreError, StoreErrorKind},
};

/// A call that was given up counts for the breaker after this part of the time that it may take. One
/// that is answered takes much less; one that is given up sooner says nothing about the store.
const GIVEN_UP: u32 = 4;

/// How a store is asked: each call has a deadline, and one that gives no answer is left alone for a
/// moment. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    timeout: Duration,
    breaker: Arc<Breaker>,
}

impl Calls {
    pub(crate) fn new(timeout: Duration, breaker: Limits) -> Self {
        Self { timeout, breaker: Arc::new(Breaker::new(breaker)) }
    }

    /// How long a call may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Asks the store, for no longer than the deadline of a call. A marker that names its own key is no
    /// answer: the session lives in another store, and only there it can be read, written or ended.
    pub(crate) async fn call<T: Answered>(
        &self,
        events: &Events,
        operation: &'static str,
        key: &StoreKey,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let turn = Some(self.breaker.turn()?);
        let mut asking = Asking { calls: self, events, turn, waits_since: None };
        let started = events.listens().then(Instant::now);
        let waits = || asking.waits_since = Some(tokio::time::Instant::now());
        let answer = within_noting(self.timeout, call, waits).await;
        let answer = answer.unwrap_or_else(|| Err(StoreError::new(StoreErrorKind::TimedOut)));
        let answer = answer.and_then(|answer| match answer.moved() {
            Some(moved) if moved.to == *key => Err(StoreError::carried_over()),
            _ => Ok(answer),
        });
        let heard = Heard::of(&answer);
        if let Some(started) = started {
            let (took, error) = (started.elapsed(), answer.as_ref().err());
            events.emit(|| Event::StoreCall { operation, session: *key, took, error });
        }
        asking.over(heard);
        answer
    }
}

/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// Waits before a call is repeated: longer after each attempt, and never as long as anybody else.
pub(crate) async fn pause(attempt: u32) {
    let longest = MAX_PAUSE.min(Duration::from_millis(5) * 2_u32.saturating_pow(attempt));
    // Hashing by random keys is chance enough.
    let chance = RandomState::new().hash_one(attempt) % 1000;
    Box::pin(tokio::time::sleep(longest.mul_f64(0.5 + chance as f64 / 2000.0))).await;
}

/// A call under way. Its caller may go away: then it is dropped.
struct Asking<'c> {
    calls: &'c Calls,
    events: &'c Events,
    /// `None` when it is over.
    turn: Option<Turn<'c>>,
    /// `None` if the answer was there at once.
    waits_since: Option<tokio::time::Instant>,
}

impl Asking<'_> {
    fn over(&mut self, heard: Heard) {
        match self.turn.take().map_or(Change::None, |turn| turn.over(heard)) {
            Change::None => {}
            Change::Opened { pause } => self.events.emit(|| Event::StoreRests { pause }),
            Change::Closed => self.events.emit(|| Event::StoreAnswers),
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let given_up = |since: tokio::time::Instant| {
            self.turn.is_some() && since.elapsed() >= self.calls.timeout / GIVEN_UP
        };
        // A listener is called here, and its panic would be a second one.
        if !std::thread::panicking() && self.waits_since.is_some_and(given_up) {
            self.over(Heard::GivenUp);
        }
    }
}

/// Waits for an answer no longer than this, counted from the moment when it has to wait. One that is
/// there at once needs no timer, nor a runtime that has one.
///
/// tokio lets a task do so much at one go; then whatever of it is polled says that it must wait, the
/// answer and the timer too. So the clock is looked at beside the timer, or a busy task would never
/// hear it. And what is pending when the time is over is asked once more, at the task's next go: it
/// may be the task that was busy, and not the store that was silent.
pub(crate) fn within<T>(
    most: Duration,
    answer: impl Future<Output = T>,
) -> impl Future<Output = Option<T>> {
    within_noting(most, answer, || {})
}

/// The same, and calls `waits` when it has to wait.
async fn within_noting<T>(
    most: Duration,
    answer: impl Future<Output = T>,
    waits: impl FnOnce(),
) -> Option<T> {
    let (mut answer, mut timer, mut is_late) = (pin!(answer), None, false);
    let mut waits = Some(waits);
    poll_fn(|cx| {
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        if is_late {
            return Poll::Ready(None);
        }
        if let Some(waits) = waits.take() {
            waits();
        }
        // Boxed, so that a call that needs none does not carry the room for one.
        let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(most)));
        let rings = timer.as_mut().poll(cx).is_ready();
        is_late = rings || timer.deadline() <= tokio::time::Instant::now();
        if is_late {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests;
