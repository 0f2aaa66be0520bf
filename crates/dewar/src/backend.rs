//! Where the contents live, and how a store is asked.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use dewar_signing::Signer;

use crate::{
    event::{Event, Events},
    id::{OsRandom, Random, SessionId, StoreKey},
    plan::Mode,
    queue::Queue,
    store::{BoxStore, StoreError, StoreErrorKind, WriteId},
};

/// Where the contents live.
#[derive(Debug)]
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
        }
    }
}

/// Everything that server mode needs.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) options: ServerOptions,
    /// Signs the id: a forged one costs no store call.
    pub(crate) signer: Signer,
    pub(crate) queue: Queue,
}

impl Server {
    pub(crate) fn store(&self) -> &BoxStore {
        &self.options.store
    }

    /// Asks the store, for no longer than the deadline of a call.
    pub(crate) async fn call<T>(
        &self,
        events: &Events,
        operation: &'static str,
        key: &StoreKey,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let started = events.listens().then(Instant::now);
        let answer = tokio::time::timeout(self.options.call_timeout, call).await;
        let answer = answer.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::TimedOut)));
        if let Some(started) = started {
            let (took, error) = (started.elapsed(), answer.as_ref().err());
            events.emit(|| Event::StoreCall { operation, session: *key, took, error });
        }
        answer
    }

    pub(crate) fn marker_ms(&self) -> u64 {
        u64::try_from(self.options.marker.as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn new_id(&self) -> Result<SessionId, StoreError> {
        SessionId::random(&*self.options.random).map_err(StoreError::unavailable)
    }

    pub(crate) fn new_write(&self) -> Result<WriteId, StoreError> {
        let mut bytes = [0; 8];
        self.options.random.fill(&mut bytes).map_err(StoreError::unavailable)?;
        Ok(WriteId::new(u64::from_be_bytes(bytes)))
    }

    /// The text of the cookie: the id and its signature.
    pub(crate) fn token(&self, id: &SessionId) -> String {
        let token = self.signer.sign(id.to_text().as_bytes());
        String::from_utf8(token).expect("base64url and the separator are ASCII")
    }
}
