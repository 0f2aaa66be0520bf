//! Server mode where several things meet: two layers, two cookies, a commit that comes too late, a
//! record that is damaged.

mod server;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    routing::get,
};
use dewar::{
    CommitError, ManualClock, Session, SessionLayer, StoreKey,
    store::{
        Created, Loaded, MemoryStore, Moved, Reached, Record, Store, StoreError, StoreErrorKind,
        WriteId, Written,
    },
};
use http::{Request, header};
use server::tap::Tap;
use tokio::sync::Notify;
use tower::ServiceExt;

fn sessions(store: impl Store) -> SessionLayer {
    let key = dewar::random_bytes(32).expect("random bytes");
    SessionLayer::server(key, store).build().expect("a layer")
}

/// Every cookie the response sets, and the body.
async fn ask(app: &Router, path: &str, cookies: &str) -> (Vec<String>, String) {
    let request = Request::get(path).header(header::COOKIE, cookies).body(Body::empty());
    let response = app.clone().oneshot(request.expect("a request")).await.expect("an answer");
    let text = |line: &http::HeaderValue| {
        let line = line.to_str().expect("visible text");
        line.split(';').next().unwrap_or_default().to_owned()
    };
    let set = response.headers().get_all(header::SET_COOKIE).iter().map(text).collect();
    let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    (set, String::from_utf8(body.to_vec()).expect("text"))
}

async fn login(session: Session) {
    session.set("user", "ada");
}

async fn rotate(session: Session) {
    session.regenerate();
}

async fn logout(session: Session) {
    session.destroy();
}

async fn who(session: Session) -> String {
    format!("{}: {:?}", session.verdict(), session.get::<String>("user"))
}

fn pages() -> Router {
    Router::new()
        .route("/login", get(login))
        .route("/rotate", get(rotate))
        .route("/logout", get(logout))
        .route("/who", get(who))
}

#[tokio::test]
async fn one_layer_around_another_commits_once() {
    let key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";
    for sessions in [
        SessionLayer::server(key, MemoryStore::new()).build().expect("a layer"),
        SessionLayer::flask(key).clock(ManualClock::at_unix(1_700_000_000)).build().expect("one"),
    ] {
        let permanent = async |session: Session| session.set_permanent(true);
        let inner = pages().route("/permanent", get(permanent)).layer(sessions.clone());
        let app = Router::new().nest("/inner", inner).layer(sessions);
        let (set, _) = ask(&app, "/inner/permanent", "").await;
        assert_eq!(set.len(), 1, "{set:?}");
        let (removed, _) = ask(&app, "/inner/logout", &set[0]).await;
        assert_eq!(removed, ["session="], "the outer layer does not bring the session back");
    }
}

#[tokio::test]
async fn a_rotated_id_casts_no_doubt_on_the_live_one() {
    let app = pages().layer(sessions(MemoryStore::new()));
    let old = ask(&app, "/login", "").await.0.remove(0);
    let new = ask(&app, "/rotate", &old).await.0.remove(0);
    for cookies in [format!("{old}; {new}"), format!("{new}; {old}")] {
        let (_, body) = ask(&app, "/who", &cookies).await;
        assert!(body.ends_with(r#": Some("ada")"#), "{body}");
    }
}

/// None of them is believed, so the page sees nobody: but it may not say that somebody has logged out
/// while one of them lives on.
#[tokio::test]
async fn a_logout_ends_every_live_session_that_came() {
    let again = async |session: Session| {
        session.clear();
        session.set("user", "bob");
    };
    let store = MemoryStore::new();
    let app = pages().route("/again", get(again)).layer(sessions(store));
    for count in [2, 3, 4] {
        for (page, expected) in [("/logout", None), ("/again", Some(r#"Some("bob")"#))] {
            let mut cookies = Vec::new();
            for _ in 0..count {
                cookies.extend(ask(&app, "/login", "").await.0);
            }
            let all = cookies.join("; ");
            let (_, body) = ask(&app, "/who", &all).await;
            assert!(body.starts_with("two different session cookies"), "{body}");
            let (set, _) = ask(&app, page, &all).await;
            assert_eq!(set.len(), 1, "{set:?}");
            assert_eq!(set[0] == "session=", expected.is_none(), "{set:?}");
            for cookie in &cookies {
                let (_, body) = ask(&app, "/who", cookie).await;
                assert!(body.ends_with(": None"), "{page} with {count}: {body}");
            }
            if let Some(expected) = expected {
                // What was doubted is dead, so it casts no doubt any more.
                let (_, body) = ask(&app, "/who", &format!("{all}; {}", set[0])).await;
                let is_seen = body.ends_with(expected);
                assert_eq!(is_seen, count < 4, "four cookies are looked at: {body}");
            }
        }
    }
}

#[tokio::test]
async fn an_early_commit_tells_that_the_session_has_ended() {
    let (opened, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&opened), Arc::clone(&ended));
    let slow = async move |session: Session| {
        tell.notify_one();
        wait.notified().await;
        session.set("k", 1);
        let (first, again) = (session.commit().await, session.commit().await);
        assert!(matches!((first, again), (Err(CommitError::Ended), Err(CommitError::Ended))));
        "told"
    };
    let app = pages().route("/slow", get(slow)).layer(sessions(MemoryStore::new()));
    let cookie = ask(&app, "/login", "").await.0.remove(0);
    let logout = async {
        opened.notified().await;
        ask(&app, "/logout", &cookie).await;
        ended.notify_one();
    };
    let ((set, body), ()) = tokio::join!(ask(&app, "/slow", &cookie), logout);
    assert_eq!((set, body.as_str()), (vec![], "told"));
}

/// Answers every load as a store does that finds its record damaged.
struct Damaged(MemoryStore);

impl Store for Damaged {
    async fn load(&self, _: &StoreKey) -> Result<Loaded, StoreError> {
        Err(StoreError::new(StoreErrorKind::Corrupt))
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.0.create(key, record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.0.update(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, deadline_ms: u64) -> Result<Reached, StoreError> {
        self.0.touch(key, deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.0.delete(key, until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.0.supersede(old, expected, moved).await
    }
}

#[tokio::test]
async fn a_damaged_record_locks_its_visitor_out_of_no_page() {
    let app = pages().layer(sessions(Damaged(MemoryStore::new())));
    let cookie = ask(&app, "/login", "").await.0.remove(0);
    let (_, body) = ask(&app, "/who", &cookie).await;
    assert!(body.starts_with("the stored record cannot be read as a session"), "{body}");
}

#[test]
fn times_that_do_not_fit_into_each_other_are_refused() {
    let second = Duration::from_secs(1);
    let built = |call, commit, marker| {
        let key = dewar::random_bytes(32).expect("random bytes");
        let builder = SessionLayer::server(key, MemoryStore::new());
        builder.call_timeout(call).commit_deadline(commit).marker_lifetime(marker).build().is_ok()
    };
    assert!(built(second, second, second));
    assert!(!built(Duration::ZERO, second, second));
    assert!(!built(2 * second, second, 3 * second));
    assert!(!built(second, 2 * second, second));
}

/// Where a write counts only once it is confirmed, whoever gives up before the store does would find it
/// and take it for confirmed.
#[test]
fn a_store_that_needs_more_time_than_a_call_has_is_refused() {
    let ms = Duration::from_millis;
    for (needs, call_timeout, built) in [
        (None, ms(1), true),
        (Some(ms(2000)), ms(2000), true),
        (Some(ms(2001)), ms(2000), false),
        (Some(ms(2001)), ms(2001), true),
    ] {
        let mut store = Tap::new();
        store.needs = needs;
        let key = dewar::random_bytes(32).expect("random bytes");
        let layer = SessionLayer::server(key, store).call_timeout(call_timeout).build();
        match layer {
            Ok(_) => assert!(built, "{needs:?} in {call_timeout:?}"),
            Err(error) => {
                assert!(!built, "{needs:?} in {call_timeout:?}");
                let told = error.to_string();
                assert!(told.contains("2s") && told.contains("2.001s"), "{told}");
                assert!(told.contains("call call_timeout with at least"), "{told}");
            }
        }
    }
}
