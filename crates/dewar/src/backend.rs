//! Where the contents live, and how a store is asked.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use dewar_signing::{BadToken, Signer};

use crate::{
    breaker::{Breaker, Change, Heard, Limits, Turn},
    clock::millis,
    event::{Event, Events},
    id::{KeyForm, OsRandom, Random, SessionId, StoreKey},
    outage::OnOutage,
    plan::Mode,
    queue::Queue,
    store::{BoxStore, StoreError, StoreErrorKind, WriteId},
    user::Cap,
    verdict::Verdict,
    write_ids::WriteIds,
};

/// Where the contents live.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "an application has one")]
pub(crate) enum Backend {
    /// In the token.
    Cookie,
    /// In a store, under the hash of the id in the token.
    Server(Server),
}

impl Backend {
    pub(crate) fn mode(&self) -> Mode {
        match self {
            Self::Cookie => Mode::Cookie,
            Self::Server(_) => Mode::Server,
        }
    }
}

/// What server mode lets the application choose.
#[derive(Clone, Debug)]
pub(crate) struct ServerOptions {
    pub(crate) store: BoxStore,
    pub(crate) random: Arc<dyn Random>,
    /// How long markers route and tombstones stay.
    pub(crate) marker: Duration,
    pub(crate) call_timeout: Duration,
    pub(crate) commit_deadline: Duration,
    /// The largest record, in bytes; 0 for no limit.
    pub(crate) max_session_size: usize,
    /// How many sessions a user may have.
    pub(crate) cap: Option<Cap>,
    pub(crate) breaker: Limits,
    pub(crate) on_outage: OnOutage,
    pub(crate) ids: Ids,
}

/// How ids travel, and what the store knows a session by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Signed, and hashed for the store.
    Dewar,
    /// As Flask-Session has them, in the cookie and in the store.
    FlaskSession { signed: bool },
}

impl ServerOptions {
    pub(crate) fn new(store: BoxStore) -> Self {
        Self {
            store,
            random: Arc::new(OsRandom),
            marker: Duration::from_secs(10 * 60),
            call_timeout: Duration::from_secs(2),
            commit_deadline: Duration::from_secs(5),
            max_session_size: 64 * 1024,
            cap: None,
            breaker: Limits { failures: 5, pause: Duration::from_secs(1) },
            on_outage: OnOutage::Refuse,
            ids: Ids::Dewar,
        }
    }

    pub(crate) fn calls(&self) -> Calls {
        Calls { timeout: self.call_timeout, breaker: Arc::new(Breaker::new(self.breaker)) }
    }
}

/// Everything that server mode needs.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) options: ServerOptions,
    /// Signs the id: a forged one costs no store call. `None` where Flask-Session does not.
    pub(crate) signer: Option<Signer>,
    pub(crate) queue: Queue,
    pub(crate) calls: Calls,
    pub(crate) writes: WriteIds,
}

impl Server {
    pub(crate) fn store(&self) -> &BoxStore {
        &self.options.store
    }

    /// Asks the store once: see [`Calls`].
    pub(crate) async fn call<T>(
        &self,
        events: &Events,
        operation: &'static str,
        key: &StoreKey,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.calls.call(events, operation, key, call).await
    }

    pub(crate) fn marker_ms(&self) -> u64 {
        millis(self.options.marker)
    }

    pub(crate) fn new_id(&self) -> Result<SessionId, StoreError> {
        SessionId::random(&*self.options.random, self.key_form()).map_err(StoreError::unavailable)
    }

    /// A name for a write made at `now_ms`.
    pub(crate) fn new_write(&self, now_ms: u64) -> Result<WriteId, StoreError> {
        self.writes.next(&*self.options.random, now_ms).map_err(StoreError::unavailable)
    }

    fn key_form(&self) -> KeyForm {
        match self.options.ids {
            Ids::Dewar => KeyForm::Hash,
            Ids::FlaskSession { .. } => KeyForm::Id,
        }
    }

    /// The text of the cookie: the id, and its signature if there is one.
    pub(crate) fn token(&self, id: &SessionId) -> String {
        let Some(signer) = &self.signer else { return id.to_text() };
        let token = signer.sign(id.to_text().as_bytes());
        String::from_utf8(token).expect("base64url and the separator are ASCII")
    }

    /// The id in a cookie, and the verdict if it opens a session.
    pub(crate) fn read(&self, token: &[u8]) -> Result<(SessionId, Verdict), NoId> {
        let (text, opened_by) = match &self.signer {
            None => (token, Verdict::OpenedUnsigned),
            Some(signer) => {
                let verified = signer.verify(token).map_err(NoId::BadToken)?;
                let (key, newest) = (verified.key, verified.newest);
                (verified.value, Verdict::Opened { key, newest })
            }
        };
        match SessionId::parse(text, self.key_form()) {
            Some(id) => Ok((id, opened_by)),
            None if self.options.ids != Ids::Dewar && is_longer_or_shorter(text) => {
                Err(NoId::Verdict(Verdict::OtherIdLength { characters: text.len() }))
            }
            None => Err(NoId::Verdict(Verdict::Malformed)),
        }
    }
}

/// Why a cookie holds no id.
pub(crate) enum NoId {
    BadToken(BadToken),
    Verdict(Verdict),
}

/// Whether it may be an id of Flask-Session, of another `SESSION_ID_LENGTH`.
fn is_longer_or_shorter(text: &[u8]) -> bool {
    let is_id = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    text.len() != SessionId::TEXT_BYTES
        && (11..=342).contains(&text.len())
        && text.iter().all(is_id)
}

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
    /// Asks the store, for no longer than the deadline of a call.
    pub(crate) async fn call<T>(
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
        let heard = Heard::of(&answer);
        if let Some(started) = started {
            let (took, error) = (started.elapsed(), answer.as_ref().err());
            events.emit(|| Event::StoreCall { operation, session: *key, took, error });
        }
        asking.over(heard);
        answer
    }
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
