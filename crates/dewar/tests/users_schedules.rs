//! A user's sessions while others act between two calls of the store: schedules that once lost a
//! session from its list, passed over a logout, or let in one too many.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "users/noting.rs"]
#[allow(dead_code, reason = "another test counts the notes")]
mod noting;
#[path = "users/between.rs"]
mod between;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{Request, header},
    routing::get,
};
use between::Between;
use dewar::{
    CommitError, OnOutage, Session, SessionLayer, UserSessions, WhenFull,
    store::{Scan, Store},
};
use tokio::sync::Notify;
use tower::ServiceExt;

#[derive(Clone)]
struct App {
    router: Router,
    users: UserSessions,
    opened: Arc<Notify>,
    go: Arc<Notify>,
}

struct Answer {
    status: u16,
    cookie: Option<String>,
    body: String,
}

impl App {
    fn new(store: &Between) -> Self {
        Self::with(store, None, OnOutage::Refuse)
    }

    fn with(store: &Between, cap: Option<WhenFull>, on_outage: OnOutage) -> Self {
        let key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";
        let mut builder = SessionLayer::server(key, store.clone()).on_outage(on_outage);
        if let Some(when_full) = cap {
            builder = builder.max_sessions_per_user(NonZeroUsize::MIN, when_full);
        }
        let layer = builder.build().unwrap();
        let users = layer.user_sessions().unwrap();
        let (opened, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let meet = {
            let (opened, go) = (Arc::clone(&opened), Arc::clone(&go));
            move || {
                let (opened, go) = (Arc::clone(&opened), Arc::clone(&go));
                async move {
                    opened.notify_one();
                    go.notified().await;
                }
            }
        };
        let meet_too = meet.clone();
        let login = async |session: Session, Path(user): Path<String>| {
            session.bind_user(&user);
        };
        let become_one = async |session: Session, Path(user): Path<String>| {
            session.set("_user_id", user);
        };
        let flasks_login = async |session: Session| {
            session.clear();
            session.set("_user_id", "ada");
        };
        let visit = async |session: Session| {
            session.set("cart", "3 pears");
        };
        let rotate = async |session: Session| {
            session.regenerate();
        };
        let see = async |session: Session| session.user_id().unwrap_or_default();
        let cart = async |session: Session| session.get::<String>("cart").unwrap_or_default();
        let slow_leave = move |session: Session| async move {
            meet().await;
            session.unbind_user();
        };
        let slow_login = move |session: Session| async move {
            meet_too().await;
            session.bind_user("ada");
            session.commit().await.map(drop).or_else(|error| match error {
                CommitError::Ended => Ok(()),
                error => Err(error),
            })
        };
        let router = Router::new()
            .route("/login/{user}", get(login))
            .route("/become/{user}", get(become_one))
            .route("/flasks-login", get(flasks_login))
            .route("/visit", get(visit))
            .route("/rotate", get(rotate))
            .route("/see", get(see))
            .route("/cart", get(cart))
            .route("/slow-leave", get(slow_leave))
            .route("/slow-login", get(slow_login))
            .layer(layer);
        Self { router, users, opened, go }
    }

    async fn ask(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty());
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let cookie = response.headers().get(header::SET_COOKIE).map(|set| {
            let text = set.to_str().unwrap();
            text.split(';').next().unwrap().to_owned()
        });
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Answer { status, cookie, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn cookie(&self, path: &str, cookie: &str) -> String {
        self.ask(path, cookie).await.cookie.unwrap()
    }

    async fn user_of(&self, cookie: &str) -> String {
        self.ask("/see", cookie).await.body
    }

    async fn count(&self) -> usize {
        self.users.list("ada").await.unwrap().len()
    }

    /// A slow request opens its session, then another one rotates it, then the slow one goes on.
    async fn overtaken(&self, slow: &'static str, cookie: &str) -> (Answer, String) {
        let (app, its) = (self.clone(), cookie.to_owned());
        let slow = tokio::spawn(async move { app.ask(slow, &its).await });
        self.opened.notified().await;
        let rotated = self.cookie("/rotate", cookie).await;
        self.go.notify_one();
        (slow.await.unwrap(), rotated)
    }
}

#[tokio::test]
async fn a_logout_that_a_rotation_overtakes_ends_the_session() {
    let app = App::new(&Between::default());
    let hers = app.cookie("/login/ada", "").await;
    let (left, rotated) = app.overtaken("/slow-leave", &hers).await;
    assert_eq!((left.status, left.cookie.as_deref()), (200, Some("session=")));
    assert_eq!((app.user_of(&rotated).await, app.count().await), (String::new(), 0));
}

#[tokio::test]
async fn a_login_that_a_rotation_overtakes_is_told_so() {
    let app = App::new(&Between::default());
    let cookie = app.cookie("/visit", "").await;
    let (login, rotated) = app.overtaken("/slow-login", &cookie).await;
    assert_eq!((login.status, login.cookie), (200, None), "commit() said that nothing was kept");
    assert_eq!(app.user_of(&rotated).await, "");
    assert_eq!(app.ask("/cart", &rotated).await.body, "3 pears");
}

#[tokio::test]
async fn a_first_login_is_not_passed_over() {
    for on_outage in [OnOutage::ReadOnly, OnOutage::GoOnWithout] {
        for path in ["/login/ada", "/become/ada"] {
            let store = Between::default();
            let app = App::with(&store, None, on_outage);
            store.silence("create", true);
            assert_eq!(app.ask(path, "").await.status, 503, "{path}");
            assert_eq!(app.ask("/visit", "").await.status, 200, "anything else is");
        }
    }
}

/// Flask's tutorial clears the session, then logs in.
#[tokio::test]
async fn a_login_into_a_session_that_could_not_be_read_is_an_error() {
    let store = Between::default();
    let app = App::with(&store, None, OnOutage::GoOnWithout);
    let cookie = app.cookie("/visit", "").await;
    for path in ["/flasks-login", "/become/ada", "/login/ada"] {
        store.silence("load", false);
        let login = app.ask(path, &cookie).await;
        assert_eq!((login.status, login.cookie), (503, None), "{path}");
        assert_eq!(app.ask("/cart", &cookie).await.body, "3 pears", "{path}");
    }
}

#[tokio::test]
async fn a_session_that_is_rotated_while_it_is_counted_counts() {
    for (when_full, status) in [(WhenFull::Refuse, 409), (WhenFull::EndOldest, 200)] {
        let store = Between::default();
        let app = || App::with(&store, Some(when_full), OnOutage::Refuse);
        let (one, other) = (app(), app());
        // By a node that knew no limit: no login took a place for it.
        let hers = App::new(&store).cookie("/login/ada", "").await;
        store.on("sessions_of", async move { drop(other.ask("/rotate", &hers).await) });
        assert_eq!(one.ask("/login/ada", "").await.status, status, "{when_full:?}");
        assert_eq!(one.count().await, 1, "{when_full:?}");
    }
}

#[tokio::test]
async fn the_session_that_is_to_stay_stays_when_it_is_rotated() {
    let store = Between::default();
    let (app, other) = (App::new(&store), App::new(&store));
    let hers = app.cookie("/login/ada", "").await;
    let keep = app.users.list("ada").await.unwrap()[0].key;
    app.cookie("/login/ada", "").await;
    let rotated = app.cookie("/rotate", &hers).await;
    assert_eq!(app.users.revoke_others("ada", keep).await.unwrap(), 1);
    assert_eq!(app.user_of(&rotated).await, "ada");
    // Its successor is there already, and the old one does not point to it yet.
    let ended = Arc::new(Mutex::new(None));
    let told = Arc::clone(&ended);
    let keep = app.users.list("ada").await.unwrap()[0].key;
    store.on("supersede", async move {
        *told.lock().unwrap() = Some(other.users.revoke_others("ada", keep).await.unwrap());
    });
    let again = app.cookie("/rotate", &rotated).await;
    assert_eq!(*ended.lock().unwrap(), Some(0));
    assert_eq!(app.user_of(&again).await, "ada");
}

#[tokio::test]
async fn a_login_beside_an_erasure_is_a_later_one_and_is_listed() {
    let store = Between::default();
    let app = App::new(&store);
    let users = app.users.clone();
    store.on("create", async move { assert_eq!(users.erase("ada").await.unwrap(), 0) });
    let hers = app.cookie("/login/ada", "").await;
    assert_eq!((app.user_of(&hers).await, app.count().await), ("ada".to_owned(), 1));
    assert_eq!(app.users.revoke_all("ada").await.unwrap(), 1);
    assert_eq!(app.user_of(&hers).await, "");
}

/// An operator ends everything there is, the places of logins too.
#[tokio::test]
async fn whoever_was_ended_with_all_others_may_log_in_again() {
    let store = Between::default();
    let app = App::with(&store, Some(WhenFull::Refuse), OnOutage::Refuse);
    app.cookie("/login/ada", "").await;
    let mut from = None;
    loop {
        let page = store.scan(from.as_ref(), 100).await.unwrap();
        for (key, _) in page.found {
            store.delete(&key, u64::MAX).await.unwrap();
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(app.ask("/login/ada", "").await.status, 200);
    assert_eq!(app.ask("/login/ada", "").await.status, 409, "and no more often than he may");
}

#[tokio::test]
async fn a_successor_whose_session_got_a_user_meanwhile_is_listed() {
    let store = Between::default();
    let (app, other) = (App::new(&store), App::new(&store));
    let cookie = app.cookie("/visit", "").await;
    let its = cookie.clone();
    store.on("supersede", async move { drop(other.ask("/become/ada", &its).await) });
    let rotated = app.cookie("/rotate", &cookie).await;
    assert_eq!((app.user_of(&rotated).await, app.count().await), ("ada".to_owned(), 1));
    assert_eq!(app.users.revoke_all("ada").await.unwrap(), 1);
    assert_eq!(app.user_of(&rotated).await, "");
}

/// The login is written; what it was to end besides, the next one ends.
#[tokio::test]
async fn a_login_stands_although_the_oldest_could_not_be_ended() {
    let store = Between::default();
    let app = App::with(&store, Some(WhenFull::EndOldest), OnOutage::Refuse);
    let cookie = app.cookie("/visit", "").await;
    app.cookie("/login/ada", "").await;
    store.silence("sessions_of", false);
    let hers = app.cookie("/login/ada", &cookie).await;
    assert_eq!(app.ask("/cart", &hers).await.body, "3 pears");
    assert_eq!(app.count().await, 2);
    app.cookie("/login/ada", "").await;
    assert_eq!(app.count().await, 1);
}
