//! The recorded transcripts of the tutorials' programs, replayed.
//!
//! Status, `Set-Cookie`, `Vary`, `Location`, `Content-Type` and body of every exchange are
//! compared with what Flask answered. Two tables in `testdata/golden` hold the exceptions:
//!
//! - `deferred.tsv`: exchanges that routing, form parsing or an error page answers, for which plain
//!   axum has its own;
//! - `differs.tsv`: deliberate differences, with what dewar answers instead.
//!
//! A row that names no exchange, or one that would match by now, fails the test.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, Response},
};
use dewar::{ManualClock, SessionLayer};
use dewar_examples::{count, login, stocks, username, visits};
use dewar_testdata::{golden, table};
use serde_json::{Value as Json, json};
use tower::ServiceExt;

/// Builds a program.
type Program = fn() -> Router;

const TRANSCRIPTS: [(&str, Program); 7] = [
    ("01_count_six_requests", count::app),
    ("02_visits_twenty_then_cleared", visits::app),
    ("03_tampered_cookie", visits::app),
    ("04_two_independent_clients", visits::app),
    ("06_set_get_delete", username::app),
    ("07_login_logout", login::app),
    ("08_stocks", stocks::app),
];

/// What is compared, and its value: text, a list of header values, or a number.
type Answer = BTreeMap<String, Json>;
/// One exchange: the transcript and the number within it.
type Place = (String, usize);

#[tokio::test(flavor = "current_thread")]
async fn the_recorded_transcripts_replay() {
    let deferred = deferred();
    let differs = differs();
    let mut places = BTreeSet::new();
    let mut failures = Vec::new();
    for (name, app) in TRANSCRIPTS {
        let transcript = golden(name);
        for (number, exchange) in transcript["exchanges"].as_array().unwrap().iter().enumerate() {
            let place: Place = (name.into(), number);
            let recorded = recorded(&exchange["response"]);
            let mut difference = replay(&transcript, app(), exchange).await;
            difference.retain(|field, answer| recorded[field] != *answer);
            if deferred.contains(&place) {
                if difference.is_empty() {
                    failures.push(format!("{place:?} replays: take it out of deferred.tsv"));
                }
            } else if difference != differs.get(&place).cloned().unwrap_or_default() {
                let expected = difference.keys().map(|field| (field, &recorded[field]));
                let expected: BTreeMap<_, _> = expected.collect();
                failures.push(format!("{place:?}\n  dewar {difference:?}\n  Flask {expected:?}"));
            }
            places.insert(place);
        }
    }
    let rows = deferred.iter().chain(differs.keys());
    let ours = rows.filter(|(name, _)| TRANSCRIPTS.iter().any(|(ours, _)| ours == name));
    failures.extend(ours.filter(|row| !places.contains(row)).map(|row| format!("no {row:?}")));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Every row of the tables names a transcript that exists.
#[test]
fn the_tables_of_exceptions_name_transcripts() {
    for (name, number) in deferred().iter().chain(differs().keys()) {
        let exchanges = golden(name)["exchanges"].as_array().unwrap().len();
        assert!(*number < exchanges, "{name} has {exchanges} exchanges");
    }
}

async fn replay(transcript: &Json, app: Router, exchange: &Json) -> Answer {
    let clock = ManualClock::at_unix(exchange["clock"].as_u64().unwrap());
    let sessions = SessionLayer::flask(transcript["secret_key"].as_str().unwrap())
        .insecure_accept_weak_key()
        .clock(clock)
        .build()
        .unwrap();
    let response = app.layer(sessions).oneshot(request(&exchange["request"])).await.unwrap();
    answer(response).await
}

fn request(recorded: &Json) -> Request<Body> {
    let mut line = recorded["line"].as_str().unwrap().split(' ');
    let (method, target) = (line.next().unwrap(), line.next().unwrap());
    let mut request = Request::builder().method(method).uri(target);
    for header in recorded["headers"].as_array().unwrap() {
        request = request.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
    }
    assert_eq!(recorded["body_encoding"], "utf-8");
    request.body(Body::from(recorded["body"].as_str().unwrap().to_owned())).unwrap()
}

async fn answer(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let values = |headers: &HeaderMap, name: &str| {
        let values = headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    fields(parts.status.as_u16(), &body, |name| values(&parts.headers, name))
}

fn recorded(response: &Json) -> Answer {
    assert_eq!(response["body_encoding"], "utf-8");
    let status = response["status"].as_u64().unwrap().try_into().unwrap();
    fields(status, response["body"].as_str().unwrap(), |name| {
        let headers = response["headers"].as_array().unwrap().iter();
        let ours = headers.filter(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
        ours.map(|header| header[1].as_str().unwrap().to_owned()).collect()
    })
}

fn fields(status: u16, body: &str, values: impl Fn(&str) -> Vec<String>) -> Answer {
    let headers = ["Set-Cookie", "Vary", "Location", "Content-Type"];
    let headers = headers.map(|name| (name.to_owned(), json!(values(name))));
    let rest = [("status".to_owned(), json!(status)), ("body".to_owned(), json!(body))];
    headers.into_iter().chain(rest).collect()
}

/// Columns: transcript, exchange, reason.
fn deferred() -> BTreeSet<Place> {
    table("deferred").into_iter().map(|[name, number, _]| (name, number.parse().unwrap())).collect()
}

/// Columns: transcript, exchange, field, what dewar answers as JSON, reason.
fn differs() -> BTreeMap<Place, Answer> {
    let mut differs: BTreeMap<Place, Answer> = BTreeMap::new();
    for [name, number, field, answer, _] in table("differs") {
        let row = differs.entry((name, number.parse().unwrap())).or_default();
        row.insert(field, serde_json::from_str(&answer).unwrap());
    }
    differs
}
