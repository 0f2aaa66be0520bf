//! reject.json, each token in a request of the `flask` profile.

use std::time::Duration;

use dewar::{Dict, ManualClock, Value, Verdict};
use dewar_signing::payload::{MAX_INFLATED, decode};
use dewar_testdata::{latin1, typed};
use http::{HeaderValue, Request, header};
use serde_json::Value as Json;

use super::{Check, Complaints, Machine, Seen, cookies, flask, id, send, text};

/// What became of a token, as far as the vectors tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    BadSignature,
    Expired,
    FromTheFuture,
    Malformed,
    /// The header's grammar cuts the pair out: no cookie of this name is left.
    NoPair,
    Opened,
    WrongFormat,
}

fn kind(verdict: &Verdict) -> Kind {
    match verdict {
        Verdict::Opened { .. } => Kind::Opened,
        Verdict::NoCookie | Verdict::OtherNamesOnly => Kind::NoPair,
        Verdict::BadSignature { .. } => Kind::BadSignature,
        Verdict::Expired { .. } => Kind::Expired,
        Verdict::FromTheFuture { .. } => Kind::FromTheFuture,
        Verdict::Malformed => Kind::Malformed,
        Verdict::WrongFormat { .. } => Kind::WrongFormat,
        other => panic!("no case expects {other}"),
    }
}

/// Refused by dewar alone, each on purpose.
const STRICTER: [(&str, Kind, &str); 5] = [
    ("reject-0253", Kind::Malformed, "a time in a non-canonical form"),
    ("reject-0255", Kind::Malformed, "a time in a non-canonical form"),
    ("reject-0318", Kind::WrongFormat, "Rust text cannot hold a lone surrogate"),
    ("reject-0416", Kind::WrongFormat, "1 MiB, over the limit of inflation"),
    ("reject-0417", Kind::WrongFormat, "4 MiB, over the limit of inflation"),
];

/// Had nothing to replace, and so is the valid token.
const THE_TOKEN_ITSELF: &str = "reject-0350";

fn expected(case: &Json) -> (Kind, Dict) {
    if let Some((_, kind, _)) = STRICTER.iter().find(|(name, ..)| *name == id(case)) {
        return (*kind, Dict::new());
    }
    let message = case["error"]["message"].as_str().unwrap_or_default();
    let kind = match (text(&case["flask"]), case["error"]["class"].as_str()) {
        ("session_loaded", _) => return (Kind::Opened, mapping(&case["decoded"])),
        ("empty_session", None) => Kind::Opened,
        (_, Some("BadSignature")) if message.starts_with("No b'.'") => Kind::Malformed,
        (_, Some("BadSignature")) => Kind::BadSignature,
        (_, Some("BadTimeSignature")) if message.ends_with("does not match") => Kind::BadSignature,
        (_, Some("BadTimeSignature")) => Kind::Malformed,
        (_, Some("SignatureExpired")) if message.contains("< 0") => Kind::FromTheFuture,
        (_, Some("SignatureExpired")) => Kind::Expired,
        // Times beyond the year 9999.
        ("http_500", Some("OverflowError" | "ValueError")) => Kind::Malformed,
        ("http_500", _) => Kind::WrongFormat,
        other => panic!("{}: {other:?}", id(case)),
    };
    (kind, Dict::new())
}

/// What `dict(decoded)` is in Python.
fn mapping(decoded: &Json) -> Dict {
    let items = |value: Value| match value {
        Value::List(items) | Value::Tuple(items) => items,
        Value::Str(text) => text.chars().map(|c| Value::Str(c.into())).collect(),
        other => panic!("{other:?} has no items"),
    };
    match typed::value(decoded).expect("a value that Rust can hold") {
        Value::Dict(dict) => dict,
        pairs => items(pairs)
            .into_iter()
            .map(|pair| match &items(pair)[..] {
                [Value::Str(key), value] => (key.clone(), value.clone()),
                other => panic!("{other:?} is no pair"),
            })
            .collect(),
    }
}

/// Every token is treated as it should be. The cases come from outside: the thread that runs this
/// may be too small to parse them.
pub fn check(machine: &impl Machine, cases: &[Json]) -> Check {
    let mut complaints = Complaints::default();
    for case in cases {
        let Some((reply_status, verdict, contents)) = opened(machine, case) else {
            complaints.ensure(refused_without_request(case), || format!("{}: floor 1", id(case)));
            continue;
        };
        complaints.same(id(case), reply_status, 200);
        let found = kind(&verdict);
        if case["lenient"] == true && id(case) != THE_TOKEN_ITSELF {
            let refused = found != Kind::Opened && contents.is_empty();
            complaints.ensure(refused, || format!("{}: {verdict}, refused if lenient", id(case)));
            continue;
        }
        let (expected_kind, expected_contents) = expected(case);
        // A blank or a quote inside the value: Werkzeug's header grammar skips the pair.
        let cut = text(&case["token_latin1"]).contains([' ', '"', '\t']);
        let expected_kind = if cut { Kind::NoPair } else { expected_kind };
        complaints.same(id(case), found, expected_kind);
        complaints.same(id(case), contents, expected_contents);
    }
    complaints.verdict()
}

/// `None` if no server lets such bytes through.
fn opened(machine: &impl Machine, case: &Json) -> Option<(u16, Verdict, Dict)> {
    let cookie = [b"session=".as_slice(), &latin1(text(&case["token_latin1"]))].concat();
    let cookie = HeaderValue::from_bytes(&cookie).ok()?;
    let seen = Seen::default();
    let sessions = flask(text(&case["secret_key"]))
        .permanent_lifetime(Duration::from_secs(case["max_age"].as_u64().expect("seconds")))
        .clock(ManualClock::at_unix(case["now"].as_u64().expect("seconds")));
    let app = machine.app(sessions, seen.router()).expect("a sound configuration");
    let request = Request::get("/").header(header::COOKIE, cookie);
    let reply = send(&app, request.body(axum::body::Body::empty()).expect("a request"));
    let (verdict, contents) = seen.take().expect("the handler ran");
    Some((reply.status, verdict, contents))
}

fn refused_without_request(case: &Json) -> bool {
    let token = latin1(text(&case["token_latin1"]));
    let signer = cookies::signer(text(&case["secret_key"]));
    let payload = signer.verify(&token).map(|unsigned| decode(unsigned.value, MAX_INFLATED));
    !matches!(payload, Ok(Ok(_)))
}
