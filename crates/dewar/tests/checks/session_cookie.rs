//! session_cookie.json, both ways: opened through a request and written by one.

use axum::{Router, routing::get};
use dewar::{Dict, KeyRing, ManualClock, Session, Value, Verdict};
use dewar_signing::{
    Codec, TaggedJson,
    payload::{Compression, MAX_INFLATED, decode, encode},
};
use dewar_testdata::{typed, unhex, vectors};
use serde_json::Value as Json;

use super::{Check, Complaints, Machine, Seen, cookies, flask, id, text, visit};

/// `SECRET_KEY` and `SECRET_KEY_FALLBACKS`.
pub fn keys(case: &Json) -> KeyRing {
    let newest = match case["secret_key"].as_str() {
        Some(secret) => secret.as_bytes().to_vec(),
        None => unhex(text(&case["secret_key_hex"])),
    };
    let fallbacks = case["fallback_keys"].as_array().into_iter().flatten();
    KeyRing::new(newest).with_fallbacks(fallbacks.map(text)).expect("a ring of few keys")
}

fn dict(case: &Json, field: &str) -> Dict {
    match typed::value(&case[field]) {
        Some(Value::Dict(dict)) => dict,
        other => panic!("{}: {other:?} is no session", id(case)),
    }
}

/// What Flask made opens, to equal values and with the right key.
pub fn check_opening(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    for case in vectors("session_cookie") {
        let seen = Seen::default();
        let clock = ManualClock::at_unix(case["timestamp"].as_u64().expect("seconds"));
        let sessions = flask(keys(&case)).clock(clock);
        let app = machine.app(sessions, seen.router()).expect("a sound configuration");
        let mut opens = |field: &str, by_newest: bool| {
            let Some(token) = case[field].as_str() else { return };
            visit(&app, "/", Some(&format!("session={token}")));
            let (verdict, contents) = seen.take().expect("the handler ran");
            let what = format!("{} {field}", id(&case));
            let newest = match verdict {
                Verdict::Opened { newest, .. } => Some(newest),
                _ => None,
            };
            complaints.same(&what, newest, Some(by_newest));
            complaints.same(&what, contents, dict(&case, "decoded"));
        };
        opens("cookie", true);
        opens("cookie_signed_with_fallback_0", false);
    }
    complaints.verdict()
}

/// What dewar makes of the same contents is the same cookie.
pub fn check_writing(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    let mut to_the_byte = 0;
    for case in vectors("session_cookie") {
        let payload = dict(&case, "payload");
        if payload.is_empty() {
            continue; // an empty session has no cookie; `check_floor_1` writes it
        }
        let write = move |session: Session| async move {
            for (key, value) in payload.iter() {
                session.set(key, value.clone());
            }
        };
        let clock = ManualClock::at_unix(case["timestamp"].as_u64().expect("seconds"));
        let sessions = flask(keys(&case)).clock(clock);
        let routes = Router::new().route("/", get(write));
        let app = machine.app(sessions, routes).expect("a sound configuration");
        let token = visit(&app, "/", None).token().unwrap_or_default();
        to_the_byte += u32::from(token == text(&case["cookie"]));
        complaints.ensure(same_token(&case, &token), || format!("{}: wrote {token}", id(&case)));
    }
    complaints.ensure(to_the_byte > 70, || format!("only {to_the_byte} cookies are alike"));
    complaints.verdict()
}

fn same_token(case: &Json, token: &str) -> bool {
    let expected = text(&case["cookie"]);
    if token == expected {
        return true;
    }
    let json = text(&case["json_text"]);
    let signer = cookies::signer(keys(case));
    let written = signer.verify(token.as_bytes()).ok().filter(|unsigned| unsigned.newest);
    let text = written.and_then(|unsigned| decode(unsigned.value, MAX_INFLATED).ok());
    let excused =
        case["decode_only_exact"] == true || cookies::barely_compressed(token, json.len());
    excused && text.as_deref() == Some(json.as_bytes())
}

/// The same without any request: rooms 2 and 3 are floor 1's.
pub fn check_floor_1() -> Check {
    let mut complaints = Complaints::default();
    for case in vectors("session_cookie") {
        let signer = cookies::signer(keys(&case));
        let now = case["timestamp"].as_u64().expect("seconds");
        for field in ["cookie", "cookie_signed_with_fallback_0"] {
            let Some(token) = case[field].as_str() else { continue };
            let unsigned = signer.verify(token.as_bytes()).and_then(|u| u.within(0, 0, now));
            let json = decode(unsigned.expect("signed").value, MAX_INFLATED).expect("a payload");
            let value = TaggedJson.read(std::str::from_utf8(&json).expect("text")).expect("json");
            complaints.same(id(&case), value, Value::Dict(dict(&case, "decoded")));
        }
        let json = TaggedJson.write(&Value::Dict(dict(&case, "payload"))).expect("a session");
        complaints.same(id(&case), json.as_str(), text(&case["json_text"]));
        let token = signer.sign(&encode(json.as_bytes(), Compression::WhenSmaller), now);
        let token = String::from_utf8(token).expect("text");
        complaints.ensure(same_token(&case, &token), || format!("{}: wrote {token}", id(&case)));
    }
    complaints.verdict()
}
