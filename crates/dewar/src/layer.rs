//! tower's first half: the layer that puts sessions around a router.

use std::{sync::Arc, time::Duration};

use dewar_signing::KeyRing;
use tower_layer::Layer;

use crate::{
    backend::Backend,
    builder::SessionLayerBuilder,
    config::Config,
    event::{EndedBy, Event},
    service::SessionService,
    store::{InterchangeStore, Store, keep_telling},
    users::UserSessions,
};

/// Gives every handler below it a session. Clones share one configuration.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";
/// use dewar::SessionLayer;
///
/// let sessions = SessionLayer::signed_cookie(key).loopback_development().build()?;
/// let app: axum::Router = axum::Router::new().layer(sessions);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SessionLayer {
    pub(crate) config: Arc<Config>,
}

impl SessionLayer {
    /// Sessions in a signed cookie, in Flask's format, with safe defaults.
    ///
    /// # Security
    /// Everybody who holds the cookie can *read* it, an old copy stays valid until it expires, and
    /// of two overlapping requests the last response wins. Keep nothing secret in it.
    ///
    /// # Flask
    /// `SecureCookieSessionInterface`, with `Secure`, `SameSite=Lax`, an idle timeout of 2 hours
    /// and an absolute one of 7 days. A Flask application with the same key reads these cookies
    /// and writes cookies that are read here.
    pub fn signed_cookie(keys: impl Into<KeyRing>) -> SessionLayerBuilder {
        SessionLayerBuilder::signed_cookie(keys.into())
    }

    /// Sessions on the server: the cookie carries a random id, the store has the contents.
    ///
    /// No write is lost: overlapping requests that change different keys all land, counters kept
    /// with [`incr`](crate::Session::incr) and lists kept with [`push`](crate::Session::push) add
    /// up exactly. No logout is undone: a finished one is never revived by a slower request.
    ///
    /// It runs within tokio, whose timer bounds every call of the store.
    pub fn server(keys: impl Into<KeyRing>, store: impl Store) -> SessionLayerBuilder {
        SessionLayerBuilder::server(keys.into(), store.boxed())
    }

    /// Sessions in a signed cookie exactly as Flask keeps them: when a cookie is set, refreshed
    /// and removed, with which attributes, and in which order of headers.
    ///
    /// # Security
    /// It gives up what Flask does not have: `Secure` and `SameSite` unless set, and any limit for
    /// a session that is used again and again. A warning says so when it is built.
    ///
    /// # Flask
    /// The defaults of Flask 3.1. On purpose it differs in one thing: nested changes are saved.
    pub fn flask(keys: impl Into<KeyRing>) -> SessionLayerBuilder {
        SessionLayerBuilder::flask(keys.into())
    }

    /// Sessions shared live with an application that uses Flask-Session 0.8: the same cookie, the same
    /// records. Each side sees the other's logins, changes and logouts.
    ///
    /// The store is one of `dewar_stores::flask_session`. Lifetimes are Flask-Session's: 31 days from
    /// the last use, for every session, and no absolute limit.
    ///
    /// # Security
    /// - Among requests served here no write is lost and no logout undone. **A request of
    ///   Flask-Session writes the whole session over whatever is there**: it can undo a change made
    ///   here meanwhile, and even a logout. A warning says so when it is built.
    /// - The store holds the ids themselves, so whoever reads it opens any session.
    ///
    /// # Flask-Session
    /// The defaults of Flask-Session 0.8, with `Secure` and `SameSite=Lax`. `SESSION_ID_LENGTH` must be
    /// 32. See [`use_signer`](SessionLayerBuilder::use_signer) and
    /// [`permanent_lifetime`](SessionLayerBuilder::permanent_lifetime).
    pub fn flask_session(
        keys: impl Into<KeyRing>,
        store: impl InterchangeStore,
    ) -> SessionLayerBuilder {
        SessionLayerBuilder::flask_session(keys.into(), store.boxed())
    }

    /// The sessions of users: to list them, and to end them. `None` in cookie mode, and if the store
    /// does not know users.
    pub fn user_sessions(&self) -> Option<UserSessions> {
        match &self.config.backend {
            Backend::Server(server) if server.store().knows_users() => {
                Some(UserSessions::of_layer(&self.config, server))
            }
            _ => None,
        }
    }

    /// Lets the store forget what has expired, once every `every`, for ever: spawn it beside the
    /// server. Each session that ends so raises
    /// [`Event::SessionEnded`](crate::Event::SessionEnded), on one of all nodes.
    ///
    /// Nothing is to be done in cookie mode, nor in a store that forgets by itself: it ends at once.
    pub async fn keep_swept(&self, every: Duration) {
        let Backend::Server(server) = &self.config.backend else { return };
        if server.store().sweeps() {
            keep_telling(server.store(), &*self.config.clock, every, |session| {
                if session.is_session() {
                    self.config.emit(|| Event::SessionEnded { session, by: EndedBy::Expired });
                }
            })
            .await;
        }
    }

    pub(crate) fn new(config: Config) -> Self {
        Self { config: Arc::new(config) }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        SessionService::new(inner, Arc::clone(&self.config))
    }
}
