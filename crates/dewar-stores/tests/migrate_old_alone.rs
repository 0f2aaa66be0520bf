//! A node that knows the old store alone, while another one moves its sessions: it has no answer, and
//! takes nothing for done.

#![allow(unreachable_pub, reason = "the modules are shared")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]
#![allow(dead_code, reason = "the modules are shared")]

mod moving;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    routing::get,
};
use dewar::{
    Session, SessionLayer, StoreKey, UserSessions,
    store::{
        Chain, Loaded, MemoryStore, Owner, Record, Scan, Store, StoreErrorKind, WriteId, Writes,
    },
};
use dewar_stores::migrate::{CarriedOver, Migrating};
use moving::app::App;
use tower::ServiceExt;

/// The one of [`App`].
const KEY: &str = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";

/// The keys of all that is live.
async fn live(store: &MemoryStore) -> Vec<StoreKey> {
    let (mut live, mut from) = (Vec::new(), None);
    loop {
        let page = store.scan(from.as_ref(), 100).await.unwrap();
        let found = page.found.into_iter();
        live.extend(found.filter(|(_, found)| matches!(found, Ok(Loaded::Live(_)))));
        from = page.next;
        if from.is_none() {
            return live.into_iter().map(|(key, _)| key).collect();
        }
    }
}

#[tokio::test]
async fn it_refuses_what_it_can_not_see_and_the_session_goes_on_in_the_new_store() {
    let (old, new) = (MemoryStore::new(), MemoryStore::new());
    let both = Migrating::new(old.clone(), new.clone());
    let (alone, moving) = (App::on(old.clone()), App::on(both.clone()));
    let cookie = alone.login().await;
    let key = live(&old).await[0];
    assert_eq!(both.carry_over(&key).await.unwrap(), CarriedOver::Now);
    for page in ["/show", "/logout", "/login", "/add?mark=1", "/rotate"] {
        let answer = alone.get(page, &cookie).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{page}");
        assert_eq!(answer.cookie, None, "{page}: the browser keeps its cookie");
    }
    assert_eq!(moving.get("/show", &cookie).await.body, "ada 0 []");
    assert_eq!(moving.get("/logout", &cookie).await.status, StatusCode::OK);
    assert_eq!(moving.get("/show", &cookie).await.body, "nobody 0 []");
}

/// It was opened before it was carried over: what comes behind is not swallowed.
#[tokio::test]
async fn what_races_with_the_marking_is_no_success() {
    let (old, new) = (MemoryStore::new(), MemoryStore::new());
    let both = Migrating::new(old.clone(), new.clone());
    let acts: [fn(&Session); 3] = [
        |it| it.set("n", 1),
        Session::destroy,
        |it| {
            it.regenerate();
        },
    ];
    for act in acts {
        let cookie = App::on(old.clone()).login().await;
        let carrying = (both.clone(), old.clone());
        let handler = async move |session: Session| {
            act(&session);
            for key in live(&carrying.1).await {
                carrying.0.carry_over(&key).await.unwrap();
            }
        };
        let sessions = SessionLayer::server(KEY, old.clone()).build().unwrap();
        let app = Router::new().route("/", get(handler)).layer(sessions);
        let request = Request::get("/").header(header::COOKIE, &cookie).body(Body::empty());
        let response = app.oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert!(!response.headers().contains_key(header::SET_COOKIE), "the cookie is kept");
        assert_eq!(App::on(both.clone()).get("/show", &cookie).await.body, "ada 0 []");
    }
}

#[tokio::test]
async fn a_users_session_is_not_said_to_have_ended() {
    let (old, new) = (MemoryStore::new(), MemoryStore::new());
    let both = Migrating::new(old.clone(), new.clone());
    let (key, owner) = (StoreKey::from_bytes([7; 32]), Owner::of("ada"));
    let record = Record {
        owner: Some(owner),
        created_ms: 1,
        idle_deadline_ms: u64::MAX,
        absolute_deadline_ms: u64::MAX,
        writes: Writes::first(WriteId::new(1)),
        data: b"{}".to_vec(),
    };
    old.create(&key, &record).await.unwrap();
    both.carry_over(&key).await.unwrap();
    let error = UserSessions::of(old.clone()).unwrap().revoke("ada", key).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Refused);
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("carried over to another store"), "{why}");
    let load = |key| {
        let old = old.clone();
        async move { old.load(&key).await }
    };
    assert!(Chain::from(key).end(load).await.is_err(), "it is followed nowhere");
    assert!(UserSessions::of(both).unwrap().revoke("ada", key).await.unwrap());
}
