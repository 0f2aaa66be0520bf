//! A real application with Flask-Session and one of dewar, on one database, with the same visitors.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{thread, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use dewar::{Session, SessionLayer, SessionLayerBuilder, store::InterchangeStore};
use dewar_stores::flask_session::{FlaskSessionStore, Format};
use dewar_testdata::{
    flask_session::FlaskSession,
    postgres::Postgres,
    redis::{Node, Reply},
};
use serde_json::{Value as Js, json};
use tower::ServiceExt;

const KEY: &str = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";

/// The application of dewar.
#[derive(Clone)]
struct Dewar(Router);

/// One browser, with one jar for both applications.
#[derive(Default)]
struct Browser(Option<String>);

impl Browser {
    fn keep(&mut self, cookies: &[String]) {
        for cookie in cookies {
            let pair = cookie.split(';').next().unwrap();
            let gone = pair == "session=" || cookie.contains("Max-Age=0");
            self.0 = (!gone).then(|| pair.to_owned());
        }
    }

    fn flask(&mut self, app: &FlaskSession, path: &str, body: Option<Js>) -> Js {
        let answer = app.ask(path, self.0.as_deref(), body);
        assert_eq!(answer.status, 200, "{path}");
        self.keep(&answer.cookies);
        answer.json
    }

    async fn dewar(&mut self, app: &Dewar, path: &str, body: Option<Js>) -> Js {
        let mut request = Request::builder().uri(path);
        if let Some(cookie) = &self.0 {
            request = request.header(header::COOKIE, cookie);
        }
        let request = match body {
            None => request.body(Body::empty()),
            Some(body) => request.method("POST").body(Body::from(body.to_string())),
        };
        let answer = app.0.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
        let cookies: Vec<_> = cookies.map(|c| c.to_str().unwrap().to_owned()).collect();
        self.keep(&cookies);
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}

struct Json(Js);

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        self.0.to_string().into_response()
    }
}

async fn show(session: Session) -> Json {
    let number = |key: &str| session.get::<i64>(key).map_or(Js::Null, Js::from);
    let text = |key: &str| session.get::<String>(key).map_or(Js::Null, Js::from);
    Json(json!({
        "user": text("user"),
        "n": number("n"),
        "slow": session.contains("slow"),
        "verdict": session.verdict().to_string(),
    }))
}

fn dewar(layer: SessionLayerBuilder) -> Dewar {
    let router = Router::new()
        .route("/show", get(show))
        .route(
            "/login",
            post(async |session: Session, body: String| {
                session.set("user", body.trim_matches('"').to_owned());
                session.set_permanent(true);
                Json(Js::Null)
            }),
        )
        .route("/incr", post(async |session: Session| Json(json!(session.incr("n", 1).unwrap()))))
        .route(
            "/rotate",
            post(async |session: Session| {
                session.regenerate();
                Json(Js::Null)
            }),
        )
        .route(
            "/logout",
            post(async |session: Session| {
                session.destroy();
                Json(Js::Null)
            }),
        );
    Dewar(router.layer(layer.loopback_development().build().unwrap()))
}

fn layer(store: impl InterchangeStore) -> SessionLayerBuilder {
    SessionLayer::flask_session(KEY, store)
}

async fn on(node: &Node) -> FlaskSessionStore<dewar_stores::flask_session::Redis> {
    FlaskSessionStore::redis(&format!("redis://127.0.0.1:{}", node.port())).await.unwrap()
}

fn yes() -> Option<Js> {
    Some(json!({}))
}

/// Logins, writes, logouts and rotations of each side, seen by the other.
async fn they_share_sessions(flask: &FlaskSession, dewar: &Dewar) {
    // Login in Flask: seen here, changed here, seen there, in the same session.
    let mut ann = Browser::default();
    ann.flask(flask, "/set", Some(json!({"user": "ann", "n": 4, "keep": [1, 2.5, null, "é"]})));
    let cookie = ann.0.clone().unwrap();
    let seen = ann.dewar(dewar, "/show", None).await;
    assert_eq!((&seen["user"], &seen["n"]), (&json!("ann"), &json!(4)), "{seen}");
    assert_eq!(ann.dewar(dewar, "/incr", yes()).await, 5);
    assert_eq!(ann.dewar(dewar, "/incr", yes()).await, 6);
    let seen = ann.flask(flask, "/show", None);
    let expected = json!({"_permanent": true, "user": "ann", "n": 6, "keep": [1, 2.5, null, "é"]});
    assert_eq!(seen, expected);
    assert_eq!(ann.0.as_ref(), Some(&cookie), "the session keeps its id");

    // And once more from the other side.
    ann.flask(flask, "/append", Some(json!("flask")));
    assert_eq!(ann.dewar(dewar, "/incr", yes()).await, 7);
    assert_eq!(ann.flask(flask, "/show", None)["log"], json!(["flask"]));

    // Logout in Flask ends it here; a copy of the cookie opens nothing on either side.
    ann.flask(flask, "/logout", yes());
    assert_eq!(ann.0, None);
    let mut thief = Browser(Some(cookie.clone()));
    assert_eq!(thief.dewar(dewar, "/show", None).await["user"], Js::Null);
    assert_eq!(thief.flask(flask, "/show", None), json!({"_permanent": true}));

    // Login here, seen in Flask; logout here ends it there.
    let mut bob = Browser::default();
    bob.dewar(dewar, "/login", Some(json!("bob"))).await;
    let cookie = bob.0.clone().unwrap();
    assert_eq!(bob.flask(flask, "/show", None), json!({"_permanent": true, "user": "bob"}));
    bob.flask(flask, "/set", Some(json!({"n": 1})));
    assert_eq!(bob.0.as_ref(), Some(&cookie), "Flask took the id");
    assert_eq!(bob.dewar(dewar, "/incr", yes()).await, 2);
    bob.dewar(dewar, "/logout", yes()).await;
    assert_eq!(bob.0, None);
    let mut thief = Browser(Some(cookie));
    assert_eq!(thief.flask(flask, "/show", None), json!({"_permanent": true}));
    let seen = thief.dewar(dewar, "/show", None).await;
    assert_eq!(seen["verdict"], "the session was ended");

    // A rotation here: Flask goes on under the new id, and the old one is dead for it.
    let mut eve = Browser::default();
    eve.flask(flask, "/set", Some(json!({"user": "eve"})));
    let old = eve.0.clone().unwrap();
    eve.dewar(dewar, "/rotate", yes()).await;
    assert_ne!(eve.0, Some(old.clone()));
    assert_eq!(eve.flask(flask, "/show", None), json!({"_permanent": true, "user": "eve"}));
    assert_eq!(Browser(Some(old)).flask(flask, "/show", None), json!({"_permanent": true}));
    assert_eq!(eve.dewar(dewar, "/show", None).await["user"], "eve");
}

#[tokio::test(flavor = "multi_thread")]
async fn flask_session_and_dewar_share_live_sessions_on_redis() {
    let Some(node) = Node::start(&[]) else { return };
    for (name, format) in [("msgpack", Format::MsgPack), ("json", Format::Json)] {
        let config = json!({"redis": node.port(), "SESSION_SERIALIZATION_FORMAT": name});
        let Some(flask) = FlaskSession::start(&config) else { return };
        they_share_sessions(&flask, &dewar(layer(on(&node).await.format(format)))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flask_session_and_dewar_share_live_sessions_on_sqlite() {
    let folder = support::Folder::new();
    let path = folder.join("flask.db");
    let config = json!({
        "SESSION_TYPE": "sqlalchemy",
        "SQLALCHEMY_DATABASE_URI": format!("sqlite:///{}", path.display()),
        "PERMANENT_SESSION_LIFETIME": 5,
    });
    let Some(flask) = FlaskSession::start(&config) else { return };
    they_share_a_table(&flask, FlaskSessionStore::sqlite(&path).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flask_session_and_dewar_share_live_sessions_on_postgres() {
    let Some(server) = Postgres::start() else { return };
    let url = server.url();
    let config = json!({
        "SESSION_TYPE": "sqlalchemy",
        "SQLALCHEMY_DATABASE_URI": url.replace("postgres://", "postgresql+psycopg://"),
        "PERMANENT_SESSION_LIFETIME": 5,
    });
    // The table is made by either: the second time it is there.
    for _ in 0..2 {
        let store = FlaskSessionStore::postgres(&url).await.unwrap();
        let Some(flask) = FlaskSession::start(&config) else { return };
        they_share_a_table(&flask, store).await;
    }
}

/// A session that lives for five seconds, of both.
async fn they_share_a_table(flask: &FlaskSession, store: impl InterchangeStore) {
    let lifetime = Duration::from_secs(5);
    let dewar = dewar(layer(store).permanent_lifetime(lifetime));
    they_share_sessions(flask, &dewar).await;
    let mut ann = Browser::default();
    ann.dewar(&dewar, "/login", Some(json!("ann"))).await;
    assert_eq!(ann.flask(flask, "/show", None)["user"], "ann");
    thread::sleep(lifetime + Duration::from_millis(200));
    assert_eq!(ann.flask(flask, "/show", None), json!({"_permanent": true}));
    assert_eq!(ann.dewar(&dewar, "/show", None).await["user"], Js::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_ids_and_another_prefix_are_shared_too() {
    let Some(node) = Node::start(&[]) else { return };
    let config =
        json!({"redis": node.port(), "SESSION_USE_SIGNER": true, "SESSION_KEY_PREFIX": "app:"});
    let Some(flask) = FlaskSession::start(&config) else { return };
    let signed = dewar(layer(on(&node).await.prefix("app:")).use_signer(true));
    they_share_sessions(&flask, &signed).await;
    // Without its signature an id opens nothing.
    let mut ann = Browser::default();
    ann.flask(&flask, "/set", Some(json!({"user": "ann"})));
    let (id, _) = ann.0.as_ref().unwrap().split_once('.').unwrap();
    let seen = Browser(Some(id.to_owned())).dewar(&signed, "/show", None).await;
    assert_eq!(seen["verdict"], "the session cookie is no signed token");
    let forged = Browser(Some(format!("{id}.AAAAAAAAAAAAAAAAAAAAAAAAAAA")));
    let seen = { forged }.dewar(&signed, "/show", None).await;
    assert!(seen["verdict"].as_str().unwrap().starts_with("the signature does not match"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_expires_for_both_at_once() {
    let Some(node) = Node::start(&[]) else { return };
    let config = json!({"redis": node.port(), "PERMANENT_SESSION_LIFETIME": 2});
    let Some(flask) = FlaskSession::start(&config) else { return };
    let dewar = dewar(layer(on(&node).await).permanent_lifetime(Duration::from_secs(2)));
    let (mut ann, mut bob) = (Browser::default(), Browser::default());
    ann.flask(&flask, "/set", Some(json!({"user": "ann"})));
    bob.dewar(&dewar, "/login", Some(json!("bob"))).await;
    for (browser, user) in [(&mut ann, "ann"), (&mut bob, "bob")] {
        assert_eq!(browser.dewar(&dewar, "/show", None).await["user"], user);
        assert_eq!(browser.flask(&flask, "/show", None)["user"], user);
    }
    thread::sleep(Duration::from_millis(2_200));
    for browser in [&mut ann, &mut bob] {
        assert_eq!(browser.dewar(&dewar, "/show", None).await["user"], Js::Null);
        assert_eq!(browser.flask(&flask, "/show", None), json!({"_permanent": true}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_not_ours_open_nothing_and_are_not_adopted() {
    let Some(node) = Node::start(&[]) else { return };
    let dewar = dewar(layer(on(&node).await));
    let chosen = "session=".to_owned() + &"A".repeat(43);
    let mut ann = Browser(Some(chosen.clone()));
    ann.dewar(&dewar, "/login", Some(json!("ann"))).await;
    assert_ne!(ann.0, Some(chosen));
    let short = Browser(Some("session=".to_owned() + &"A".repeat(22)));
    let seen = { short }.dewar(&dewar, "/show", None).await;
    assert!(seen["verdict"].as_str().unwrap().contains("SESSION_ID_LENGTH at 32"), "{seen}");

    // A pickle is named, and stays as it is.
    let id = ann.0.clone().unwrap()["session=".len()..].to_owned();
    let pickle = [&b"\x80\x04}\x94\x8c\x04user\x94\x8c\x03ann\x94s"[..], b"."].concat();
    let name = format!("session:{id}");
    node.ask_bytes(&[b"SET", name.as_bytes(), &pickle]);
    let seen = ann.dewar(&dewar, "/show", None).await;
    let verdict = seen["verdict"].as_str().unwrap();
    assert!(verdict.contains("cannot be read"), "{verdict}");
    assert_eq!(node.ask(&["GET", &name]), Reply::Bytes(pickle));
}

#[test]
fn the_signer_is_an_option_of_shared_sessions_alone() {
    let error = SessionLayer::signed_cookie(KEY).use_signer(true).build().unwrap_err();
    assert!(error.to_string().contains("SessionLayer::flask_session"), "{error}");
}

/// What COMPATIBILITY.md says: each request of Flask-Session writes the whole session.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_request_of_flask_session_overwrites_what_dewar_wrote_meanwhile() {
    let Some(node) = Node::start(&[]) else { return };
    let config = json!({"redis": node.port()});
    let Some(flask) = FlaskSession::start(&config) else { return };
    let dewar = dewar(layer(on(&node).await));
    let mut ann = Browser::default();
    ann.flask(&flask, "/set", Some(json!({"user": "ann", "n": 1})));
    let cookie = ann.0.clone();
    let slow_request = |flask: &FlaskSession| {
        let answer = flask.ask("/slow", cookie.as_deref(), yes());
        assert_eq!(answer.status, 200);
    };
    thread::scope(|scope| {
        let slow = scope.spawn(|| slow_request(&flask));
        assert_eq!(flask.ask("/arrived", None, yes()).json, true, "they overlap");
        tokio::task::block_in_place(|| {
            let runtime = tokio::runtime::Handle::current();
            assert_eq!(runtime.block_on(ann.dewar(&dewar, "/incr", yes())), 2);
        });
        flask.ask("/go", None, yes());
        slow.join().unwrap();
    });
    let seen = ann.dewar(&dewar, "/show", None).await;
    assert_eq!((&seen["n"], &seen["slow"]), (&json!(1), &json!(true)), "dewar's write is lost");
}

/// The other half: a slow request here never overwrites what Flask-Session wrote meanwhile, and a
/// logout here holds here, whatever Flask-Session writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_holds_in_dewar_even_when_flask_session_writes_the_record_again() {
    let Some(node) = Node::start(&[]) else { return };
    let Some(flask) = FlaskSession::start(&json!({"redis": node.port()})) else { return };
    let dewar = dewar(layer(on(&node).await));
    let mut ann = Browser::default();
    ann.flask(&flask, "/set", Some(json!({"user": "ann"})));
    let cookie = ann.0.clone();
    thread::scope(|scope| {
        let slow = scope.spawn(|| flask.ask("/slow", cookie.as_deref(), yes()));
        assert_eq!(flask.ask("/arrived", None, yes()).json, true, "they overlap");
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(ann.dewar(&dewar, "/logout", yes()));
        });
        flask.ask("/go", None, yes());
        assert_eq!(slow.join().unwrap().status, 200);
    });
    let mut again = Browser(cookie);
    assert_eq!(again.flask(&flask, "/show", None)["user"], "ann", "Flask-Session revived it");
    let seen = again.dewar(&dewar, "/show", None).await;
    assert_eq!((&seen["user"], &seen["verdict"]), (&Js::Null, &json!("the session was ended")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_flask_session_meanwhile_is_merged_not_overwritten() {
    let Some(node) = Node::start(&[]) else { return };
    let Some(flask) = FlaskSession::start(&json!({"redis": node.port()})) else { return };
    let flask = std::sync::Arc::new(flask);
    let mut ann = Browser::default();
    ann.flask(&flask, "/set", Some(json!({"user": "ann", "n": 1})));
    let (inside, cookie) = (flask.clone(), ann.0.clone());
    let router = Router::new().route(
        "/incr_meanwhile",
        post(async move |session: Session| {
            let n = session.incr("n", 1).unwrap();
            let answer = inside.ask("/set", cookie.as_deref(), Some(json!({"n": 10, "new": "x"})));
            assert_eq!(answer.status, 200);
            Json(json!(n))
        }),
    );
    let dewar = Dewar(router.layer(layer(on(&node).await).loopback_development().build().unwrap()));
    ann.dewar(&dewar, "/incr_meanwhile", yes()).await;
    let seen = ann.flask(&flask, "/show", None);
    assert_eq!(seen, json!({"_permanent": true, "user": "ann", "n": 11, "new": "x"}));
}
