//! An application leaves Flask-Session: what that wrote moves to a store of dewar, and every browser goes
//! on with the cookie that it has.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::collections::BTreeSet;

use axum::{
    Router,
    body::Body,
    http::{Request, header},
    routing::{get, post},
};
use dewar::{
    Session, SessionLayer, StoreKey,
    store::{BoxStore, Loaded, MemoryStore, Scan, Store},
};
use dewar_stores::{
    flask_session::{FlaskSessionStore, Hashed, hashed},
    migrate::{Migrating, Migration},
    url,
};
use dewar_testdata::{flask_session::FlaskSession, postgres::Postgres, redis::Node};
use serde_json::{Value as Js, json};
use tower::ServiceExt;

const KEY: &str = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";

/// An application on the new store alone.
fn app(store: BoxStore, signed: bool) -> Router {
    app_on(Hashed::new(store), signed)
}

fn app_on(store: Hashed, signed: bool) -> Router {
    let layer = SessionLayer::flask_session(KEY, store).use_signer(signed);
    Router::new()
        .route(
            "/user",
            get(async |session: Session| session.get::<String>("user").unwrap_or_default()),
        )
        .route("/incr", post(async |session: Session| session.incr("n", 1).unwrap().to_string()))
        .route(
            "/rotate",
            post(async |session: Session| {
                session.regenerate();
            }),
        )
        .route(
            "/logout",
            post(async |session: Session| {
                session.destroy();
            }),
        )
        .layer(layer.loopback_development().build().unwrap())
}

#[tokio::test]
async fn the_new_store_can_do_behind_the_cookies_what_it_can_do_alone() {
    let can = |store: &BoxStore| (store.sweeps(), store.knows_users(), store.scans());
    assert_eq!(can(&Hashed::new(MemoryStore::new().boxed()).boxed()), (true, true, true));
    assert_eq!(
        can(&Hashed::new(BoxStore::without_users(MemoryStore::new())).boxed()),
        (true, false, true)
    );
    assert_eq!(can(&Hashed::new(BoxStore::new(MemoryStore::new())).boxed()), (false, false, false));
    // As Redis is, unless it tells of what expired.
    let forgets = BoxStore::without_sweep(MemoryStore::new());
    assert_eq!(can(&forgets), (false, true, true));
    assert_eq!(can(&Hashed::new(forgets).boxed()), (false, true, true));
}

/// The body, and the cookie that is set.
async fn ask(app: &Router, method: &str, path: &str, cookie: &str) -> (String, Option<String>) {
    let request = Request::builder().method(method).uri(path).header(header::COOKIE, cookie);
    let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let set = answer.headers().get(header::SET_COOKIE);
    let set = set.map(|set| set.to_str().unwrap().split(';').next().unwrap().to_owned());
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (String::from_utf8(body.to_vec()).unwrap(), set)
}

fn login(flask: &FlaskSession, user: &str) -> String {
    let answer = flask.ask("/set", None, Some(json!({"user": user, "n": 4})));
    answer.cookies[0].split(';').next().unwrap().to_owned()
}

async fn leave(config: &Js, from: &str) {
    let Some(flask) = FlaskSession::start(config) else { return };
    let signed = config["SESSION_USE_SIGNER"] == true;
    let (ann, bob, eve) = (login(&flask, "ann"), login(&flask, "bob"), login(&flask, "eve"));
    let old = url::open(from).await.unwrap();
    assert!(old.scans() && old.sweeps() && !old.knows_users());
    // One node of dewar that still uses the old store writes a note and a tombstone there.
    let new = MemoryStore::new();
    let both = Migrating::with_keys(old.clone(), new.clone(), hashed).unwrap();
    let key = key_of(&bob);
    both.delete(&key, u64::MAX).await.unwrap();

    let done = Migration::new(both.clone()).run().await.unwrap();
    assert_eq!((done.carried, done.unreadable), (2, 0), "{done:?}");
    for cookie in [&ann, &bob, &eve] {
        assert_eq!(flask.ask("/show", Some(cookie), None).json.get("user"), None);
    }

    let app = app(new.clone().boxed(), signed);
    assert_eq!(ask(&app, "GET", "/user", &ann).await, ("ann".into(), None));
    assert_eq!(ask(&app, "GET", "/user", &eve).await.0, "eve");
    assert_eq!(ask(&app, "GET", "/user", &bob).await.0, "", "a logout is final");
    assert_eq!(ask(&app, "POST", "/incr", &ann).await.0, "5");
    assert_eq!(ask(&app, "POST", "/incr", &ann).await.0, "6", "it has its contents and goes on");
    let (_, rotated) = ask(&app, "POST", "/rotate", &ann).await;
    let rotated = rotated.unwrap();
    assert_ne!(rotated, ann);
    assert_eq!(ask(&app, "GET", "/user", &rotated).await.0, "ann");
    assert_eq!(ask(&app, "GET", "/user", &ann).await.0, "");
    ask(&app, "POST", "/logout", &rotated).await;
    assert_eq!(ask(&app, "GET", "/user", &rotated).await.0, "");

    // Whoever reads the new store finds no id there.
    let ids: BTreeSet<_> =
        [&ann, &bob, &eve, &rotated].map(|cookie| *key_of(cookie).as_bytes()).into();
    for (key, _) in new.scan(None, 100).await.unwrap().found {
        assert!(!key.is_id() && !ids.contains(key.as_bytes()));
    }
    assert!(matches!(new.load(&hashed(&key_of(&eve))).await.unwrap(), Loaded::Live(_)));
}

fn key_of(cookie: &str) -> StoreKey {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let id = &cookie["session=".len()..];
    let bytes = URL_SAFE_NO_PAD.decode(id.split('.').next().unwrap()).unwrap();
    StoreKey::from_id(bytes.try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_flask_session_in_redis_go_on_in_a_store_of_dewar() {
    let Some(node) = Node::start(&[]) else { return };
    let config = json!({"redis": node.port()});
    leave(&config, &format!("flask-session+redis://127.0.0.1:{}", node.port())).await;
    let config = json!({
        "redis": node.port(), "SESSION_KEY_PREFIX": "app*:", "SESSION_USE_SIGNER": true,
        "SESSION_SERIALIZATION_FORMAT": "json",
    });
    let from = format!("flask-session+redis://127.0.0.1:{}?prefix=app*:&format=json", node.port());
    leave(&config, &from).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_flask_session_in_sqlite_go_on_in_a_store_of_dewar() {
    let folder = support::Folder::new();
    let path = folder.join("flask.db");
    let config = json!({
        "SESSION_TYPE": "sqlalchemy",
        "SQLALCHEMY_DATABASE_URI": format!("sqlite:///{}", path.display()),
    });
    leave(&config, &format!("flask-session+sqlite:{}", path.display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_flask_session_in_postgres_go_on_in_a_store_of_dewar() {
    let Some(server) = Postgres::start() else { return };
    leave(&in_postgres(&server), &format!("flask-session+{}", server.url())).await;
}

fn in_postgres(server: &Postgres) -> Js {
    json!({
        "SESSION_TYPE": "sqlalchemy",
        "SQLALCHEMY_DATABASE_URI": server.url().replace("postgres://", "postgresql+psycopg://"),
    })
}

/// A node of dewar on both stores while sessions move, and the new store alone at the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_on_both_stores_serves_every_cookie_while_sessions_move() {
    let Some(node) = Node::start(&[]) else { return };
    let Some(flask) = FlaskSession::start(&json!({"redis": node.port()})) else { return };
    let (ann, bob, eve) = (login(&flask, "ann"), login(&flask, "bob"), login(&flask, "eve"));
    let new = MemoryStore::new();
    let from = format!("redis://127.0.0.1:{}", node.port());
    let old = FlaskSessionStore::redis(&from).await.unwrap();
    let node = app_on(Hashed::migrating(old.clone(), new.clone()).unwrap(), false);
    assert_eq!(ask(&node, "GET", "/user", &ann).await.0, "ann");
    assert!(
        matches!(old.load(&key_of(&ann)).await.unwrap(), Loaded::Live(_)),
        "a look moves nothing"
    );
    assert_eq!(ask(&node, "POST", "/incr", &ann).await.0, "5");
    assert!(matches!(new.load(&hashed(&key_of(&ann))).await.unwrap(), Loaded::Live(_)));
    ask(&node, "POST", "/logout", &eve).await;
    let (_, rotated) = ask(&node, "POST", "/rotate", &bob).await;
    let bob = rotated.unwrap();
    assert_eq!(ask(&node, "POST", "/incr", &bob).await.0, "5");
    let kim = login(&flask, "kim");

    let both = Migrating::with_keys(old, new.clone(), hashed).unwrap();
    assert_eq!(Migration::new(both).run().await.unwrap().carried, 1, "kim's");
    for app in [node, app(new.boxed(), false)] {
        for (cookie, user) in [(&ann, "ann"), (&bob, "bob"), (&kim, "kim"), (&eve, "")] {
            assert_eq!(ask(&app, "GET", "/user", cookie).await.0, user);
        }
    }
}

/// Every page, of any size, and a cursor that is nobody's.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_shows_every_session_in_pages_of_any_size() {
    let Some(node) = Node::start(&[]) else { return };
    let Some(server) = Postgres::start() else { return };
    let folder = support::Folder::new();
    let config = json!({"redis": node.port()});
    let redis = format!("flask-session+redis://127.0.0.1:{}", node.port());
    let sqlite = folder.join("flask.db");
    let table = json!({
        "SESSION_TYPE": "sqlalchemy",
        "SQLALCHEMY_DATABASE_URI": format!("sqlite:///{}", sqlite.display()),
    });
    for (config, from) in [
        (config, redis),
        (table, format!("flask-session+sqlite:{}", sqlite.display())),
        (in_postgres(&server), format!("flask-session+{}", server.url())),
    ] {
        let Some(flask) = FlaskSession::start(&config) else { return };
        let users: BTreeSet<_> =
            (0..30).map(|n| *key_of(&login(&flask, &n.to_string())).as_bytes()).collect();
        let store = url::open(&from).await.unwrap();
        for limit in [1, 7, 30, 1000] {
            let (mut seen, mut from, mut pages) = (BTreeSet::new(), None, 0);
            loop {
                let page = store.scan(from.as_ref(), limit).await.unwrap();
                seen.extend(page.found.iter().map(|(key, _)| *key.as_bytes()));
                pages += 1;
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
            assert_eq!(seen, users, "pages of {limit}");
            assert!(limit > 7 || pages > 2, "{pages} pages of {limit}");
        }
        let foreign = dewar::store::Cursor::from_bytes(*b"foreign");
        assert!(store.scan(Some(&foreign), 10).await.is_err());
    }
}
