//! Golden transcripts of small inline programs: lifetimes, attributes, rotation, flash.

use axum::{Router, routing::get};
use dewar::{KeyRing, ManualClock, Session, SessionLayerBuilder, Value};
use dewar_testdata::golden;
use http::{Request, header};
use serde_json::Value as Json;

use super::{Check, Complaints, Machine, cookies, flask, save_session, send, text};

const LIFETIMES: [&str; 2] = ["09a_permanent_refresh", "09b_permanent_no_refresh"];
const COUNT: &str = "09c_browser_session_31_days";
const ROTATION: &str = "11_key_rotation";
const FLASH: &str = "12_flash";

/// Without `10_flags_06_samesite_bad`, which is refused when built.
const FLAGS: [&str; 12] = [
    "10_flags_00_default",
    "10_flags_01_secure",
    "10_flags_02_no_httponly",
    "10_flags_03_samesite_lax",
    "10_flags_04_samesite_strict_lower",
    "10_flags_05_samesite_none",
    "10_flags_07_partitioned",
    "10_flags_08_domain",
    "10_flags_09_path",
    "10_flags_10_app_root",
    "10_flags_11_name",
    "10_flags_12_everything",
];

/// Python's `repr(session.get(key))`, for text.
fn repr(session: &Session, key: &str) -> String {
    session.get::<String>(key).map_or("None".to_owned(), |text| format!("'{text}'"))
}

fn lifetimes() -> Router {
    let login = |session: Session| async move {
        session.set_permanent(true);
        session.set("u", "alice");
        "in"
    };
    let pop = |session: Session| async move {
        session.remove("u");
        "popped"
    };
    let temporary = |session: Session| async move {
        session.set_permanent(false);
        "unperm"
    };
    Router::new()
        .route("/", get(|session: Session| async move { repr(&session, "u") }))
        .route("/login", get(login))
        .route("/static-page", get(|| async { "no session touched" }))
        .route("/pop", get(pop))
        .route("/unperm", get(temporary))
        .route("/clear", get(clear))
}

async fn clear(session: Session) -> &'static str {
    session.clear();
    "cleared"
}

async fn set(session: Session) -> &'static str {
    session.set("a", 1);
    "set"
}

fn flags() -> Router {
    let set_permanent = |session: Session| async move {
        session.set_permanent(true);
        set(session).await
    };
    let read = |session: Session| async move {
        session.get::<Value>("a").unwrap_or_default().to_python_text()
    };
    Router::new()
        .route("/set", get(set))
        .route("/pset", get(set_permanent))
        .route("/get", get(read))
        .route("/clear", get(clear))
}

fn count() -> Router {
    let index = |session: Session| async move {
        format!("Count: {}", session.incr("count", 1).expect("a whole number"))
    };
    Router::new().route("/", get(index))
}

fn flash() -> Router {
    let list = |messages: Vec<String>| format!("[{}]", messages.join(", "));
    let two = |session: Session| async move {
        session.flash("message", "Hello");
        session.flash("error", "Bad <b>");
        "flashed"
    };
    let show = |session: Session| async move {
        let escaped = |text: &str| text.replace('<', "&lt;").replace('>', "&gt;");
        let shown = |f: &dewar::Flash| format!("[{}|{}]", f.category, escaped(&f.message));
        session.flashed_messages().iter().map(shown).collect::<String>()
    };
    let errors = move |session: Session| async move {
        let all = session.flashed_messages().into_iter();
        list(all.filter(|f| f.category == "error").map(|f| format!("'{}'", f.message)).collect())
    };
    let same = move |session: Session| async move {
        session.flash("message", "now");
        list(session.flashed_messages().iter().map(|f| format!("'{}'", f.message)).collect())
    };
    Router::new()
        .route("/flash", get(two))
        .route("/show", get(show))
        .route("/errors", get(errors))
        .route("/same", get(same))
}

/// All transcripts.
pub fn check(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    for name in LIFETIMES {
        replay(&mut complaints, machine, name, lifetimes);
    }
    for name in FLAGS {
        replay(&mut complaints, machine, name, flags);
    }
    replay(&mut complaints, machine, COUNT, count);
    replay(&mut complaints, machine, ROTATION, flags);
    replay(&mut complaints, machine, FLASH, flash);
    complaints.verdict()
}

fn replay(
    complaints: &mut Complaints,
    machine: &impl Machine,
    name: &str,
    routes: impl Fn() -> Router,
) {
    let transcript = golden(name);
    let exchanges = transcript["exchanges"].as_array().expect("exchanges");
    for (i, exchange) in exchanges.iter().enumerate() {
        let keys = keys(&transcript, i);
        let key = std::str::from_utf8(keys.newest().as_bytes()).expect("text").to_owned();
        let now = ManualClock::at_unix(exchange["clock"].as_u64().expect("seconds"));
        let sessions = configured(flask(keys).clock(now), &transcript).expect("a known option");
        let app = machine.app(sessions, routes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        compare(complaints, &format!("{name} exchange {i}"), &key, &app, exchange);
    }
}

/// The transcript of the rotation changes its keys on the way.
fn keys(transcript: &Json, exchange: usize) -> KeyRing {
    let recorded = text(&transcript["secret_key"]);
    match (transcript["name"] == ROTATION, exchange) {
        (false, _) | (true, 0) => KeyRing::new(recorded),
        (true, 1 | 2) => KeyRing::new("new").with_fallbacks(["older", "old"]).expect("three keys"),
        (true, _) => KeyRing::new("new"),
    }
}

/// The recorded options; and Flask does not look at what a cookie's name promises.
pub fn configured(
    sessions: SessionLayerBuilder,
    transcript: &Json,
) -> Result<SessionLayerBuilder, String> {
    let sessions = save_session::with_config(sessions, &transcript["config_overrides"])?;
    Ok(match transcript["config_overrides"]["SESSION_COOKIE_NAME"].as_str() {
        Some(name) if name.starts_with("__Host-") => sessions.insecure_accept_prefix_violations(),
        _ => sessions,
    })
}

fn compare(complaints: &mut Complaints, what: &str, key: &str, app: &Router, exchange: &Json) {
    let (request, response) = (&exchange["request"], &exchange["response"]);
    let mut parts = text(&request["line"]).split(' ');
    let (method, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut sent = Request::builder().method(method).uri(path);
    for (name, value) in save_session::pairs(&request["headers"]) {
        sent = sent.header(name, value);
    }
    let reply = send(app, sent.body(axum::body::Body::empty()).expect("a recorded request"));
    complaints.same(what, u64::from(reply.status), response["status"].as_u64().expect("a status"));
    complaints.same(what, reply.body.as_str(), text(&response["body"]));
    complaints.same(what, reply.all(header::LOCATION), Vec::new());
    let expected = save_session::pairs(&response["headers"]).into_iter();
    let expected: Vec<_> =
        expected.filter(|(name, _)| ["Vary", "Set-Cookie"].contains(&name.as_str())).collect();
    let found = reply.session_headers();
    let alike = found.len() == expected.len()
        && found.iter().zip(&expected).all(|(ours, theirs)| {
            ours.0 == theirs.0 && cookies::same_line(key, &ours.1, &theirs.1)
        });
    complaints.ensure(alike, || format!("{what}: {found:?}, expected {expected:?}"));
}
