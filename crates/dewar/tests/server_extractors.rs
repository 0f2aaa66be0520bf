//! The doors of a handler in server mode: `Option<Session>`, `Typed`, two at once.

mod server;

use axum::{Router, body::Body, routing::get};
use dewar::{Session, SessionLayer, Typed};
use http::{Request, header};
use server::{site::Millis, tap::Tap};
use tower::ServiceExt;

#[derive(Default, serde::Deserialize, serde::Serialize)]
#[serde(default)]
struct Visit {
    visits: u32,
    seen: Vec<String>,
}

async fn maybe(session: Option<Session>) -> String {
    match session {
        Some(session) => {
            session.set("asked", true);
            format!("{:?}", session.get::<i64>("visits"))
        }
        None => "nobody".into(),
    }
}

async fn typed(mut visit: Typed<Visit>) -> String {
    visit.visits += 1;
    visit.seen.push("apple".into());
    format!("visit {}", visit.visits)
}

async fn both(session: Session, mut visit: Typed<Visit>, again: Option<Session>) -> String {
    visit.visits += 1;
    session.set("extra", 1);
    format!("{} {}", again.is_some(), visit.session().contains("extra"))
}

/// The struct is dropped behind the commit: its change comes too late.
async fn late(session: Session, mut visit: Typed<Visit>) -> String {
    visit.visits = 99;
    session.commit().await.map_or_else(|error| error.to_string(), |kept| format!("{}", kept.len()))
}

struct Shop {
    app: Router,
    store: Tap,
}

impl Shop {
    fn new() -> Self {
        let store = Tap::new();
        let sessions = SessionLayer::server("9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG", store.clone())
            .clock(Millis::default())
            .build()
            .expect("a layer");
        let app = Router::new()
            .route("/maybe", get(maybe))
            .route("/typed", get(typed))
            .route("/both", get(both))
            .route("/late", get(late))
            .layer(sessions);
        Self { app, store }
    }

    /// The body, the calls of the store, and the cookie from now on.
    async fn get(&self, path: &str, cookie: &mut String) -> (String, String) {
        self.store.calls();
        let request = Request::get(path).header(header::COOKIE, &*cookie);
        let request = request.body(Body::empty()).expect("a request");
        let response = self.app.clone().oneshot(request).await.expect("an answer");
        if let Some(set) = response.headers().get(header::SET_COOKIE) {
            let text = set.to_str().expect("visible text");
            *cookie = text.split(';').next().unwrap_or_default().to_owned();
        }
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.expect("a body");
        (String::from_utf8(body.to_vec()).expect("text"), self.store.calls())
    }
}

#[tokio::test]
async fn every_door_opens_the_session_once() {
    let shop = Shop::new();
    let mut cookie = "theme=dark".to_owned();
    let mut answers = Vec::new();
    for path in ["/maybe", "/typed", "/typed", "/maybe", "/maybe", "/both", "/late", "/typed"] {
        answers.push(shop.get(path, &mut cookie).await);
    }
    let expected = [
        ("nobody", ""),
        ("visit 1", "create"),
        ("visit 2", "load update"),
        ("Some(2)", "load update"),
        ("Some(2)", "load"),
        ("true true", "load update"),
        ("4", "load"),
        ("visit 4", "load update"),
    ];
    for ((body, calls), expected) in answers.iter().zip(expected) {
        assert_eq!((body.as_str(), calls.as_str()), expected);
    }
    let live = shop.store.live_with("\"visits\":4").await;
    assert_eq!((live, shop.store.live_with("\"extra\":1").await), (1, 1));
    assert_eq!(shop.store.live_with("[\"apple\",\"apple\",\"apple\"]").await, 1);
}
