//! An application of one page, which does what the request says.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use dewar::{Clock, Session, SessionLayer, Value};
use tokio::sync::Barrier;
use tower::ServiceExt;

use super::{Asked, Does, watched::Watched};

/// A clock of milliseconds.
#[derive(Clone, Debug)]
pub struct Millis(pub Arc<AtomicU64>);

impl Clock for Millis {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// The cookie a browser sends from now on, empty if it was removed; none if nothing was said.
    pub cookie: Option<String>,
    /// What `take_once` gave.
    pub took: bool,
    /// What the session held when it was opened.
    pub opened: BTreeMap<String, String>,
}

/// One process of the application.
#[derive(Clone, Debug)]
pub struct Site(Router);

impl Site {
    pub fn new(store: &Watched, clock: &Millis) -> Self {
        let key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";
        let sessions = SessionLayer::server(key, store.clone()).clock(clock.clone());
        let router = Router::new().route("/login", get(login)).route("/", get(page));
        Self(router.layer(sessions.build().unwrap()))
    }

    /// Begins a session and gives its cookie.
    pub async fn login(&self) -> String {
        let answer = self.send(Request::get("/login").body(Body::empty()).unwrap()).await;
        answer.cookie.expect("a cookie")
    }

    /// What a request with this cookie finds.
    pub async fn dump(&self, cookie: &str) -> BTreeMap<String, String> {
        let all_opened = Arc::new(Barrier::new(1));
        let asked = Asked { does: Does::Read, mark: 0, all_opened, yields: 0 };
        self.ask(cookie, asked).await.opened
    }

    pub async fn ask(&self, cookie: &str, asked: Asked) -> Answer {
        let mut request = Request::get("/");
        if !cookie.is_empty() {
            request = request.header(header::COOKIE, cookie);
        }
        self.send(request.extension(asked).body(Body::empty()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.0.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let cookie = parts.headers.get(header::SET_COOKIE).map(|line| {
            let line = line.to_str().unwrap();
            let pair = line.split(';').next().unwrap_or_default();
            if line.contains("Max-Age=0") { String::new() } else { pair.to_owned() }
        });
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let opened = body.lines().filter_map(|line| line.split_once('='));
        let opened = opened.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Answer { status: parts.status, cookie, took: body.contains("took it"), opened }
    }
}

async fn login(session: Session) {
    session.set("user", "ada");
    session.set("token", "t");
}

/// A line for each key as the session was opened; then what was taken.
async fn page(session: Session, Extension(asked): Extension<Asked>) -> Result<String, Response> {
    let contents = session.to_dict();
    let line = |(key, value): (&str, &Value)| format!("{key}={}\n", value.to_python_text());
    let mut said: String = contents.sorted().map(line).collect();
    asked.all_opened.wait().await;
    for _ in 0..asked.yields {
        tokio::task::yield_now().await;
    }
    let mark = i64::try_from(asked.mark).unwrap();
    match asked.does {
        Does::Read => {}
        Does::SetA => session.set("a", mark),
        Does::SetB => session.set("b", mark),
        Does::Incr => drop(session.incr("n", 1).map_err(IntoResponse::into_response)?),
        Does::Push => session.push("log", mark).map_err(IntoResponse::into_response)?,
        Does::Rotate => {
            session.regenerate();
            session.set("role", "admin");
        }
        Does::Logout => session.destroy(),
        Does::Replace => {
            session.destroy();
            session.set("other", "eve");
        }
        Does::Take => {
            let taken = session.take_once::<String>("token").await;
            if taken.map_err(IntoResponse::into_response)?.is_some() {
                said.push_str("took it\n");
            }
        }
    }
    Ok(said)
}
