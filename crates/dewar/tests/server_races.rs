//! Server mode under overlapping requests, in one process, on the memory store.
//!
//! Each handler opens its session and then waits at a barrier until all others have done so: the
//! loads precede the commits, or the test fails by never ending.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    routing::get,
};
use dewar::{Session, SessionLayer, Value, ValueError, store::MemoryStore};
use http::{Request, StatusCode, header};
use tokio::sync::Barrier;
use tower::ServiceExt;

type Overlap = State<Arc<Barrier>>;

async fn set(session: Session, Path(key): Path<String>, State(all): Overlap) {
    all.wait().await;
    session.set(&key, 1);
}

async fn incr(session: Session, State(all): Overlap) -> Result<(), ValueError> {
    all.wait().await;
    session.incr("n", 1).map(drop)
}

async fn push(
    session: Session,
    Path(v): Path<String>,
    State(all): Overlap,
) -> Result<(), ValueError> {
    all.wait().await;
    session.push("log", v)
}

async fn rotate(session: Session, State(all): Overlap) {
    all.wait().await;
    session.regenerate();
    session.set("role", "admin");
}

async fn logout(session: Session, State(all): Overlap) {
    all.wait().await;
    session.destroy();
}

async fn read(session: Session, State(all): Overlap) -> String {
    all.wait().await;
    session.keys().join(",")
}

async fn dump(session: Session) -> String {
    let contents = session.to_dict();
    let text = |(key, value): (&str, &Value)| format!("{key}={}", value.to_python_text());
    format!("{};{}", session.verdict(), contents.sorted().map(text).collect::<Vec<_>>().join(","))
}

async fn login(session: Session) {
    session.set("user", "ada");
}

/// One browser before a fresh application.
struct Visitor {
    app: Router,
    cookie: String,
}

impl Visitor {
    async fn new(overlap: usize) -> Self {
        let key = dewar::random_bytes(32).expect("random bytes");
        let sessions = SessionLayer::server(key, MemoryStore::new()).build().expect("a layer");
        let app = Router::new()
            .route("/set/{key}", get(set))
            .route("/incr", get(incr))
            .route("/push/{v}", get(push))
            .route("/rotate", get(rotate))
            .route("/logout", get(logout))
            .route("/read", get(read))
            .route("/dump", get(dump))
            .route("/login", get(login))
            .layer(sessions)
            .with_state(Arc::new(Barrier::new(overlap)));
        let mut visitor = Self { app, cookie: String::new() };
        let (status, cookie, _) = visitor.get("/login").await;
        assert_eq!(status, StatusCode::OK);
        visitor.cookie = cookie.expect("a cookie");
        visitor
    }

    /// Status, cookie set, body.
    async fn get(&self, path: &str) -> (StatusCode, Option<String>, String) {
        let request = Request::get(path).header(header::COOKIE, &self.cookie);
        let request = request.body(Body::empty()).expect("a request");
        let response = self.app.clone().oneshot(request).await.expect("an answer");
        let cookie = response.headers().get(header::SET_COOKIE).map(|value| {
            let text = value.to_str().expect("visible text");
            text.split(';').next().unwrap_or_default().to_owned()
        });
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        (status, cookie, String::from_utf8(body.to_vec()).expect("text"))
    }

    /// All at once; every one must be answered 200.
    async fn together(
        self: &Arc<Self>,
        paths: impl IntoIterator<Item = String>,
    ) -> Vec<Option<String>> {
        let tasks: Vec<_> = paths
            .into_iter()
            .map(|path| {
                let visitor = Arc::clone(self);
                tokio::spawn(async move { (visitor.get(&path).await, path) })
            })
            .collect();
        let mut cookies = Vec::new();
        for task in tasks {
            let answer = tokio::time::timeout(Duration::from_secs(30), task).await;
            let ((status, cookie, _), path) = answer.expect("an answer in time").expect("no panic");
            assert_eq!(status, StatusCode::OK, "{path}");
            cookies.push(cookie);
        }
        cookies
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_overlapping_writes_of_distinct_keys_all_land() {
    let visitor = Arc::new(Visitor::new(200).await);
    visitor.together((0..200).map(|i| format!("/set/k{i}"))).await;
    let (_, _, dump) = visitor.get("/dump").await;
    assert_eq!(dump.matches("=1").count(), 200, "{dump}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_overlapping_increments_add_up() {
    let visitor = Arc::new(Visitor::new(200).await);
    visitor.together((0..200).map(|_| "/incr".into())).await;
    assert!(visitor.get("/dump").await.2.contains("n=200,"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_overlapping_pushes_keep_every_element() {
    let visitor = Arc::new(Visitor::new(200).await);
    visitor.together((0..200).map(|i| format!("/push/v{i}"))).await;
    let (_, _, dump) = visitor.get("/dump").await;
    assert_eq!(dump.matches("'v").count(), 200, "{dump}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_is_final_whatever_is_in_flight() {
    for other in ["/set/z", "/incr", "/push/v", "/read", "/rotate"] {
        for _ in 0..40 {
            let visitor = Arc::new(Visitor::new(2).await);
            let cookies = visitor.together([other.to_owned(), "/logout".to_owned()]).await;
            let (_, _, dump) = visitor.get("/dump").await;
            assert!(
                dump.starts_with("the session was ended;")
                    || dump.starts_with("the session goes on"),
                "{other}: {dump}"
            );
            assert!(dump.ends_with(';'), "{other}: {dump}");
            // Whatever cookie the other one was sent, it opens nothing either.
            if let Some(cookie) = cookies.into_iter().next().flatten() {
                let mut visitor = Arc::into_inner(visitor).expect("nobody else");
                visitor.cookie = cookie;
                let (_, _, dump) = visitor.get("/dump").await;
                assert!(dump.ends_with(';'), "{other}, new cookie: {dump}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_keeps_the_write_in_flight_and_leaves_no_live_old_id() {
    for _ in 0..100 {
        let visitor = Arc::new(Visitor::new(2).await);
        let cookies = visitor.together(["/set/z".to_owned(), "/rotate".to_owned()]).await;
        assert_eq!(visitor.get("/dump").await.2, "the session goes on under another id;");
        let mut visitor = Arc::into_inner(visitor).expect("nobody else");
        visitor.cookie = cookies[1].clone().expect("the rotation sends the new id");
        let (_, _, dump) = visitor.get("/dump").await;
        assert!(dump.ends_with(";role=admin,user=ada,z=1"), "{dump}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_rotations_one_wins_and_nothing_is_lost() {
    for _ in 0..100 {
        let visitor = Arc::new(Visitor::new(2).await);
        let cookies = visitor.together(["/rotate".to_owned(), "/rotate".to_owned()]).await;
        let mut sent = cookies.into_iter().flatten();
        let mut visitor = Arc::into_inner(visitor).expect("nobody else");
        visitor.cookie = sent.next().expect("one cookie");
        assert_eq!(sent.next(), None, "the loser sends no cookie");
        let (_, _, dump) = visitor.get("/dump").await;
        assert!(dump.ends_with(";role=admin,user=ada"), "{dump}");
    }
}
