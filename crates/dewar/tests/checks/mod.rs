//! One door to the crate for all tests: an app, a request, a reply.
//!
//! A [`Machine`] puts sessions around routes. The checks below take any machine, so that
//! `sabotage.rs` can run them on broken ones and see them fail. Each check collects what it finds
//! wrong, with the id of the case.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of the door")]
#![allow(clippy::needless_pass_by_value, reason = "what a test compares is mostly a temporary")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

pub mod cookies;
pub mod flash;
pub mod flow;
pub mod golden;
pub mod random;
pub mod reject;
pub mod save_session;
pub mod session_cookie;
pub mod tamper;

use std::sync::{Arc, Mutex};

use axum::{Router, body::Body, response::Response, routing::get};
use dewar::{ConfigError, Dict, Session, SessionLayer, SessionLayerBuilder, Verdict};
use http::{HeaderMap, HeaderValue, Request, header};
use serde_json::Value as Json;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// 2023-11-14 22:13:20 UTC, when the golden cases were made.
pub const NOW: u64 = 1_700_000_000;

/// A key that no gate objects to.
pub const KEY: &str = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";

/// Puts sessions around routes. A saboteur overrides the one method.
pub trait Machine {
    fn app(&self, sessions: SessionLayerBuilder, routes: Router) -> Result<Router, ConfigError> {
        Ok(routes.layer(sessions.build()?))
    }
}

/// The crate itself.
pub struct Real;

impl Machine for Real {}

/// `Ok`, or what is wrong, one line each.
pub type Check = Result<(), String>;

/// What a check finds wrong.
#[derive(Default)]
pub struct Complaints(Vec<String>);

impl Complaints {
    pub fn ensure(&mut self, holds: bool, complaint: impl FnOnce() -> String) {
        if !holds {
            self.0.push(complaint());
        }
    }

    pub fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, expected: T) {
        self.ensure(found == expected, || format!("{what}: {found:?}, expected {expected:?}"));
    }

    pub fn verdict(self) -> Check {
        if self.0.is_empty() {
            return Ok(());
        }
        let more = self.0.len().saturating_sub(20);
        let shown = self.0.into_iter().take(20).collect::<Vec<_>>().join("\n");
        Err(if more == 0 { shown } else { format!("{shown}\n… and {more} more") })
    }
}

/// The `flask` profile with the keys of the golden cases, which are published.
pub fn flask(keys: impl Into<dewar::KeyRing>) -> SessionLayerBuilder {
    SessionLayer::flask(keys).insecure_accept_weak_key()
}

/// The default profile.
pub fn signed() -> SessionLayerBuilder {
    SessionLayer::signed_cookie(KEY)
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    /// All lines of one header.
    pub fn all(&self, name: header::HeaderName) -> Vec<String> {
        self.headers.get_all(name).iter().map(text_of).collect()
    }

    pub fn set_cookies(&self) -> Vec<String> {
        self.all(header::SET_COOKIE)
    }

    /// The `Set-Cookie` line of the session cookie.
    pub fn session_cookie(&self) -> Option<String> {
        self.set_cookies().into_iter().rfind(|line| line.starts_with("session="))
    }

    /// The token of the session cookie; empty for a removal.
    pub fn token(&self) -> Option<String> {
        self.session_cookie().map(|line| cookies::token(&line).to_owned())
    }

    /// `Vary` and `Set-Cookie`, in order.
    pub fn session_headers(&self) -> Vec<(String, String)> {
        let ours = |name: &&header::HeaderName| [header::VARY, header::SET_COOKIE].contains(name);
        let mut headers = Vec::new();
        for name in self.headers.keys().filter(ours) {
            let shown = if *name == header::VARY { "Vary" } else { "Set-Cookie" };
            headers.extend(self.all(name.clone()).into_iter().map(|line| (shown.into(), line)));
        }
        headers
    }
}

fn text_of(value: &HeaderValue) -> String {
    value.to_str().expect("visible text").to_owned()
}

thread_local! {
    static RUNTIME: Runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
}

/// Sends any request.
pub fn send(app: &Router, request: Request<Body>) -> Reply {
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let response: Response = app.clone().oneshot(request).await.expect("never fails");
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.expect("a short body");
            let body = String::from_utf8(body.into()).expect("text");
            Reply { status: parts.status.as_u16(), headers: parts.headers, body }
        })
    })
}

/// `GET path` with the whole text of a `Cookie` header.
pub fn visit(app: &Router, path: &str, cookie: Option<&str>) -> Reply {
    let mut request = Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    send(app, request.body(Body::empty()).expect("a sound request"))
}

/// A browser that knows one cookie: it keeps what it is told and sends it back.
#[derive(Default)]
pub struct Jar {
    cookie: Option<String>,
}

impl Jar {
    pub fn visit(&mut self, app: &Router, path: &str) -> Reply {
        let reply = visit(app, path, self.cookie.as_deref());
        if let Some(line) = reply.set_cookies().last() {
            let pair = line.split(';').next().unwrap_or_default();
            self.cookie = (!line.contains("; Max-Age=0")).then(|| pair.to_owned());
        }
        reply
    }

    /// What it would send.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }
}

/// What the last handler found: verdict and contents.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Option<(Verdict, Dict)>>>);

impl Seen {
    pub fn note(&self, session: &Session) {
        *self.0.lock().expect("no test panics here") = Some((session.verdict(), session.to_dict()));
    }

    pub fn take(&self) -> Option<(Verdict, Dict)> {
        self.0.lock().expect("no test panics here").take()
    }

    /// A router whose `/` notes what it finds and changes nothing.
    pub fn router(&self) -> Router {
        let seen = self.clone();
        Router::new().route(
            "/",
            get(move |session: Session| async move {
                seen.note(&session);
            }),
        )
    }
}

pub fn text(json: &Json) -> &str {
    json.as_str().expect("text")
}

pub fn id(case: &Json) -> &str {
    text(&case["id"])
}
