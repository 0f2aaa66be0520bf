//! A history of requests, as their clients saw it.

pub(crate) mod clients;
pub(crate) mod judge;

use serde_json::Value as Json;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Begins a session.
    Login,
    /// Sets a key that no other request sets.
    Set(String),
    Incr,
    /// Appends a text that no other request appends.
    Push(String),
    Read,
    Rotate,
    Logout,
    Dump,
}

/// One request and its answer. Times are nanoseconds of one clock.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) session: usize,
    pub(crate) process: usize,
    pub(crate) op: Op,
    /// The cookie that was sent.
    pub(crate) token: String,
    /// When it was sent, and when its answer was there.
    pub(crate) from: u128,
    pub(crate) to: u128,
    pub(crate) status: u16,
    /// The cookie that was set; empty if it was removed.
    pub(crate) cookie: Option<String>,
    pub(crate) body: String,
}

impl Event {
    /// Whether it was over when the other began.
    pub(crate) fn before(&self, other: &Self) -> bool {
        self.to < other.from
    }

    /// The cookie that a browser would send from now on.
    pub(crate) fn new_token(&self) -> Option<&str> {
        self.cookie.as_deref().filter(|cookie| !cookie.is_empty())
    }

    /// What a dump showed.
    pub(crate) fn contents(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}
