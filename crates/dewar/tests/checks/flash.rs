//! flash.json: messages over several requests of one browser.

use std::sync::{Arc, Mutex};

use axum::{Router, routing::get};
use dewar::{ManualClock, Session, Value};
use dewar_testdata::{typed, vectors};
use serde_json::Value as Json;

use super::{Check, Complaints, Jar, Machine, cookies, flask, id, save_session, text};

pub fn check(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    for case in vectors("flash") {
        let requests = case["requests"].as_array().expect("requests");
        let results = Arc::new(Mutex::new(Vec::new()));
        let now = ManualClock::at_unix(case["now"].as_u64().expect("seconds"));
        let sessions = flask(text(&case["secret_key"])).clock(now);
        let app = machine.app(sessions, routes(requests, &results)).expect("a sound configuration");
        let mut browser = Jar::default();
        for (i, request) in requests.iter().enumerate() {
            let what = format!("{} request {i}", id(&case));
            let reply = browser.visit(&app, &format!("/{i}"));
            complaints.same(&what, u64::from(reply.status), request["status"].as_u64().unwrap());
            let found = std::mem::take(&mut *results.lock().unwrap());
            let expected = request["results"].as_array().expect("results").iter();
            complaints.same(&what, found, expected.filter_map(typed::value).collect());
            compare_headers(&mut complaints, &what, &reply.session_headers(), request);
        }
    }
    complaints.verdict()
}

fn compare_headers(
    complaints: &mut Complaints,
    what: &str,
    found: &[(String, String)],
    request: &Json,
) {
    let expected = save_session::pairs(&request["headers"]);
    let same = |(ours, theirs): (&(String, String), &(String, String))| {
        ours.0 == theirs.0 && cookies::same_line("secret", &ours.1, &theirs.1)
    };
    let alike = found.len() == expected.len() && found.iter().zip(&expected).all(same);
    complaints.ensure(alike, || format!("{what}: {found:?}, expected {expected:?}"));
    if let Some(session) = request.get("session_after").and_then(typed::value) {
        let line = found.iter().find(|(name, _)| name == "Set-Cookie");
        let kept = line.and_then(|(_, line)| cookies::contents("secret", cookies::token(line)));
        if kept.is_some() {
            complaints.same(what, kept.map(Value::Dict), Some(session));
        }
    }
}

/// A path per request; what the messages were goes into `results`.
fn routes(requests: &[Json], results: &Arc<Mutex<Vec<Value>>>) -> Router {
    requests.iter().enumerate().fold(Router::new(), |router, (i, request)| {
        let actions: Arc<[Json]> = request["actions"].as_array().expect("actions").clone().into();
        let results = Arc::clone(results);
        let handler = move |session: Session| async move {
            for action in actions.iter() {
                if action["op"] == "get_flashed_messages" {
                    results.lock().unwrap().push(flashed_messages(&session, action));
                } else {
                    save_session::act(&session, action).expect("no case fails");
                }
            }
        };
        router.route(&format!("/{i}"), get(handler))
    })
}

/// Flask's `get_flashed_messages` in terms of ours.
fn flashed_messages(session: &Session, action: &Json) -> Value {
    let filter: Vec<&str> =
        action["category_filter"].as_array().into_iter().flatten().map(text).collect();
    let wanted = session.flashed_messages().into_iter();
    let wanted = wanted.filter(|f| filter.is_empty() || filter.contains(&f.category.as_str()));
    let with_categories = action["with_categories"] == true;
    let shown = wanted.map(|flash| match with_categories {
        true => Value::Tuple(vec![flash.category.into(), flash.message.into()]),
        false => flash.message.into(),
    });
    Value::List(shown.collect())
}
