//! The options of a session layer: each with its unit, its default and Flask's name for it.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use super::SessionLayerBuilder;
use crate::{
    backend::{Ids, ServerOptions},
    breaker::Limits,
    clock::Clock,
    config::{ConfigError, Profile},
    cookie::{CookieAttributesBuilder, SameSite},
    event::{Event, Events},
    id::Random,
    lifetime::Lifetime,
    outage::OnOutage,
    user::{Cap, WhenFull},
};

impl SessionLayerBuilder {
    /// The name of the cookie. Default: `session`.
    ///
    /// `__Host-session` lets browsers guard it against sibling domains.
    ///
    /// # Flask
    /// `SESSION_COOKIE_NAME`
    pub fn cookie_name(self, name: impl Into<String>) -> Self {
        self.cookie(|cookie| cookie.name(name))
    }

    /// The host, and all hosts below it, that receive the cookie. Default: the very host that set
    /// it, and no other.
    ///
    /// # Flask
    /// `SESSION_COOKIE_DOMAIN`
    pub fn domain(self, domain: impl Into<String>) -> Self {
        self.cookie(|cookie| cookie.domain(domain.into()))
    }

    /// The path, and all paths below it, that receive the cookie. Default: `/`.
    ///
    /// # Flask
    /// `SESSION_COOKIE_PATH`, or else `APPLICATION_ROOT`
    pub fn path(self, path: impl Into<String>) -> Self {
        self.cookie(|cookie| cookie.path(path.into()))
    }

    /// Whether the cookie travels over TLS only. Default: true; in the `flask` profile false.
    ///
    /// # Flask
    /// `SESSION_COOKIE_SECURE`
    pub fn secure(self, secure: bool) -> Self {
        self.cookie(|cookie| cookie.secure(secure))
    }

    /// Whether scripts cannot read the cookie. Default: true.
    ///
    /// # Flask
    /// `SESSION_COOKIE_HTTPONLY`
    pub fn http_only(self, http_only: bool) -> Self {
        self.cookie(|cookie| cookie.http_only(http_only))
    }

    /// Which requests from other sites carry the cookie. Default: [`SameSite::Lax`]; in the
    /// `flask` profile the attribute is not sent.
    ///
    /// # Flask
    /// `SESSION_COOKIE_SAMESITE`
    pub fn same_site(self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.cookie(|cookie| cookie.same_site(same_site))
    }

    /// Whether each embedding site gets a jar of its own (CHIPS). Default: false.
    ///
    /// # Flask
    /// `SESSION_COOKIE_PARTITIONED`
    pub fn partitioned(self, partitioned: bool) -> Self {
        self.cookie(|cookie| cookie.partitioned(partitioned))
    }

    /// Lets a name such as `__Host-id` through although the attributes break its promise.
    ///
    /// # Security
    /// Browsers drop such a cookie. Only for proving parity with Flask, which does not look.
    pub fn insecure_accept_prefix_violations(self) -> Self {
        self.cookie(CookieAttributesBuilder::insecure_accept_prefix_violations)
    }

    /// Sends the cookie without TLS, for development on this machine. Default: off.
    ///
    /// # Security
    /// Only for servers that listen on a loopback address: everybody on the way can read the
    /// cookie.
    pub fn loopback_development(self) -> Self {
        self.secure(false)
    }

    /// The longest gap between two uses of a session. Default: 2 hours.
    ///
    /// Longer means that a forgotten browser stays logged in longer. The `flask` profile has
    /// [`permanent_lifetime`](Self::permanent_lifetime) alone.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.session.idle = timeout;
        self
    }

    /// The longest life of a session since its creation, never extended. Default: 7 days.
    pub fn absolute_timeout(mut self, timeout: Duration) -> Self {
        self.session.absolute = Some(timeout);
        self
    }

    /// The longest gap between two uses of a permanent session. Default: 31 days, as Flask.
    pub fn permanent_idle_timeout(mut self, timeout: Duration) -> Self {
        self.permanent.idle = timeout;
        self
    }

    /// The longest life of a permanent session since its creation. Default: 90 days.
    pub fn permanent_absolute_timeout(mut self, timeout: Duration) -> Self {
        self.permanent.absolute = Some(timeout);
        self
    }

    /// Flask's one lifetime, from the last signing: how long any cookie is accepted, and when a
    /// permanent one expires in the browser. Default in the `flask` profile: 31 days.
    ///
    /// # Flask
    /// `PERMANENT_SESSION_LIFETIME`
    pub fn permanent_lifetime(mut self, lifetime: Duration) -> Self {
        self.permanent = Lifetime { idle: lifetime, absolute: self.permanent.absolute };
        if self.profile == Profile::Flask || self.is_flask_session() {
            self.session = self.permanent;
        }
        self
    }

    /// Whether use keeps a session alive: the cookie is signed anew once a quarter of the idle
    /// timeout has passed. Default: true.
    ///
    /// The `flask` profile does so on every request of a permanent session, opened or not.
    ///
    /// # Flask
    /// `SESSION_REFRESH_EACH_REQUEST`
    pub fn rolling(self, rolling: bool) -> Self {
        Self { rolling, ..self }
    }

    /// How many bytes the whole cookie may have: name, value and attributes. Default: 4093, as
    /// Flask; 0 switches the check off.
    ///
    /// Browsers ignore larger ones. A session beyond it is refused at commit; the `flask` profile
    /// sends it and raises an event.
    ///
    /// # Flask
    /// `MAX_COOKIE_SIZE`
    pub fn max_cookie_size(self, bytes: usize) -> Self {
        Self { max_cookie_size: bytes, ..self }
    }

    /// Signs with a time in the past, in whole seconds. Default: 0.
    ///
    /// Flask refuses a cookie that was signed one second in its future: beside Flask servers
    /// whose clocks may be behind, 2 seconds are advised.
    pub fn back_date(self, by: Duration) -> Self {
        Self { back_date: by, ..self }
    }

    /// How far the clocks of the machines may differ, in whole seconds. Default: 5; in the `flask`
    /// profile 0, as Flask.
    ///
    /// A cookie that was signed this far in the future is still accepted; it lives no longer.
    pub fn max_skew(self, skew: Duration) -> Self {
        Self { max_skew: skew, ..self }
    }

    /// How long an id that was rotated away still routes the changes of late requests, and how long
    /// a logout is remembered. Default: 10 minutes. Server mode alone.
    ///
    /// At least the longest request, plus what clocks differ, plus what a replica lags behind.
    pub fn marker_lifetime(self, lifetime: Duration) -> Self {
        self.on_server("marker_lifetime", |server| server.marker = lifetime)
    }

    /// How long one call of the store may take. Default: 2 seconds. Server mode alone.
    ///
    /// A request that opens a session waits no longer, and is answered "503 Service Unavailable". A store
    /// that [needs more time](crate::store::Store::answers_within) for what it promises is refused.
    pub fn call_timeout(self, timeout: Duration) -> Self {
        self.on_server("call_timeout", |server| server.call_timeout = timeout)
    }

    /// How long a commit may take, repetitions and waiting included. Default: 5 seconds. Server
    /// mode alone.
    ///
    /// An exhausted deadline is a "503 Service Unavailable", never a silent overwrite.
    pub fn commit_deadline(self, deadline: Duration) -> Self {
        self.on_server("commit_deadline", |server| server.commit_deadline = deadline)
    }

    /// How large one session may be, in bytes. Default: 64 KiB; 0 for no limit. Server mode alone.
    pub fn max_session_size(self, bytes: usize) -> Self {
        self.on_server("max_session_size", |server| server.max_session_size = bytes)
    }

    /// How many sessions a user may have at once, and what happens when he logs in once more.
    /// Default: no limit. Server mode alone; the store must know users.
    ///
    /// However many log in at the same moment, exactly so many stay. It costs a login one look at
    /// each of the user's sessions.
    pub fn max_sessions_per_user(self, limit: NonZeroUsize, when_full: WhenFull) -> Self {
        let cap = Cap { limit, when_full };
        self.on_server("max_sessions_per_user", |server| server.cap = Some(cap))
    }

    /// After how many calls in a row without an answer the store is left alone, and for how long at
    /// first: then every call fails at once, until one that tries is answered. Default: 5 calls,
    /// 1 second; 0 for never. Server mode alone.
    ///
    /// Whatever the store itself says is an answer, be it that it is full. A call whose caller goes
    /// away, as a proxy does that has less patience, counts as one without an answer if it had waited
    /// for a quarter of [`call_timeout`](Self::call_timeout), so half a second; sooner, it says nothing.
    ///
    /// While the call that tries waits in vain for its whole time, each further pause is twice as long,
    /// up to eight times the first. A store that is seen at once to be away costs nobody time, and is
    /// tried after each first pause.
    pub fn breaker(self, failures: u32, pause: Duration) -> Self {
        self.on_server("breaker", |server| server.breaker = Limits { failures, pause })
    }

    /// What happens to requests when the store gives no answer, where a route says nothing else.
    /// Default: [`OnOutage::Refuse`]. Server mode alone.
    pub fn on_outage(self, on_outage: OnOutage) -> Self {
        self.on_server("on_outage", |server| server.on_outage = on_outage)
    }

    /// The source of random ids. Default: [`OsRandom`](crate::OsRandom). Server mode alone.
    pub fn random(self, random: impl Random) -> Self {
        self.on_server("random", |server| server.random = Arc::new(random))
    }

    /// The clock that tells the time. Default: [`SystemClock`](crate::SystemClock).
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Calls `listener` for every [`Event`], on the request's own task: it should not block.
    pub fn on_event(self, listener: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        Self { events: Events(Some(Arc::new(listener))), ..self }
    }

    /// Takes any secret key but an empty one, even one that is printed in a tutorial.
    ///
    /// # Security
    /// Whoever knows the key writes any session he likes. For test harnesses alone.
    pub fn insecure_accept_weak_key(self) -> Self {
        Self { accept_weak_key: true, ..self }
    }

    /// Whether ids carry Flask-Session's signature, made with the newest key. Default: no, as there.
    /// Sessions shared with Flask-Session alone.
    ///
    /// # Flask-Session
    /// `SESSION_USE_SIGNER`
    pub fn use_signer(mut self, signed: bool) -> Self {
        match &mut self.server {
            Some(server) if server.ids != Ids::Dewar => server.ids = Ids::FlaskSession { signed },
            _ => self.misplaced = Some(ConfigError::FlaskSessionOnly { option: "use_signer" }),
        }
        self
    }

    fn is_flask_session(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.ids != Ids::Dewar)
    }

    fn cookie(
        self,
        change: impl FnOnce(CookieAttributesBuilder) -> CookieAttributesBuilder,
    ) -> Self {
        Self { cookie: change(self.cookie), ..self }
    }

    fn on_server(mut self, option: &'static str, change: impl FnOnce(&mut ServerOptions)) -> Self {
        match &mut self.server {
            Some(server) => change(server),
            None => self.misplaced = Some(ConfigError::ServerModeOnly { option }),
        }
        self
    }
}
