//! What must hold of every flow, whatever the profile: checks that a saboteur must not survive.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    http::StatusCode,
    response::{AppendHeaders, IntoResponse},
    routing::get,
};
use dewar::{Clock, ManualClock, Session, Verdict};
use http::header;

use super::{
    Check, Complaints, Jar, KEY, Machine, NOW, Reply, Seen, cookies, flask, signed, visit,
};

const VARY: &[&str] = &["Cookie"];
/// The idle timeout of the default profile.
const IDLE: u64 = 2 * 60 * 60;

pub fn set() -> axum::routing::MethodRouter {
    get(async |session: Session| session.set("a", 1))
}

/// A cookie of the default profile, signed at [`NOW`].
pub fn cookie() -> String {
    format!("session={}", cookies::sign(KEY, &format!(r#"{{"_created":{NOW},"a":1}}"#), NOW))
}

/// 100 requests that only read: no cookie, and every response says that it depends on one.
pub fn check_reading(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    let clock = ManualClock::at_unix(NOW);
    let app = machine.app(signed().clock(clock.clone()), Seen::default().router());
    let app = app.expect("a sound configuration");
    for i in 0..100 {
        clock.set_unix(NOW + i * (IDLE / 4 - 1) / 99);
        let reply = visit(&app, "/", Some(&cookie()));
        complaints.same("cookies", reply.set_cookies(), Vec::new());
        complaints.same(
            "Vary",
            reply.all(header::VARY),
            VARY.iter().map(|v| v.to_string()).collect(),
        );
        complaints.same("Cache-Control", reply.all(header::CACHE_CONTROL), Vec::new());
    }
    complaints.verdict()
}

/// Use keeps a session alive: a quarter of the idle timeout later the cookie is signed anew.
pub fn check_touching(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    for (rolling, after, renewed) in [
        (true, IDLE / 4 - 1, false),
        (true, IDLE / 4, true),
        (true, IDLE, true),
        (true, IDLE + 1, false),
        (false, IDLE / 4, false),
        (false, IDLE, false),
    ] {
        let what = format!("rolling {rolling}, {after} s later");
        let sessions = signed().rolling(rolling).clock(ManualClock::at_unix(NOW + after));
        let app = machine.app(sessions, Seen::default().router()).expect("a sound configuration");
        let token = visit(&app, "/", Some(&cookie())).token();
        let at = token.and_then(|token| cookies::opened(KEY, &token)).map(|(_, at)| at);
        complaints.same(&what, at, renewed.then_some(NOW + after));
    }
    complaints.verdict()
}

/// Each limit to the second.
pub fn check_lifetimes(machine: &impl Machine) -> Check {
    const DAY: u64 = 86_400;
    let mut complaints = Complaints::default();
    // Contents, signed how long after it began, and the seconds after that it lives.
    let cases = [
        ("idle", r#""a":1"#, 0, IDLE),
        ("idle later", r#""a":1"#, DAY, IDLE),
        ("absolute", r#""a":1"#, 7 * DAY - 60, 60),
        ("absolute at its end", r#""a":1"#, 7 * DAY, 0),
        ("permanent idle", r#""_permanent":true"#, 0, 31 * DAY),
        ("permanent absolute", r#""_permanent":true"#, 90 * DAY - 60, 60),
        ("permanent by another value", r#""_permanent":"x""#, 0, 31 * DAY),
        ("not permanent", r#""_permanent":false"#, 0, IDLE),
    ];
    for (what, members, signed_after, lives) in cases {
        let signed_at = NOW + signed_after;
        let json = format!(r#"{{"_created":{NOW},{members}}}"#);
        let cookie = format!("session={}", cookies::sign(KEY, &json, signed_at));
        let ends = signed_at + lives;
        for (now, expected) in
            [(ends - 1, None), (ends, None), (ends + 1, Some(1)), (ends + 9, Some(9))]
        {
            if now < signed_at {
                continue;
            }
            let seen = Seen::default();
            let app = machine.app(signed().clock(ManualClock::at_unix(now)), seen.router());
            visit(&app.expect("a sound configuration"), "/", Some(&cookie));
            let by = match seen.take().expect("the handler ran").0 {
                Verdict::Expired { by } => Some(by.as_secs()),
                Verdict::Opened { .. } => None,
                _ => Some(u64::MAX),
            };
            complaints.same(
                &format!("{what}, {} s from the end", now as i64 - ends as i64),
                by,
                expected,
            );
        }
    }
    for (ahead, by) in [(5, None), (6, Some(6))] {
        let seen = Seen::default();
        let app = machine.app(signed().clock(ManualClock::at_unix(NOW - ahead)), seen.router());
        visit(&app.expect("a sound configuration"), "/", Some(&cookie()));
        let found = match seen.take().expect("the handler ran").0 {
            Verdict::FromTheFuture { by } => Some(by.as_secs()),
            _ => None,
        };
        complaints.same("from the future", found, by);
    }
    complaints.verdict()
}

/// Names are compared byte for byte.
pub fn check_names(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    let seen = Seen::default();
    let sessions = signed().cookie_name("__Host-id").clock(ManualClock::at_unix(NOW));
    let app = machine.app(sessions, seen.router()).expect("a sound configuration");
    let token = cookie().replace("session=", "");
    for name in [
        "__Host%2Did",
        "__Host%2did",
        "%5F%5FHost-id",
        "__host-id",
        "__HOST-ID",
        "\"__Host-id\"",
        "__Host-id[]",
        "__Host_id",
        "..Host-id",
        "$__Host-id",
        "__Host-id.",
        "x__Host-id",
        "",
    ] {
        visit(&app, "/", Some(&format!("{name}={token}")));
        let (verdict, contents) = seen.take().expect("the handler ran");
        complaints
            .ensure(!verdict.is_live() && contents.is_empty(), || format!("{name}: {verdict}"));
    }
    for header in
        ["__Host-id=%; x=1", "a; __Host-id=%", "x=\"; __Host-id=%; y=\"", " \t__Host-id \t= %\t"]
    {
        visit(&app, "/", Some(&header.replace('%', &token)));
        let (verdict, _) = seen.take().expect("the handler ran");
        complaints.ensure(verdict.is_live(), || format!("{header}: {verdict}"));
    }
    complaints.verdict()
}

/// Two cookies of one name: the default profile believes the one that is valid, and none of two;
/// `flask` believes the first alone.
pub fn check_duplicates(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    let good = cookies::sign(KEY, r#"{"who":"me"}"#, NOW);
    let other = cookies::sign(KEY, r#"{"who":"other"}"#, NOW);
    let (good, other, bad) = (good.as_str(), other.as_str(), "bad.ZVPxAA.bad");
    // What is sent, whom the default profile sees, whom flask sees.
    let cases: &[(&[&str], &str, &str)] = &[
        (&[good], "me", "me"),
        (&[good, good], "me", "me"),
        (&[good, other], "Duplicate", "me"),
        (&[other, good], "Duplicate", "other"),
        (&[bad, good], "me", "BadSignature"),
        (&[good, bad], "me", "me"),
        (&["", good], "me", "Malformed"),
        (&[bad, good, bad], "me", "BadSignature"),
        (&[bad, good, other], "Duplicate", "BadSignature"),
        (&[bad, bad, bad, good], "me", "BadSignature"),
        (&[bad, bad, bad, bad, good], "BadSignature", "BadSignature"),
        (&[bad, bad], "BadSignature", "BadSignature"),
    ];
    for (sent, in_default, in_flask) in cases {
        for (sessions, expected) in [(signed(), in_default), (flask(KEY), in_flask)] {
            let seen = Seen::default();
            let app = machine.app(sessions.clock(ManualClock::at_unix(NOW)), seen.router());
            let header: Vec<_> = sent.iter().map(|token| format!("session={token}")).collect();
            visit(&app.expect("a sound configuration"), "/", Some(&header.join("; ")));
            let (verdict, contents) = seen.take().expect("the handler ran");
            let who = contents.get("who").map(dewar::Value::to_python_text);
            let found = who.unwrap_or_else(|| format!("{verdict:?}"));
            complaints.ensure(found.starts_with(expected), || {
                format!("{sent:?}: {found}, not {expected}")
            });
        }
    }
    complaints.verdict()
}

/// The removal repeats every attribute, or a browser takes it for another cookie.
pub fn check_removal(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    let paths = |router: Router| {
        router.route("/set", set()).route("/clear", get(async |session: Session| session.clear()))
    };
    let sessions = [
        ("default", signed()),
        ("host", signed().cookie_name("__Host-id")),
        ("wide", signed().domain("example.com").path("/p").partitioned(true)),
        ("flask", flask(KEY).secure(true)),
    ];
    for (what, sessions) in sessions {
        let sessions = sessions.clock(ManualClock::at_unix(NOW));
        let app = machine.app(sessions, paths(Router::new())).expect("a sound configuration");
        let mut browser = Jar::default();
        let attributes = |reply: &Reply| -> Vec<String> {
            let line = reply.set_cookies().concat();
            let mut parts: Vec<String> = line.split("; ").skip(1).map(str::to_owned).collect();
            parts.retain(|part| !part.starts_with("Expires=") && part != "Max-Age=0");
            parts
        };
        let kept = browser.visit(&app, "/set");
        complaints.ensure(browser.cookie().is_some(), || format!("{what}: nothing set"));
        let removed = browser.visit(&app, "/clear");
        complaints.same(what, attributes(&removed), attributes(&kept));
        complaints.same(what, browser.cookie(), None);
        let line = removed.set_cookies().concat();
        let past = "=; ".to_owned();
        complaints.ensure(line.contains(&past), || format!("{what}: {line}"));
        complaints
            .ensure(line.contains("Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"), || {
                line.clone()
            });
    }
    complaints.verdict()
}

/// A clock that counts how often somebody looks at it.
#[derive(Clone, Debug, Default)]
pub struct CountingClock(Arc<AtomicUsize>);

impl CountingClock {
    pub fn reads(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for CountingClock {
    fn now(&self) -> SystemTime {
        self.0.fetch_add(1, Ordering::SeqCst);
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
    }
}

/// A route that does not use the session: no clock, no event, no header.
pub fn check_untouched(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    let (clock, events) = (CountingClock::default(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&events);
    let sessions = signed().clock(clock.clone()).on_event(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let routes = Router::new()
        .route("/", get(async || "hello"))
        .route("/error", get(async || StatusCode::IM_A_TEAPOT));
    let app = machine.app(sessions, routes).expect("a sound configuration");
    let long = format!("session={}", "x.".repeat(20_000));
    let many = format!("{}; {}", cookie(), cookie());
    let stale = format!("session={}", cookies::sign(KEY, r#"{"a":1}"#, 1));
    let foreign = format!("session={}", cookies::sign("another", r#"{"a":1}"#, NOW));
    let sent = [cookie(), long, many, stale, foreign, "session=".into(), "a=1".into()];
    for cookie in sent.iter().map(|cookie| Some(cookie.as_str())).chain([None]) {
        for path in ["/", "/error", "/nowhere"] {
            let reply = visit(&app, path, cookie);
            complaints.same(path, reply.session_headers(), Vec::new());
            complaints.same(path, reply.all(header::CACHE_CONTROL), Vec::new());
        }
    }
    complaints.same("events", events.load(Ordering::SeqCst), 0);
    complaints.same("looks at the clock", clock.reads(), 0);
    complaints.verdict()
}

/// One cookie of the session's name; the handler's others stay, and what the response depends on
/// is added to, not replaced.
pub fn check_headers(machine: &impl Machine) -> Check {
    let mut complaints = Complaints::default();
    let handler = async |session: Session| {
        session.set("a", 1);
        let own =
            [(header::SET_COOKIE, "theme=dark"), (header::SET_COOKIE, "session=mine; Path=/")];
        let more = [(header::SET_COOKIE, "lang=en"), (header::VARY, "Accept, Origin")];
        (AppendHeaders(own), AppendHeaders(more), "done").into_response()
    };
    for (what, sessions) in [("default", signed()), ("flask", flask(KEY))] {
        let routes = Router::new().route("/", get(handler));
        let sessions = sessions.clock(ManualClock::at_unix(NOW));
        let app = machine.app(sessions, routes).expect("a sound configuration");
        let reply = visit(&app, "/", None);
        let names: Vec<_> = reply
            .set_cookies()
            .iter()
            .map(|line| line.split('=').next().unwrap_or_default().to_owned())
            .collect();
        complaints.same(what, names, ["theme", "lang", "session"].map(String::from).to_vec());
        let token = reply.token().unwrap_or_default();
        complaints.ensure(cookies::contents(KEY, &token).is_some(), || format!("{what}: {token}"));
        complaints.same(what, reply.all(header::VARY).join(", "), "Accept, Origin, Cookie".into());
        let caching = reply.all(header::CACHE_CONTROL).concat();
        let expected = if what == "flask" { "" } else { "private, no-store" };
        complaints.same(what, caching.as_str(), expected);
        complaints.same(what, reply.body.as_str(), "done");
    }
    complaints.verdict()
}
