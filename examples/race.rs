//! Race: pages that overlap on purpose, to see what a session loses. On the server, nothing.
//!
//! Each page opens its session, waits `ms` milliseconds, and then does its work. Two headers of its
//! answer say when, in Unix microseconds: [`OPENED`], as soon as the session was open, and
//! [`WORKED`], after the handler and before anything is saved. So whoever asks for several pages at
//! once can tell whether they overlapped.
//!
//! ```sh
//! dewar demo race &
//! curl -c jar localhost:5000/login
//! for k in a b c; do curl -b jar "localhost:5000/set?k=$k&ms=500" & done; wait
//! curl -b jar localhost:5000/dump                 # {"a":1,"b":1,"c":1,"user":"ada"}
//! ```

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::{FromRequestParts, Query, Request},
    http::request::Parts,
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use dewar::{Session, SessionLayer, SessionRejection, Value, ValueError, store::MemoryStore};
use dewar_examples::failure::Failure;
use serde::Deserialize;
use tokio::{net::TcpListener, time::sleep};

/// The header with the moment at which the session was open.
pub const OPENED: &str = "opened";
/// The header with the moment at which the handler was done, and nothing yet saved.
pub const WORKED: &str = "worked";

/// The program, without the layer that gives it sessions.
pub fn app() -> Router {
    Router::new()
        .route("/login", get(login))
        .route("/set", get(set))
        .route("/incr", get(incr))
        .route("/push", get(push))
        .route("/read", get(read))
        .route("/rotate", get(rotate))
        .route("/logout", get(logout))
        .route("/dump", get(dump))
        .route("/plain", get(async || "no session here\n"))
        .layer(from_fn(tell_when))
}

/// When the session of a request was open.
#[derive(Clone, Default)]
struct Opened(Arc<OnceLock<u64>>);

async fn tell_when(mut request: Request, next: Next) -> Response {
    let opened = Opened::default();
    request.extensions_mut().insert(opened.clone());
    let mut response = next.run(request).await;
    if let Some(opened) = opened.0.get() {
        response.headers_mut().insert(OPENED, (*opened).into());
        response.headers_mut().insert(WORKED, unix_micros().into());
    }
    response
}

fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[derive(Deserialize)]
#[serde(default)]
struct Asked {
    /// The key.
    k: String,
    /// The value.
    v: String,
    /// How long to wait between opening the session and working on it.
    ms: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Self { k: "k".into(), v: "v".into(), ms: 0 }
    }
}

/// A session that was opened a while ago.
struct Overlapping(Session);

impl<S: Send + Sync> FromRequestParts<S> for Overlapping {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, SessionRejection> {
        let session = <Session as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        if let Some(opened) = parts.extensions.get::<Opened>() {
            let _ = opened.0.set(unix_micros());
        }
        let asked = Query::<Asked>::try_from_uri(&parts.uri).unwrap_or_default();
        sleep(Duration::from_millis(asked.ms)).await;
        Ok(Self(session))
    }
}

async fn login(session: Session) -> &'static str {
    session.set("user", "ada");
    "logged in\n"
}

async fn set(Overlapping(session): Overlapping, Query(asked): Query<Asked>) -> &'static str {
    session.set(&asked.k, 1);
    "set\n"
}

async fn incr(
    Overlapping(session): Overlapping,
    Query(asked): Query<Asked>,
) -> Result<String, ValueError> {
    Ok(format!("{}\n", session.incr(&asked.k, 1)?))
}

async fn push(
    Overlapping(session): Overlapping,
    Query(asked): Query<Asked>,
) -> Result<&'static str, ValueError> {
    session.push(&asked.k, asked.v)?;
    Ok("pushed\n")
}

async fn read(Overlapping(session): Overlapping) -> String {
    format!("{} keys\n", session.len())
}

async fn rotate(Overlapping(session): Overlapping) -> &'static str {
    session.regenerate();
    session.set("role", "admin");
    "rotated\n"
}

async fn logout(Overlapping(session): Overlapping) -> &'static str {
    session.destroy();
    "logged out\n"
}

async fn dump(session: Session) -> Json<Value> {
    Json(Value::Dict(session.to_dict()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let key = dewar::key_from_env("SECRET_KEY")?;
    let sessions = SessionLayer::server(key, MemoryStore::new()).loopback_development().build()?;
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    println!("Open http://127.0.0.1:5000/login, then the pages with ?ms=500 in several windows.");
    axum::serve(listener, app().layer(sessions)).await?;
    Ok(())
}
