//! The typed face: a struct over the same keys.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod checks;

use axum::{Router, http::StatusCode, routing::get};
use checks::{KEY, NOW, Reply, cookies, signed, visit};
use dewar::{ManualClock, Session, Typed};
use serde::{Deserialize, Serialize, Serializer};

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Visit {
    visits: i64,
    seen: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// One request whose session holds `json`: the reply, and what the cookie holds then.
fn after<H, T>(handler: H, json: &str) -> (Reply, Option<String>)
where
    H: axum::handler::Handler<T, ()>,
    T: 'static,
{
    let sessions = signed().clock(ManualClock::at_unix(NOW)).build().unwrap();
    let app = Router::new().route("/", get(handler)).layer(sessions);
    let sent = format!("session={}", cookies::sign(KEY, json, NOW));
    let reply = visit(&app, "/", Some(&sent));
    let kept = reply.token().filter(|token| !token.is_empty());
    let kept = kept.map(|token| cookies::opened(KEY, &token).expect("our own").0);
    let stamp = format!("\"_created\":{NOW},");
    (reply, kept.map(|json| json.replace(&stamp, "")))
}

#[test]
fn changed_fields_are_written_back_nested_ones_too() {
    let handler = async |mut visit: Typed<Visit>| {
        visit.visits += 1;
        visit.seen.push("pear".into());
    };
    let (_, kept) = after(handler, r#"{"seen":["apple"],"visits":1}"#);
    assert_eq!(kept.as_deref(), Some(r#"{"seen":["apple","pear"],"visits":2}"#));
}

#[test]
fn a_first_visit_starts_from_the_default() {
    let handler = async |mut visit: Typed<Visit>| visit.visits += 1;
    let sessions = signed().clock(ManualClock::at_unix(NOW)).build().unwrap();
    let app = Router::new().route("/", get(handler)).layer(sessions);
    let token = visit(&app, "/", None).token().expect("a cookie");
    let contents = cookies::contents(KEY, &token).expect("our own");
    assert_eq!(contents.get("visits"), Some(&1.into()));
}

#[test]
fn reading_alone_sets_no_cookie() {
    let handler = async |visit: Typed<Visit>| visit.visits.to_string();
    let (reply, _) = after(handler, r#"{"visits":7}"#);
    assert_eq!((reply.body.as_str(), reply.set_cookies().len()), ("7", 0));
}

#[test]
fn keys_that_the_struct_does_not_name_survive() {
    let handler = async |mut visit: Typed<Visit>| visit.visits = 5;
    let (_, kept) = after(handler, r#"{"other":{" t":[1,{" b":"AA=="}]},"visits":1}"#);
    assert_eq!(kept.as_deref(), Some(r#"{"other":{" t":[1,{" b":"AA=="}]},"visits":5}"#));
}

#[test]
fn a_field_that_is_no_longer_written_is_removed() {
    let handler = async |mut visit: Typed<Visit>| visit.name = None;
    let (_, kept) = after(handler, r#"{"name":"Ann","visits":1}"#);
    assert_eq!(kept.as_deref(), Some(r#"{"visits":1}"#));
}

#[test]
fn both_faces_are_one_session() {
    let handler = async |session: Session, mut visit: Typed<Visit>| {
        session.set("direct", 1);
        visit.visits += 1;
        visit.session().set("through", 2);
    };
    let (_, kept) = after(handler, r#"{"visits":1}"#);
    assert_eq!(kept.as_deref(), Some(r#"{"direct":1,"through":2,"visits":2}"#));
}

#[test]
fn a_session_of_another_shape_is_the_applications_error() {
    let handler = async |visit: Typed<Visit>| visit.visits.to_string();
    let (reply, _) = after(handler, r#"{"visits":"many"}"#);
    assert_eq!((reply.status, reply.body.as_str()), (500, "Internal Server Error\n"));
    assert!(reply.set_cookies().is_empty());
}

/// A field that cannot always be written.
#[derive(Debug, Default, Deserialize)]
struct Fragile(i64);

impl Serialize for Fragile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0..100 => serializer.serialize_i64(self.0),
            _ => Err(serde::ser::Error::custom("too many")),
        }
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Breakable {
    count: Fragile,
}

#[test]
fn what_cannot_be_written_back_is_an_error_and_nothing_is_kept() {
    let handler = async |mut it: Typed<Breakable>| {
        it.session().set("other", 1);
        it.count.0 += 60;
        (StatusCode::OK, "done")
    };
    let (reply, kept) = after(handler, r#"{"count":1}"#);
    assert_eq!((reply.status, kept.as_deref()), (200, Some(r#"{"count":61,"other":1}"#)));
    let (reply, kept) = after(handler, r#"{"count":61}"#);
    assert_eq!((reply.status, kept), (500, None));
    assert_eq!(reply.body, "The session could not be saved.\n");
}

#[test]
fn dropped_in_a_panic_it_writes_nothing() {
    let kept: std::sync::Arc<std::sync::Mutex<Option<Session>>> = std::sync::Arc::default();
    let keeper = std::sync::Arc::clone(&kept);
    let handler = move |session: Session, mut visit: Typed<Visit>| async move {
        *keeper.lock().unwrap() = Some(session);
        visit.visits += 1;
        if visit.visits > 0 {
            panic!("as the test wants it");
        }
    };
    let run = std::panic::AssertUnwindSafe(|| after(handler, r#"{"visits":1}"#));
    assert!(std::panic::catch_unwind(run).is_err());
    let session = kept.lock().unwrap().take().expect("the handler ran");
    assert_eq!(session.get("visits"), Some(1));
}
