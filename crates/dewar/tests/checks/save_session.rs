//! save_session.json: one request each, its actions in terms of the API, its headers to the byte.

use std::{str::FromStr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Request},
    response::{IntoResponse, Response},
    routing::get,
};
use dewar::{ManualClock, SameSite, Session, SessionLayerBuilder, Value, key_from_env};
use dewar_testdata::{typed, vectors};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value as Json;

use super::{Check, Complaints, Machine, cookies, flask, id, text, visit};

/// Configurations that Flask runs with, or fails with at the first save, and dewar refuses when
/// built. With the number of cases of each.
const REFUSED: [(&str, usize, &str); 5] = [
    ("no key in the environment", 6, "is not set: export"),
    ("an empty key", 6, "no secret key: generate one with `dewar secret`"),
    ("SameSite", 6, "is unknown: write 'Strict', 'Lax' or 'None'"),
    ("a domain beyond ASCII", 3, "is not ASCII: write it in punycode (xn--…)"),
    ("a negative lifetime", 3, "negative"),
];

/// In Flask a nested change is lost unless the program says so. Here it is saved, on purpose.
const NESTED: (&str, &str) = ("save_session-0281", r#"{"a":1,"l":[1,2]}"#);

pub fn check(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    let mut refused = [0; REFUSED.len()];
    for case in vectors("save_session") {
        let app = configured(&case).and_then(|sessions| {
            machine.app(sessions, routes(&case)).map_err(|error| error.to_string())
        });
        match app {
            Ok(app) => compare(&mut complaints, &case, &app),
            Err(error) => {
                let known = REFUSED.iter().position(|(.., words)| error.contains(words));
                complaints.ensure(known.is_some(), || format!("{}: refused, {error}", id(&case)));
                known.inspect(|&i| refused[i] += 1);
            }
        }
    }
    complaints.same("refused when built", refused, REFUSED.map(|(_, count, _)| count));
    complaints.verdict()
}

fn compare(complaints: &mut Complaints, case: &Json, app: &Router) {
    let name = case["config"]["SESSION_COOKIE_NAME"].as_str().unwrap_or("session");
    let cookie = case["incoming_cookie"].as_str().map(|value| format!("{name}={value}"));
    let reply = visit(app, "/", cookie.as_deref());
    let found = reply.session_headers();
    let last = found.iter().rfind(|(header, _)| header == "Set-Cookie");
    let kept = last.map(|(_, line)| cookies::token(line)).filter(|token| !token.is_empty());
    if id(case) == NESTED.0 {
        let kept = kept.and_then(|token| cookies::opened("secret", token));
        return complaints.same(id(case), kept.map(|(json, _)| json).as_deref(), Some(NESTED.1));
    }
    complaints.same(id(case), u64::from(reply.status), case["status"].as_u64().expect("a status"));
    let expected = pairs(&case["headers"]);
    let alike = found.len() == expected.len()
        && found.iter().zip(&expected).all(|((name, line), (expected_name, expected_line))| {
            name == expected_name && cookies::same_line("secret", line, expected_line)
        });
    complaints.ensure(alike, || {
        format!("{} ({}): {found:?}, expected {expected:?}", id(case), case["note"])
    });
    let outgoing = kept.and_then(|token| cookies::contents("secret", token)).map(Value::Dict);
    let expected = case.get("outgoing_session").and_then(typed::value);
    // A session that stays as it was has no cookie to look into.
    if kept.is_some() {
        complaints.same(id(case), outgoing, expected);
    }
}

/// `[["Vary", "Cookie"], …]`
pub fn pairs(headers: &Json) -> Vec<(String, String)> {
    let headers = headers.as_array().expect("headers").iter();
    headers.map(|pair| (text(&pair[0]).to_owned(), text(&pair[1]).to_owned())).collect()
}

/// Flask's configuration as ours; an option that has no form here is refused in words.
fn configured(case: &Json) -> Result<SessionLayerBuilder, String> {
    let now = ManualClock::at_unix(case["now"].as_u64().expect("seconds"));
    let sessions = match case["secret_key"].as_str() {
        None => dewar::SessionLayer::flask(
            key_from_env("DEWAR_TEST_KEY_THAT_NOBODY_SETS").map_err(|error| error.to_string())?,
        ),
        Some("") => dewar::SessionLayer::flask(""),
        Some(key) => flask(key),
    };
    with_config(sessions.clock(now), &case["config"])
}

/// Applies Flask's configuration keys.
pub fn with_config(
    mut sessions: SessionLayerBuilder,
    config: &Json,
) -> Result<SessionLayerBuilder, String> {
    let path = config["SESSION_COOKIE_PATH"].as_str().filter(|path| !path.is_empty());
    if let Some(path) = path.or(config["APPLICATION_ROOT"].as_str()) {
        sessions = sessions.path(path);
    }
    for (option, value) in config.as_object().expect("an object") {
        let flag = || value.as_bool().expect("a flag");
        sessions = match option.as_str() {
            "SESSION_COOKIE_NAME" => sessions.cookie_name(text(value)),
            "SESSION_COOKIE_DOMAIN" if value == false => sessions,
            "SESSION_COOKIE_DOMAIN" => sessions.domain(text(value)),
            "SESSION_COOKIE_SECURE" => sessions.secure(flag()),
            "SESSION_COOKIE_HTTPONLY" => sessions.http_only(flag()),
            "SESSION_COOKIE_PARTITIONED" => sessions.partitioned(flag()),
            "SESSION_COOKIE_SAMESITE" => {
                let same_site = SameSite::from_str(text(value)).map_err(|e| e.to_string())?;
                sessions.same_site(same_site)
            }
            "SESSION_REFRESH_EACH_REQUEST" => sessions.rolling(flag()),
            "PERMANENT_SESSION_LIFETIME" => {
                let seconds = value.as_f64().expect("seconds");
                let lifetime = Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())?;
                sessions.permanent_lifetime(lifetime)
            }
            // The name of the server has no part in the cookie since Flask 2.3.
            "SESSION_COOKIE_PATH" | "APPLICATION_ROOT" | "SERVER_NAME" => sessions,
            other => panic!("option {other}"),
        };
    }
    Ok(sessions)
}

/// A route that does what the case says. Without a session action it does not ask for a session.
fn routes(case: &Json) -> Router {
    let actions: Arc<[Json]> = case["actions"].as_array().expect("actions").clone().into();
    let handler = move |request: Request| async move {
        let touches = |action: &Json| !["abort", "raise", "vary"].contains(&text(&action["op"]));
        let mut session = None;
        if actions.iter().any(touches) {
            let (mut parts, _) = request.into_parts();
            session = Session::from_request_parts(&mut parts, &()).await.ok();
        }
        let mut response = Response::new(Body::empty());
        for action in actions.iter() {
            let done = match text(&action["op"]) {
                "abort" => Err(u16::try_from(action["status"].as_u64().unwrap()).unwrap()),
                // An exception nobody catches is an error page; a handler returns it.
                "raise" => Err(500),
                "vary" => {
                    let lines = HeaderValue::from_str(text(&action["header"])).unwrap();
                    response.headers_mut().insert(header::VARY, lines);
                    Ok(())
                }
                _ => act(session.as_ref().expect("the layer is there"), action),
            };
            if let Err(status) = done {
                return StatusCode::from_u16(status).unwrap().into_response();
            }
        }
        response
    };
    Router::new().route("/", get(handler))
}

/// One action of Flask in terms of dewar; an error is the status of the page it makes.
pub fn act(session: &Session, action: &Json) -> Result<(), u16> {
    let key = action["key"].as_str().unwrap_or_default();
    let value = action.get("value").and_then(typed::value);
    let flag = || action["flag"].as_bool().expect("a flag");
    match text(&action["op"]) {
        "get" => drop(session.get::<Value>(key)),
        "contains" => drop(session.contains(key)),
        "len" => drop(session.len()),
        "bool" => drop(session.is_empty()),
        "iterate" => drop(session.to_dict()),
        "read_permanent" => drop(session.permanent()),
        "read_modified" => drop(session.modified()),
        "set" => session.set(key, value.ok_or(500_u16)?),
        "pop" => drop(session.pop::<Value>(key)),
        "delete" => session.remove(key).then_some(()).ok_or(500_u16)?,
        "clear" => session.clear(),
        // `dict.update()` counts as a change even if it changes nothing.
        "update_empty" => session.set_modified(true),
        "setdefault" => drop(session.set_default(key, value.ok_or(500_u16)?)),
        "set_permanent" => session.set_permanent(flag()),
        "set_modified" => session.set_modified(flag()),
        "append_nested" => {
            let item = value.expect("a value that Rust can hold");
            session.update(key, move |old| {
                let Some(Value::List(mut items)) = old else { return old };
                items.push(item.clone());
                Some(Value::List(items))
            });
        }
        "flash" => {
            session
                .flash(action["category"].as_str().unwrap_or("message"), text(&action["message"]));
        }
        other => panic!("action {other}"),
    }
    Ok(())
}
