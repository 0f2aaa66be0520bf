//! What holds of a user's sessions on every store, through a whole application.
//!
//! Each check has users of its own, so that all may share a store.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{Request, StatusCode, header},
    routing::get,
};
use dewar::{
    Clock, CommitError, EndedBy, Event, Session, SessionLayer, StoreKey, UserSessions, WhenFull,
    store::{BoxStore, Loaded, Owner, Scan, Store},
};
use tokio::sync::Barrier;
use tower::ServiceExt;

/// The machine's clock, moved: a store with an expiry of its own goes by the machine's.
#[derive(Clone, Debug, Default)]
struct Ahead(Arc<Mutex<Duration>>);

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        SystemTime::now() + *self.0.lock().unwrap()
    }
}

type Ends = Arc<Mutex<Vec<(StoreKey, EndedBy)>>>;

/// One process of an application.
#[derive(Clone)]
struct App {
    router: Router,
    users: UserSessions,
    ends: Ends,
    clock: Ahead,
}

async fn login(session: Session, Path(user): Path<String>) -> Result<(), CommitError> {
    session.bind_user(&user).device("a test");
    session.set("cart", "3 pears");
    session.commit().await.map(drop)
}

async fn see(session: Session) -> String {
    format!("{};{}", session.verdict(), session.user_id().unwrap_or_default())
}

async fn rotate(session: Session) {
    session.regenerate();
    session.set("step", 2);
}

async fn visit(session: Session) {
    session.set("visits", 1);
}

async fn leave(session: Session) {
    session.unbind_user();
}

async fn logout(session: Session) {
    session.destroy();
}

struct Answer {
    status: StatusCode,
    cookie: Option<String>,
    body: String,
}

impl App {
    fn new(store: &BoxStore, cap: Option<(usize, WhenFull)>) -> Self {
        let (ends, clock) = (Ends::default(), Ahead::default());
        let told = Arc::clone(&ends);
        let mut builder =
            SessionLayer::server("9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG", store.clone())
                .clock(clock.clone())
                .on_event(move |event| {
                    if let Event::SessionEnded { session, by } = event {
                        told.lock().unwrap().push((*session, *by));
                    }
                });
        if let Some((limit, when_full)) = cap {
            builder = builder.max_sessions_per_user(NonZeroUsize::new(limit).unwrap(), when_full);
        }
        let layer = builder.build().unwrap();
        let users = layer.user_sessions().unwrap();
        let router = Router::new()
            .route("/login/{user}", get(login))
            .route("/see", get(see))
            .route("/rotate", get(rotate))
            .route("/visit", get(visit))
            .route("/leave", get(leave))
            .route("/logout", get(logout))
            .layer(layer);
        Self { router, users, ends, clock }
    }

    async fn ask(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty());
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let cookie = response.headers().get(header::SET_COOKIE).map(|set| {
            let text = set.to_str().unwrap();
            text.split(';').next().unwrap().to_owned()
        });
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Answer { status, cookie, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn login(&self, user: &str) -> String {
        let answer = self.ask(&format!("/login/{user}"), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.cookie.unwrap()
    }

    async fn user_of(&self, cookie: &str) -> String {
        let body = self.ask("/see", cookie).await.body;
        body.rsplit(';').next().unwrap().to_owned()
    }

    async fn count(&self, user: &str) -> usize {
        self.users.list(user).await.unwrap().len()
    }

    fn ended(&self, by: EndedBy) -> usize {
        self.ends.lock().unwrap().iter().filter(|end| end.1 == by).count()
    }
}

/// A user nobody else has.
fn user(name: &str) -> String {
    let bytes: Vec<_> = dewar::random_bytes(8).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{hex}")
}

/// All of it.
pub(crate) async fn examine(store: impl Store) {
    let store = store.boxed();
    a_user_sees_his_sessions(&store).await;
    a_user_ends_one_all_or_all_but_this(&store).await;
    a_rotated_session_is_listed_once(&store).await;
    a_session_belongs_to_whoever_logged_in_last(&store).await;
    an_expired_session_is_not_listed(&store).await;
    of_parallel_logins_exactly_as_many_stay_as_may(&store).await;
    a_user_who_is_refused_keeps_what_he_has(&store).await;
    each_session_ends_once(&store).await;
    after_an_erasure_nothing_is_left(&store).await;
}

async fn a_user_sees_his_sessions(store: &BoxStore) {
    let (app, ada, bob) = (App::new(store, None), user("ada"), user("bob"));
    let first = app.login(&ada).await;
    app.login(&ada).await;
    app.login(&bob).await;
    app.ask("/visit", &first).await;
    let sessions = app.users.list(&ada).await.unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(app.count(&bob).await, 1);
    for session in &sessions {
        assert_eq!(session.device.as_deref(), Some("a test"));
        assert!(session.bytes > 20 && session.expires > SystemTime::now(), "{session:?}");
        assert!(session.created > UNIX_EPOCH + Duration::from_secs(1_600_000_000), "{session:?}");
        let seen = session.last_seen.unwrap();
        assert!(seen >= session.created && seen <= SystemTime::now(), "{session:?}");
    }
    let exported = app.users.export(&ada).await.unwrap();
    let carts = exported.iter().filter(|it| it.contents.get("cart").is_some());
    assert_eq!(carts.count(), 2);
}

async fn a_user_ends_one_all_or_all_but_this(store: &BoxStore) {
    let (app, ada, bob) = (App::new(store, None), user("ada"), user("bob"));
    let mut cookies = Vec::new();
    for _ in 0..4 {
        cookies.push(app.login(&ada).await);
    }
    let bobs = app.login(&bob).await;
    let first = app.users.list(&ada).await.unwrap()[0].key;
    assert!(!app.users.revoke(&bob, first).await.unwrap(), "it is not his");
    assert!(app.users.revoke(&ada, first).await.unwrap());
    assert!(!app.users.revoke(&ada, first).await.unwrap(), "twice is once");
    assert_eq!(app.count(&ada).await, 3);
    let keep = app.users.list(&ada).await.unwrap()[1].key;
    assert_eq!(app.users.revoke_others(&ada, keep).await.unwrap(), 2);
    assert_eq!(app.users.list(&ada).await.unwrap()[0].key, keep);
    assert_eq!(app.users.revoke_all(&ada).await.unwrap(), 1);
    assert_eq!(app.users.revoke_all(&ada).await.unwrap(), 0);
    for cookie in &cookies {
        assert_eq!(app.user_of(cookie).await, "");
        // Nor does a slower request bring one back.
        app.ask("/visit", cookie).await;
    }
    assert_eq!(app.count(&ada).await, 0);
    assert_eq!(app.user_of(&bobs).await, bob);
}

async fn a_rotated_session_is_listed_once(store: &BoxStore) {
    let (app, ada) = (App::new(store, None), user("ada"));
    let first = app.login(&ada).await;
    let second = app.ask("/rotate", &first).await.cookie.unwrap();
    let third = app.ask("/rotate", &second).await.cookie.unwrap();
    let sessions = app.users.list(&ada).await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert!(app.users.revoke(&ada, sessions[0].key).await.unwrap());
    for cookie in [first, second, third] {
        assert_eq!(app.user_of(&cookie).await, "");
    }
}

async fn a_session_belongs_to_whoever_logged_in_last(store: &BoxStore) {
    let (app, ada, bob) = (App::new(store, None), user("ada"), user("bob"));
    let hers = app.login(&ada).await;
    let his = app.ask(&format!("/login/{bob}"), &hers).await.cookie.unwrap();
    assert_eq!((app.count(&ada).await, app.count(&bob).await), (0, 1));
    assert_eq!(app.users.revoke_all(&ada).await.unwrap(), 0);
    assert_eq!(app.user_of(&his).await, bob);
    let nobodys = app.ask("/leave", &his).await.cookie.unwrap();
    assert_eq!(app.count(&bob).await, 0);
    assert_eq!(app.users.revoke_all(&bob).await.unwrap(), 0);
    assert!(app.ask("/see", &nobodys).await.body.starts_with("opened"), "the rest lives on");
}

async fn an_expired_session_is_not_listed(store: &BoxStore) {
    let (app, ada) = (App::new(store, None), user("ada"));
    let cookie = app.login(&ada).await;
    *app.clock.0.lock().unwrap() = Duration::from_secs(3 * 3600);
    assert_eq!(app.count(&ada).await, 0);
    assert_eq!(app.user_of(&cookie).await, "");
    assert_eq!(app.ended(EndedBy::Expired), 1, "whoever saw it buried it, and told it");
    app.user_of(&cookie).await;
    assert_eq!(app.ended(EndedBy::Expired), 1);
}

async fn of_parallel_logins_exactly_as_many_stay_as_may(store: &BoxStore) {
    for (when_full, by) in [(WhenFull::EndOldest, 0), (WhenFull::Refuse, 1)] {
        // Two processes, which know of each other by the store alone.
        let apps = [App::new(store, Some((5, when_full))), App::new(store, Some((5, when_full)))];
        let (ada, start) = (user("ada"), Arc::new(Barrier::new(20)));
        let logins = (0..20).map(|number| {
            let (app, path) = (apps[number % 2].clone(), format!("/login/{ada}"));
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                app.ask(&path, "").await
            })
        });
        let logins: Vec<_> = logins.collect();
        let (mut cookies, mut refused) = (Vec::new(), 0);
        for login in logins {
            let answer = login.await.unwrap();
            refused += usize::from(answer.status == StatusCode::CONFLICT);
            cookies.extend(answer.cookie);
        }
        assert_eq!(apps[0].count(&ada).await, 5, "{when_full:?}");
        assert_eq!(refused, [0, 15][by], "{when_full:?}");
        let mut alive = 0;
        for cookie in &cookies {
            alive += usize::from(apps[1].user_of(cookie).await == ada);
        }
        assert_eq!(alive, 5, "{when_full:?}");
    }
}

async fn a_user_who_is_refused_keeps_what_he_has(store: &BoxStore) {
    let (app, ada) = (App::new(store, Some((1, WhenFull::Refuse))), user("ada"));
    let first = app.login(&ada).await;
    let anonymous = app.ask("/visit", "").await.cookie.unwrap();
    let answer = app.ask(&format!("/login/{ada}"), &anonymous).await;
    assert_eq!((answer.status, answer.cookie), (StatusCode::CONFLICT, None));
    assert!(app.ask("/see", &anonymous).await.body.starts_with("opened"));
    assert_eq!(app.user_of(&first).await, ada);
    app.ask("/logout", &first).await;
    let answer = app.ask(&format!("/login/{ada}"), &anonymous).await;
    assert_eq!(answer.status, StatusCode::OK);
    // The one who is there already may log in again.
    let again = app.ask(&format!("/login/{ada}"), &answer.cookie.unwrap()).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(app.count(&ada).await, 1);
}

/// Logouts, revocations and an eviction at once, from two processes: one of them tells it.
async fn each_session_ends_once(store: &BoxStore) {
    let apps = [App::new(store, None), App::new(store, None)];
    let ada = user("ada");
    for _ in 0..10 {
        let cookie = apps[0].login(&ada).await;
        let key = apps[0].users.list(&ada).await.unwrap()[0].key;
        let start = Arc::new(Barrier::new(6));
        let mut clients = Vec::new();
        for number in 0..6 {
            let (app, start) = (apps[number % 2].clone(), Arc::clone(&start));
            let (cookie, ada) = (cookie.clone(), ada.clone());
            clients.push(tokio::spawn(async move {
                start.wait().await;
                match number / 2 {
                    0 => drop(app.ask("/logout", &cookie).await),
                    1 => drop(app.users.revoke(&ada, key).await.unwrap()),
                    _ => drop(app.users.revoke_all(&ada).await.unwrap()),
                }
            }));
        }
        for client in clients {
            client.await.unwrap();
        }
        let told: Vec<_> = apps.iter().flat_map(|app| app.ends.lock().unwrap().clone()).collect();
        assert_eq!(told.iter().filter(|(session, _)| *session == key).count(), 1, "{told:?}");
    }
}

async fn after_an_erasure_nothing_is_left(store: &BoxStore) {
    let (app, ada, bob) = (App::new(store, None), user("ada"), user("bob"));
    for _ in 0..3 {
        let cookie = app.login(&ada).await;
        app.ask("/rotate", &cookie).await;
    }
    app.login(&bob).await;
    assert_eq!(app.users.erase(&ada).await.unwrap(), 3);
    let (owner, mut from) = (Owner::of(&ada), None);
    loop {
        let page = store.scan(from.as_ref(), 100).await.unwrap();
        for (key, found) in page.found {
            if let Loaded::Live(record) = found.unwrap() {
                assert_ne!(record.owner, Some(owner), "{key} is still hers");
                let text = String::from_utf8_lossy(&record.data).into_owned();
                assert!(!text.contains(&ada), "{key} still names her");
            }
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(app.users.erase(&ada).await.unwrap(), 0);
    assert_eq!(app.count(&bob).await, 1);
}

/// So many logins of one user, each past when the next one comes.
#[allow(dead_code, reason = "only where the notes can be counted")]
pub(crate) async fn log_in_and_expire(store: &(impl Store + Clone), user: &str, count: u64) {
    let app = App::new(&store.clone().boxed(), None);
    for number in 1..=count {
        app.login(user).await;
        *app.clock.0.lock().unwrap() = Duration::from_secs(number * 3 * 3600);
    }
}
