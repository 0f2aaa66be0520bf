//! The configuration: everything a request needs to know, checked before the first one.

use std::{fmt, sync::Arc, time::Duration};

use dewar_signing::{TimestampSigner, payload::Compression};

use crate::{
    backend::Backend,
    clock::Clock,
    cookie::{CookieAttributes, CookieConfigError, Grammar},
    event::{Event, Events},
    lifetime::Lifetime,
    weak_keys::WeakKey,
};

/// A configuration that contradicts itself or is not safe. Each message names the value, the rule
/// and the cure.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The attributes of the cookie contradict each other.
    #[error(transparent)]
    Cookie(#[from] CookieConfigError),
    /// The keys do not make a ring.
    #[error(transparent)]
    Keys(#[from] dewar_signing::ConfigError),
    /// A size that the cookie's name and attributes use up alone.
    #[error(
        "max_cookie_size({limit}) leaves no room for a session: the cookie's name and attributes \
         alone take {least} bytes, give at least a few hundred, or 0 for no limit"
    )]
    CookieSizeTooSmall {
        /// The limit that was asked for, in bytes.
        limit: usize,
        /// What name and attributes take, in bytes.
        least: usize,
    },
    /// Browsers keep no cookie longer than 400 days.
    #[error(
        "a permanent lifetime of {days} days is longer than browsers keep a cookie: \
         at most 400 days"
    )]
    LifetimeTooLong {
        /// The lifetime that was asked for, in whole days.
        days: u64,
    },
    /// An idle timeout that is zero, or longer than the absolute one.
    #[error(
        "an idle timeout of {idle_s} s needs to be at least 1 s and at most the absolute \
         timeout of {absolute_s} s: call {option} with such a time"
    )]
    IdleTimeout {
        /// The method of the builder that sets it.
        option: &'static str,
        /// The idle timeout, in whole seconds.
        idle_s: u64,
        /// The absolute timeout, in whole seconds.
        absolute_s: u64,
    },
    /// A pause that is none, or that nobody would wait for.
    #[error("breaker with a pause of {pause:?}: it must be longer than zero and at most a minute")]
    BreakerPause {
        /// The first pause.
        pause: Duration,
    },
    /// The environment variable with the key holds bytes that are no text.
    #[error("the environment variable {name} is not text: export {name}=\"$(dewar secret)\"")]
    KeyNotText {
        /// The name of the variable.
        name: String,
    },
    /// The environment variable with the key is not set.
    #[error("the environment variable {name} is not set: export {name}=\"$(dewar secret)\"")]
    NoKeyInEnvironment {
        /// The name of the variable.
        name: String,
    },
    /// What can hardly be the name of an environment variable. It is not shown: it may be the key.
    #[error("the key is wanted by the name of its environment variable, such as SECRET_KEY")]
    NoVariableName,
    /// An option of server mode, for sessions in a cookie.
    #[error(
        "`{option}` is an option of sessions on the server: \
         begin with `SessionLayer::server(key, store)`"
    )]
    ServerModeOnly {
        /// The name of the option.
        option: &'static str,
    },
    /// An option of sessions that are shared with Flask-Session, for others.
    #[error(
        "`{option}` is an option of sessions shared with Flask-Session: \
         begin with `SessionLayer::flask_session(key, store)`"
    )]
    FlaskSessionOnly {
        /// The name of the option.
        option: &'static str,
    },
    /// Times of server mode that do not fit into each other.
    #[error(
        "call_timeout of {call_timeout:?}, commit_deadline of {commit_deadline:?} and \
         marker_lifetime of {marker:?}: each must be at least as long as the one before it, and \
         the first longer than zero"
    )]
    ServerTimes {
        /// How long a call of the store may take.
        call_timeout: Duration,
        /// How long a commit may take.
        commit_deadline: Duration,
        /// How long markers and tombstones stay.
        marker: Duration,
    },
    /// A store whose promises need more time than a call has.
    #[error(
        "call_timeout of {call_timeout:?}, and the store may take {needed:?} until it says whether a \
         write is confirmed: call call_timeout with at least that time, or let the store give up sooner"
    )]
    CallTimeout {
        /// How long a call of the store may take.
        call_timeout: Duration,
        /// How long the store may take.
        needed: Duration,
    },
    /// A limit for the sessions of a user, in a store that does not know whose a session is.
    #[error(
        "max_sessions_per_user of {limit}, and the store keeps no list of a user's sessions: \
         take a store that is a `UserIndex`"
    )]
    UsersUnknown {
        /// How many a user may have.
        limit: usize,
    },
    /// A secret key that others know or can guess.
    #[error(transparent)]
    WeakKey(WeakKey),
    /// A fallback key that others know or can guess: it still opens sessions.
    #[error("fallback key {number}: {weakness}")]
    WeakFallbackKey {
        /// Which one, counted from 1 in the order given.
        number: usize,
        /// What is wrong with it.
        weakness: WeakKey,
    },
}

/// The message: it is what a `main` that returns the error, or an `unwrap`, shows the programmer.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which rules decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Default,
    Flask,
}

/// Everything a request needs to know. Built once, shared by all requests.
pub(crate) struct Config {
    pub(crate) profile: Profile,
    pub(crate) backend: Backend,
    pub(crate) cookie: CookieAttributes,
    pub(crate) grammar: Grammar,
    pub(crate) signer: TimestampSigner,
    pub(crate) compression: Compression,
    pub(crate) session: Lifetime,
    pub(crate) permanent: Lifetime,
    pub(crate) rolling: bool,
    /// 0 switches the check off.
    pub(crate) max_cookie_size: usize,
    pub(crate) back_date_s: u64,
    pub(crate) max_skew_s: u64,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Events,
}

impl Config {
    /// Tells everybody who listens; builds the event only if somebody does.
    pub(crate) fn emit<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        self.events.emit(event);
    }

    pub(crate) fn lifetime(&self, permanent: bool) -> &Lifetime {
        if permanent { &self.permanent } else { &self.session }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("profile", &self.profile)
            .field("cookie", &self.cookie)
            .finish_non_exhaustive()
    }
}
