//! Nothing of a key, a token or a value is printed, whatever is printed.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod checks;

use std::{
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
};

use axum::{Router, extract::Request, routing::get};
use checks::{KEY, NOW, cookies, flask, random::Random, signed, visit};
use dewar::{ManualClock, Session, Typed, ValueError};
use serde::{Deserialize, Serialize};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// A value that only the visitor knows.
const CANARY: &str = "canary-4711";

/// Writes every field of every event down.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut log = self.0.lock().unwrap();
        let _ = write!(log, "\n{} {}", event.metadata().target(), event.metadata().level());
        event.record(&mut Fields(&mut log));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Debug, Deserialize, Serialize)]
struct Wrong {
    secret: u32,
}

/// Requests that raise every event, with everything that can be printed written down too.
fn run(log: &Log) {
    let printed = log.clone();
    let print = move |what: String| printed.0.lock().unwrap().push_str(&what);
    let in_handler = print.clone();
    let read = get(move |request: Request| async move {
        use axum::extract::FromRequestParts;
        let (mut parts, _) = request.into_parts();
        let session = Session::from_request_parts(&mut parts, &()).await.unwrap();
        session.set("own", CANARY);
        session.flash("info", CANARY);
        session.get::<i64>("secret");
        // The request's headers are the server's, not ours.
        in_handler(format!("{session:?} {:?} {}", session.verdict(), session.verdict()));
        in_handler(format!("{:?}", parts.extensions));
        let error: ValueError = session.incr("secret", 1).unwrap_err();
        in_handler(format!("{error:?} {error}"));
        let error: ValueError = session.get_as::<u32>("secret").unwrap_err();
        in_handler(format!("{error:?} {error}"));
        let error: ValueError = session.get_as::<Vec<bool>>("list").unwrap_err();
        in_handler(format!("{error:?} {error}"));
    });
    let large = get(async |session: Session| {
        let mut random = Random::new(1);
        let noise: Vec<u8> = (0..400).map(|_| random.next() as u8).collect();
        session.set("big", noise);
        session.set("small", CANARY);
    });
    let late = get(async |session: Session| {
        let _ = session.commit().await;
        session.set("late", CANARY);
    });
    let typed = get(async |wrong: Typed<Wrong>| format!("{wrong:?}"));
    let json = format!(r#"{{"secret":"{CANARY}","list":["{CANARY}"]}}"#);
    let sent = format!("session={}", cookies::sign(KEY, &json, NOW));
    let forged = format!("session={}", cookies::sign("another", &json, NOW));
    let no_session = format!("session={}", cookies::sign(KEY, &format!("[\"{CANARY}\"]"), NOW));
    let no_json = format!("session={}", cookies::sign(KEY, &format!("{{{CANARY}"), NOW));
    let tag = format!(
        "session={}",
        cookies::sign(KEY, &format!("{{\"a\":{{\" u\":\"{CANARY}\"}}}}"), NOW)
    );
    for sessions in [signed(), flask(KEY)] {
        let listener = print.clone();
        let sessions = sessions.clock(ManualClock::at_unix(NOW)).max_cookie_size(400);
        let sessions = sessions.on_event(move |event| listener(format!("{event:?}")));
        print(format!("{sessions:?}"));
        let sessions = sessions.build().unwrap();
        print(format!("{sessions:?}"));
        let app = Router::new()
            .route("/", read.clone())
            .route("/large", large.clone())
            .route("/late", late.clone())
            .route("/typed", typed.clone())
            .layer(sessions);
        for path in ["/", "/large", "/late", "/typed"] {
            visit(&app, path, Some(&sent));
        }
        for cookie in [&forged, &no_session, &no_json, &tag] {
            visit(&app, "/late", Some(cookie));
        }
        for weak in ["secret", "short", &KEY[..15]] {
            print(format!(
                "{:?}",
                dewar::SessionLayer::signed_cookie(weak).build().map_err(|e| e.to_string())
            ));
        }
    }
}

#[test]
fn no_key_token_or_value_is_ever_printed() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || run(&log));
    let text = log.text();
    for event in [
        "session opened",
        "session committed",
        "session not saved",
        "the change is lost",
        "too large",
        "failed on its session",
        "a type it does not hold",
    ] {
        assert!(text.contains(event), "no {event:?} in {text}");
    }
    let token = cookies::sign(KEY, CANARY, NOW);
    let signature = token.rsplit('.').next().unwrap();
    for secret in [CANARY, KEY, &KEY[..15], signature, "eyJ"] {
        let at = text.find(secret);
        assert_eq!(
            at,
            None,
            "{secret} in …{}",
            at.map_or("", |at| &text[at.saturating_sub(200)..at + 20])
        );
    }
}
