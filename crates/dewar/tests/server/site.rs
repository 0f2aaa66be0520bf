//! An application of one handler, which does what the request says.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    body::{Body, to_bytes},
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use dewar::{Clock, Session, SessionLayer, SessionLayerBuilder, Typed, Value};
use http::{HeaderMap, Request, StatusCode, header};
use tower::{Layer, ServiceExt, service_fn, util::BoxCloneSyncService};

use super::tap::Tap;

/// When all tests begin, in Unix milliseconds.
pub(crate) const T0: u64 = 1_700_000_000_000;

/// One thing a handler does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Set(&'static str, Value),
    Incr(&'static str, i64),
    Push(&'static str, &'static str),
    /// Appends by a function of the old text.
    Append(&'static str, &'static str),
    Remove(&'static str),
    Pop(&'static str),
    /// Makes nothing of it.
    Vanish(&'static str),
    /// Sets the field `name` of a struct to `None`.
    Unname,
    Rotate,
    RotateDiscarding,
    Logout,
    Clear,
    Permanent(bool),
    TakeOnce(&'static str),
    Commit,
    /// Begins a commit and gives up on it.
    AbandonCommit,
    Flash(&'static str),
    Flashes,
    /// Waits until the test lets it go on.
    Wait(Arc<tokio::sync::Semaphore>),
    Tick(Millis, u64),
    Panic,
}

pub(crate) fn set(key: &'static str, value: impl Into<Value>) -> Act {
    Act::Set(key, value.into())
}

#[derive(Default, serde::Deserialize, serde::Serialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
}

/// What the request asks of the handler; without it the handler does not ask for a session.
#[derive(Clone, Debug)]
struct Acts(Vec<Act>);

/// A clock of milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Millis(Arc<AtomicU64>);

impl Millis {
    pub(crate) fn set(&self, ms: u64) {
        self.0.store(ms, Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Default for Millis {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(T0)))
    }
}

impl Clock for Millis {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The verdict, then what the acts gave, parted by semicolons.
    pub(crate) body: String,
}

impl Answer {
    /// The whole `Set-Cookie`.
    pub(crate) fn set_cookie(&self) -> Option<&str> {
        self.headers.get(header::SET_COOKIE).map(|value| value.to_str().expect("visible text"))
    }

    /// The cookie a browser would send from now on; empty if it was removed.
    pub(crate) fn cookie(&self) -> Option<String> {
        let text = self.set_cookie()?;
        let pair = text.split(';').next().unwrap_or_default();
        Some(if text.contains("Max-Age=0") { String::new() } else { pair.to_owned() })
    }

    pub(crate) fn opened(&self) -> bool {
        self.body.starts_with("opened")
    }
}

type Served = BoxCloneSyncService<Request<Body>, Response, Infallible>;

/// One process of the application.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    served: Served,
    events: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub(crate) fn new(store: &Tap, clock: &Millis) -> Self {
        Self::with(store, clock, |builder| builder)
    }

    pub(crate) fn with(
        store: &Tap,
        clock: &Millis,
        configure: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder,
    ) -> Self {
        let events: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&events);
        let builder = SessionLayer::server("9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG", store.clone())
            .clock(clock.clone())
            // A store that was healed is asked at once; the breaker is a subject of its own.
            .breaker(0, Duration::ZERO)
            .on_event(move |event| {
                told.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{event:?}"));
            });
        let layer = configure(builder).build().expect("a layer");
        let served = layer.layer(service_fn(handle));
        Self { served: BoxCloneSyncService::new(served), events }
    }

    /// One request; it does nothing until it is polled.
    pub(crate) fn ask(
        &self,
        cookie: &str,
        acts: impl Into<Vec<Act>>,
    ) -> impl Future<Output = Answer> + Send + 'static {
        let mut request = Request::get("/").body(Body::empty()).expect("a request");
        if !cookie.is_empty() {
            let cookie = cookie.parse().expect("a header value");
            request.headers_mut().insert(header::COOKIE, cookie);
        }
        request.extensions_mut().insert(Acts(acts.into()));
        self.send(request)
    }

    /// A request to a route that does not use the session.
    pub(crate) fn ask_elsewhere(
        &self,
        cookie: &str,
    ) -> impl Future<Output = Answer> + Send + 'static {
        let request = Request::get("/").header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).expect("a request"))
    }

    fn send(&self, request: Request<Body>) -> impl Future<Output = Answer> + Send + 'static {
        let served = self.served.clone();
        async move {
            let response = served.oneshot(request).await.unwrap_or_else(|never| match never {});
            let (parts, body) = response.into_parts();
            let bytes = to_bytes(body, 1 << 20).await.expect("a body");
            let body = String::from_utf8(bytes.to_vec()).expect("text");
            Answer { status: parts.status, headers: parts.headers, body }
        }
    }

    /// Begins a session that holds this, and gives its cookie.
    pub(crate) async fn login(&self, acts: impl Into<Vec<Act>>) -> String {
        let answer = self.ask("", acts).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.cookie().expect("a cookie")
    }

    /// What a request with this cookie finds: the verdict and the contents.
    pub(crate) async fn dump(&self, cookie: &str) -> String {
        self.ask(cookie, []).await.body
    }

    /// The names of the events since the last time, without those of store calls.
    pub(crate) fn events(&self) -> Vec<String> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let told = std::mem::take(&mut *events);
        told.into_iter().filter(|event| !event.starts_with("StoreCall")).collect()
    }

    /// How many events of this name there were.
    pub(crate) fn told(&self, name: &str) -> usize {
        self.events().iter().filter(|event| event.starts_with(name)).count()
    }

    pub(crate) fn everything_told(&self) -> String {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}

async fn handle(request: Request<Body>) -> Result<Response, Infallible> {
    let (mut parts, _) = request.into_parts();
    let Some(Acts(acts)) = parts.extensions.get::<Acts>().cloned() else {
        return Ok("elsewhere".into_response());
    };
    let session = match <Session as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await
    {
        Ok(session) => session,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let mut said = vec![verdict(&session)];
    for act in acts {
        if let Err(error) = perform(&session, act, &mut said).await {
            return Ok(error);
        }
    }
    said.push(dump(&session));
    Ok(said.join(";").into_response())
}

fn verdict(session: &Session) -> String {
    let verdict = session.verdict();
    if verdict.is_live() { "opened".to_owned() } else { format!("{verdict:?}") }
}

fn dump(session: &Session) -> String {
    let contents = session.to_dict();
    let text = |(key, value): (&str, &Value)| format!("{key}={}", value.to_python_text());
    contents.sorted().map(text).collect::<Vec<_>>().join(",")
}

async fn perform(session: &Session, act: Act, said: &mut Vec<String>) -> Result<(), Response> {
    match act {
        Act::Set(key, value) => session.set(key, value),
        Act::Incr(key, n) => drop(session.incr(key, n).map_err(IntoResponse::into_response)?),
        Act::Push(key, item) => session.push(key, item).map_err(IntoResponse::into_response)?,
        Act::Append(key, more) => drop(session.update(key, move |old| {
            let old = old.map(|old| old.to_python_text()).unwrap_or_default();
            Some(format!("{old}{more}").into())
        })),
        Act::Remove(key) => drop(session.remove(key)),
        Act::Pop(key) => drop(session.pop::<String>(key)),
        Act::Vanish(key) => drop(session.update(key, |_| None)),
        Act::Unname => {
            let named = Typed::<Named>::read(session.clone());
            named.map_err(IntoResponse::into_response)?.name = None;
        }
        Act::Rotate => drop(session.regenerate()),
        Act::RotateDiscarding => session.regenerate().discard_late_writes(),
        Act::Logout => session.destroy(),
        Act::Clear => session.clear(),
        Act::Permanent(permanent) => session.set_permanent(permanent),
        Act::TakeOnce(key) => {
            let taken = session.take_once::<String>(key).await;
            let taken = taken.map_err(IntoResponse::into_response)?;
            said.push(taken.map_or("none".into(), |taken| format!("took {taken}")));
        }
        Act::Commit => {
            let kept = session.commit().await.map_err(IntoResponse::into_response)?;
            said.push(format!("kept {}", kept.len()));
        }
        Act::AbandonCommit => {
            let begun = tokio::time::timeout(Duration::from_millis(1), session.commit());
            said.push(if begun.await.is_err() { "abandoned" } else { "done" }.into());
        }
        Act::Flash(message) => session.flash("info", message),
        Act::Flashes => {
            let flashes = session.flashed_messages();
            let flashes: Vec<_> = flashes.into_iter().map(|flash| flash.message).collect();
            said.push(flashes.join("+"));
        }
        Act::Wait(go) => go.acquire().await.expect("open").forget(),
        Act::Tick(clock, ms) => clock.advance(ms),
        Act::Panic => std::panic::resume_unwind(Box::new("on purpose")),
    }
    Ok(())
}

/// What a browser is told of the cookie.
pub(crate) fn cookie_of(answer: &Answer) -> &'static str {
    match answer.cookie() {
        None => "kept",
        Some(cookie) if cookie.is_empty() => "removed",
        Some(_) => "set",
    }
}
