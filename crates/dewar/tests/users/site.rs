//! An application over a store in whose calls others come between.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{Request, header},
    routing::get,
};
use dewar::{
    Clock, CommitError, EndedBy, Event, OnOutage, Session, SessionLayer, StoreKey, UserSessions,
    WhenFull,
};
use tokio::sync::Notify;
use tower::ServiceExt;

use super::between::Between;

/// The machine's clock, moved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ahead(Arc<Mutex<Duration>>);

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        SystemTime::now() + *self.0.lock().unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct App {
    router: Router,
    pub(crate) layer: SessionLayer,
    pub(crate) users: UserSessions,
    ends: Arc<Mutex<Vec<(StoreKey, EndedBy)>>>,
    clock: Ahead,
    opened: Arc<Notify>,
    go: Arc<Notify>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) cookie: Option<String>,
    pub(crate) body: String,
}

impl App {
    pub(crate) fn new(store: &Between) -> Self {
        Self::with(store, None, OnOutage::Refuse)
    }

    pub(crate) fn with(store: &Between, cap: Option<WhenFull>, on_outage: OnOutage) -> Self {
        let key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";
        let (ends, clock) = (Arc::new(Mutex::new(Vec::new())), Ahead::default());
        let told = Arc::clone(&ends);
        let mut builder = SessionLayer::server(key, store.clone())
            .on_outage(on_outage)
            .clock(clock.clone())
            .on_event(move |event| {
                if let Event::SessionEnded { session, by } = event {
                    told.lock().unwrap().push((*session, *by));
                }
            });
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
        let logout = async |session: Session| {
            session.destroy();
        };
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
            .route("/logout", get(logout))
            .route("/slow-leave", get(slow_leave))
            .route("/slow-login", get(slow_login))
            .layer(layer.clone());
        Self { router, layer, users, ends, clock, opened, go }
    }

    pub(crate) async fn ask(&self, path: &str, cookie: &str) -> Answer {
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

    pub(crate) async fn cookie(&self, path: &str, cookie: &str) -> String {
        self.ask(path, cookie).await.cookie.unwrap()
    }

    pub(crate) async fn user_of(&self, cookie: &str) -> String {
        self.ask("/see", cookie).await.body
    }

    pub(crate) async fn count(&self) -> usize {
        self.users.list("ada").await.unwrap().len()
    }

    /// A slow request opens its session, then another one rotates it, then the slow one goes on.
    pub(crate) async fn overtaken(&self, slow: &'static str, cookie: &str) -> (Answer, String) {
        let (app, its) = (self.clone(), cookie.to_owned());
        let slow = tokio::spawn(async move { app.ask(slow, &its).await });
        self.opened.notified().await;
        let rotated = self.cookie("/rotate", cookie).await;
        self.go.notify_one();
        (slow.await.unwrap(), rotated)
    }

    /// What was told of the ends of sessions.
    pub(crate) fn ends(&self) -> Vec<(StoreKey, EndedBy)> {
        self.ends.lock().unwrap().clone()
    }

    /// Lets so much time pass.
    pub(crate) fn wait(&self, span: Duration) {
        *self.clock.0.lock().unwrap() += span;
    }
}
