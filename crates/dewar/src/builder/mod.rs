//! The builder: the defaults, and what must fit together.
//!
//! The options are in [`options`].

mod options;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use dewar_signing::{
    Digest, KeyDerivation, KeyRing, Signer, TimestampSigner, payload::Compression,
};

use crate::{
    backend::{Backend, Ids, Server, ServerOptions},
    clock::{Clock, SystemClock},
    config::{Config, ConfigError, Profile},
    cookie::{CookieAttributes, CookieAttributesBuilder, Grammar},
    event::Events,
    layer::SessionLayer,
    lifetime::Lifetime,
    queue::Queue,
    store::{BoxStore, Store},
    user::Cap,
    weak_keys::{self, WeakKey},
    write_ids::WriteIds,
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// From this length on the default profile tries to compress. A shorter cookie travels in the first
/// packet of its request anyway, so the bytes saved buy no time, and trying costs more than
/// everything else that a request does with its session.
const COMPRESSED_BYTES: usize = 512;

/// Flask's salt: it keeps session cookies apart from other tokens of the same key.
const SALT: &str = "cookie-session";

/// The salt of signed session ids: one is no session cookie, and the reverse.
const ID_SALT: &str = "dewar.session-id";

/// Flask-Session's salt for ids.
const FLASK_SESSION_SALT: &str = "flask-session";

/// Builds a [`SessionLayer`]; the last call of an option counts.
///
/// Begin with [`SessionLayer::server`] or [`SessionLayer::signed_cookie`] (safe defaults), or with
/// [`SessionLayer::flask`] (exact parity).
#[must_use]
pub struct SessionLayerBuilder {
    keys: KeyRing,
    profile: Profile,
    /// `None` for sessions in a cookie.
    server: Option<ServerOptions>,
    /// An option of server mode that was set without it.
    misplaced: Option<ConfigError>,
    cookie: CookieAttributesBuilder,
    session: Lifetime,
    permanent: Lifetime,
    rolling: bool,
    max_cookie_size: usize,
    back_date: Duration,
    max_skew: Duration,
    clock: Arc<dyn Clock>,
    events: Events,
    accept_weak_key: bool,
}

impl SessionLayerBuilder {
    pub(crate) fn signed_cookie(keys: KeyRing) -> Self {
        Self {
            keys,
            profile: Profile::Default,
            server: None,
            misplaced: None,
            cookie: CookieAttributes::builder("session"),
            session: Lifetime { idle: 120 * MINUTE, absolute: Some(7 * DAY) },
            permanent: Lifetime { idle: 31 * DAY, absolute: Some(90 * DAY) },
            rolling: true,
            max_cookie_size: 4093,
            back_date: Duration::ZERO,
            max_skew: Duration::from_secs(5),
            clock: Arc::new(SystemClock),
            events: Events::default(),
            accept_weak_key: false,
        }
    }

    pub(crate) fn server(keys: KeyRing, store: BoxStore) -> Self {
        Self { server: Some(ServerOptions::new(store)), ..Self::signed_cookie(keys) }
    }

    pub(crate) fn flask_session(keys: KeyRing, store: BoxStore) -> Self {
        // Flask-Session knows one lifetime: its store forgets so long after the last write.
        let lifetime = Lifetime { idle: 31 * DAY, absolute: None };
        let ids = Ids::FlaskSession { signed: false };
        Self {
            server: Some(ServerOptions { ids, ..ServerOptions::new(store) }),
            session: lifetime,
            permanent: lifetime,
            ..Self::signed_cookie(keys)
        }
    }

    pub(crate) fn flask(keys: KeyRing) -> Self {
        // Flask knows one limit, and measures it from the last signing for every session.
        let lifetime = Lifetime { idle: 31 * DAY, absolute: None };
        Self {
            profile: Profile::Flask,
            cookie: CookieAttributes::flask_builder("session"),
            session: lifetime,
            permanent: lifetime,
            max_skew: Duration::ZERO,
            ..Self::signed_cookie(keys)
        }
    }

    /// Checks everything and builds the layer.
    ///
    /// # Errors
    /// The first contradiction or weakness found; its text names the cure.
    pub fn build(self) -> Result<SessionLayer, ConfigError> {
        let cookie = self.cookie.clone().build()?;
        if let Some(misplaced) = self.misplaced {
            return Err(misplaced);
        }
        if self.keys.newest().as_bytes().is_empty() {
            return Err(ConfigError::WeakKey(WeakKey::Missing));
        }
        if !self.accept_weak_key {
            self.refuse_weak_keys(cookie.name())?;
        }
        if self.profile == Profile::Default {
            self.check_lifetimes()?;
            self.check_size(&cookie)?;
        } else {
            self.announce_flask(&cookie);
        }
        if let Some(options) = &self.server {
            check_times(options)?;
            check_users(options)?;
            if options.ids != Ids::Dewar {
                announce_flask_session();
            }
        }
        let backend = match self.server {
            None => Backend::Cookie,
            Some(options) => Backend::Server(Server {
                calls: options.calls(),
                signer: id_signer(options.ids, &self.keys)?,
                options,
                queue: Queue::default(),
                writes: WriteIds::default(),
            }),
        };
        let signer = TimestampSigner::builder(self.keys)
            .salt(SALT)
            .key_derivation(KeyDerivation::Hmac)
            .digest(Digest::Sha1)
            .build_timestamp()?;
        Ok(SessionLayer::new(Config {
            profile: self.profile,
            backend,
            cookie,
            grammar: match self.profile {
                Profile::Default => Grammar::Rfc6265,
                Profile::Flask => Grammar::Werkzeug,
            },
            signer,
            compression: match self.profile {
                Profile::Default => Compression::WhenLong(COMPRESSED_BYTES),
                Profile::Flask => Compression::WhenSmaller,
            },
            session: self.session,
            permanent: self.permanent,
            rolling: self.rolling,
            max_cookie_size: self.max_cookie_size,
            back_date_s: self.back_date.as_secs(),
            max_skew_s: self.max_skew.as_secs(),
            clock: self.clock,
            events: self.events,
        }))
    }

    fn refuse_weak_keys(&self, cookie_name: &str) -> Result<(), ConfigError> {
        let fallbacks = self.keys.len() - 1;
        for (i, key) in self.keys.iter().enumerate() {
            let newest = (i < fallbacks).then(|| self.keys.newest().as_bytes());
            let known: [(&'static str, &[u8]); 3] = [
                ("the salt", SALT.as_bytes()),
                ("the cookie's name", cookie_name.as_bytes()),
                ("the newest key", newest.unwrap_or_default()),
            ];
            match weak_keys::examine_beside(key.as_bytes(), &known) {
                Err(weakness) if i == fallbacks => return Err(ConfigError::WeakKey(weakness)),
                Err(weakness) => {
                    return Err(ConfigError::WeakFallbackKey { number: i + 1, weakness });
                }
                Ok(()) => {
                    if let Some(advice) = weak_keys::advise(key.as_bytes()) {
                        tracing::warn!(target: "dewar", key = %key.id(), "{advice}");
                    }
                }
            }
        }
        Ok(())
    }

    fn check_lifetimes(&self) -> Result<(), ConfigError> {
        let lifetimes =
            [("idle_timeout", self.session), ("permanent_idle_timeout", self.permanent)];
        for (option, Lifetime { idle, absolute }) in lifetimes {
            let absolute = absolute.unwrap_or(Duration::MAX);
            if idle.as_secs() == 0 || idle > absolute {
                let (idle_s, absolute_s) = (idle.as_secs(), absolute.as_secs());
                return Err(ConfigError::IdleTimeout { option, idle_s, absolute_s });
            }
        }
        if self.permanent.idle > 400 * DAY {
            let days = self.permanent.idle.as_secs() / DAY.as_secs();
            return Err(ConfigError::LifetimeTooLong { days });
        }
        Ok(())
    }

    /// A limit that every session would exceed. Flask takes it, and sends each cookie with a
    /// warning; so does its profile.
    fn check_size(&self, cookie: &CookieAttributes) -> Result<(), ConfigError> {
        let (limit, least) = (self.max_cookie_size, cookie.set("").expires(UNIX_EPOCH).size());
        if limit > 0 && limit <= least {
            return Err(ConfigError::CookieSizeTooSmall { limit, least });
        }
        Ok(())
    }

    /// Parity means giving up protections: that is said once, where an operator sees it.
    fn announce_flask(&self, cookie: &CookieAttributes) {
        tracing::warn!(
            target: "dewar",
            secure = cookie.secure(),
            "the flask profile gives up protections (SameSite and Secure unless set, idle and \
             absolute timeouts, caution with two session cookies)"
        );
    }
}

/// What signs an id, if anything does.
fn id_signer(ids: Ids, keys: &KeyRing) -> Result<Option<Signer>, ConfigError> {
    let (keys, salt, digest) = match ids {
        Ids::Dewar => (keys.clone(), ID_SALT, Digest::Sha256),
        Ids::FlaskSession { signed: false } => return Ok(None),
        // It knows no fallbacks.
        Ids::FlaskSession { signed: true } => {
            (KeyRing::new(keys.newest().clone()), FLASK_SESSION_SALT, Digest::Sha1)
        }
    };
    let signer = Signer::builder(keys).salt(salt).key_derivation(KeyDerivation::Hmac);
    Ok(Some(signer.digest(digest).build()?))
}

/// What two libraries that write one record cannot promise is said once, where an operator sees it.
fn announce_flask_session() {
    tracing::warn!(
        target: "dewar",
        "sessions are shared with Flask-Session: each of its requests writes the whole session, and so \
         can overwrite what is written here meanwhile, even a logout"
    );
}

/// A call is part of a commit, and a marker must outlast it.
fn check_times(options: &ServerOptions) -> Result<(), ConfigError> {
    let ServerOptions { call_timeout, commit_deadline, marker, breaker, .. } = *options;
    if breaker.failures > 0 && (breaker.pause.is_zero() || breaker.pause > MINUTE) {
        return Err(ConfigError::BreakerPause { pause: breaker.pause });
    }
    if call_timeout.is_zero() || call_timeout > commit_deadline || commit_deadline > marker {
        return Err(ConfigError::ServerTimes { call_timeout, commit_deadline, marker });
    }
    match options.store.answers_within() {
        Some(needed) if needed > call_timeout => {
            Err(ConfigError::CallTimeout { call_timeout, needed })
        }
        _ => Ok(()),
    }
}

/// Only a store that finds a user's sessions can count them.
fn check_users(options: &ServerOptions) -> Result<(), ConfigError> {
    match options.cap {
        Some(Cap { limit, .. }) if !options.store.knows_users() => {
            Err(ConfigError::UsersUnknown { limit: limit.get() })
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for SessionLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayerBuilder")
            .field("profile", &self.profile)
            .field("keys", &self.keys)
            .field("cookie", &self.cookie)
            .finish_non_exhaustive()
    }
}
