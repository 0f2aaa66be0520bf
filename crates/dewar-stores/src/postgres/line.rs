//! A connection that comes back.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use dewar::store::StoreError;
use tokio::{sync::watch, task::JoinHandle, time::sleep};

use super::{error::OpenError, open::Options, reach::Carrier, session::Session};

/// What lasted less, and answered nothing, was no success: there is a pause before the next attempt.
const LASTED: Duration = Duration::from_secs(1);

/// How it is with a line just now.
enum State {
    /// It was up, or never tried: an attempt is under way, and worth waiting for.
    Connecting,
    Up(Arc<Session>),
    /// The last attempt failed. The next one comes.
    Down(Arc<OpenError>),
}

/// One of the store's connections. Dropping it cuts the connection.
pub(super) struct Line {
    state: watch::Receiver<State>,
    keeper: JoinHandle<()>,
}

impl Line {
    /// A line whose first connection is `opened`, if any; must be called in a runtime.
    pub(super) fn start(options: Arc<Options>, opened: Option<(Session, Carrier)>) -> Self {
        let (sender, state) = watch::channel(State::Connecting);
        Self { state, keeper: tokio::spawn(keep(options, sender, opened)) }
    }

    /// The session, if there is one at this moment.
    pub(super) fn session(&self) -> Option<Arc<Session>> {
        match &*self.state.borrow() {
            State::Up(session) if !session.is_closed() => Some(Arc::clone(session)),
            _ => None,
        }
    }

    /// The session, as soon as the attempt that is under way has ended.
    ///
    /// # Errors
    /// `Unavailable`, if it failed; nothing was sent.
    pub(super) async fn session_soon(&self) -> Result<Arc<Session>, StoreError> {
        let mut state = self.state.clone();
        let is_known = |state: &State| match state {
            State::Connecting => false,
            State::Up(session) => !session.is_closed(),
            State::Down(_) => true,
        };
        match state.wait_for(is_known).await.as_deref() {
            Ok(State::Up(session)) => Ok(Arc::clone(session)),
            Ok(State::Down(error)) => Err(StoreError::unavailable(Arc::clone(error))),
            Ok(State::Connecting) | Err(_) => Err(StoreError::unavailable(
                "the tokio runtime in which the Postgres store was opened has ended",
            )),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Keeps a line up, for ever.
async fn keep(
    options: Arc<Options>,
    state: watch::Sender<State>,
    mut opened: Option<(Session, Carrier)>,
) {
    let mut pauses = Pauses::new();
    let mut again = false;
    loop {
        let attempt = match opened.take() {
            Some(opened) => Ok(opened),
            None => Session::open(&options, again).await,
        };
        match attempt {
            Ok((session, carrier)) => {
                let (session, start) = (Arc::new(session), Instant::now());
                state.send_replace(State::Up(Arc::clone(&session)));
                session.carry(carrier, options.answer_timeout).await;
                state.send_replace(State::Connecting);
                again = start.elapsed() < LASTED && !session.has_served();
                if again {
                    pauses.pause().await;
                } else {
                    pauses = Pauses::new();
                }
            }
            Err(error) => {
                state.send_replace(State::Down(Arc::new(error)));
                again = true;
                pauses.pause().await;
            }
        }
    }
}

/// Pauses between attempts: 50 ms, then twice as long each time, up to a second; by chance up to half
/// of that less, so that the nodes do not come all at once.
struct Pauses {
    next: Duration,
}

impl Pauses {
    const fn new() -> Self {
        Self { next: Duration::from_millis(50) }
    }

    async fn pause(&mut self) {
        let half = self.next / 2;
        // The standard library's maps are seeded by chance.
        let chance = RandomState::new().hash_one(0) % 1000;
        let more = half * u32::try_from(chance).unwrap_or(0) / 1000;
        self.next = (self.next * 2).min(Duration::from_secs(1));
        sleep(half + more).await;
    }
}
