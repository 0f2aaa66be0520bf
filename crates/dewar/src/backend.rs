//! Where the contents live.

use std::{future::Future, sync::Arc, time::Duration};

use dewar_signing::{BadToken, Signer};

use crate::{
    breaker::Limits,
    calls::Calls,
    clock::millis,
    event::Events,
    id::{KeyForm, OsRandom, Random, SessionId, StoreKey},
    outage::OnOutage,
    plan::Mode,
    queue::Queue,
    store::{Answered, BoxStore, StoreError, WriteId},
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
        Calls::new(self.call_timeout, self.breaker)
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
    pub(crate) async fn call<T: Answered>(
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
