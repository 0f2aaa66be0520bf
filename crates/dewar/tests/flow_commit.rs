//! What is kept, when, and what happens to what comes too late or is too much.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod checks;

use std::sync::{Arc, Mutex};

use axum::{Router, response::IntoResponse, routing::get};
use checks::{KEY, NOW, Reply, cookies, flask, flow::cookie, random::Random, signed, visit};
use dewar::{CommitError, Event, ManualClock, Session, SessionLayerBuilder};
use dewar_signing::payload::MAX_INFLATED;
use http::{StatusCode, header};

/// What the events say, one line each.
type Told = Arc<Mutex<Vec<String>>>;

fn telling(sessions: SessionLayerBuilder) -> (SessionLayerBuilder, Told) {
    let told = Told::default();
    let lines = Arc::clone(&told);
    let sessions = sessions.clock(ManualClock::at_unix(NOW)).on_event(move |event| {
        lines.lock().unwrap().push(match event {
            Event::LateWrite { key, caller } => {
                format!("late {key} {}:{}", caller.file(), caller.line())
            }
            Event::Refused { error } => format!("refused {error}"),
            Event::CookieOversized { bytes, limit } => format!("oversized {bytes} > {limit}"),
            Event::Misread { key, expected, found } => format!("misread {key} {expected} {found}"),
            Event::Opened { .. } => "opened".into(),
            Event::Committed { plan, changes, .. } => format!("committed {plan:?} {changes:?}"),
            _ => "another".into(),
        });
    });
    (sessions, told)
}

fn taken(told: &Told) -> Vec<String> {
    std::mem::take(&mut *told.lock().unwrap())
}

/// Runs `late` on the session after its response has left.
fn after_the_response(late: fn(&Session)) -> (Vec<String>, Reply) {
    let (sessions, told) = telling(signed());
    let kept: Arc<Mutex<Option<Session>>> = Arc::default();
    let keeper = Arc::clone(&kept);
    let handler = get(move |session: Session| async move {
        *keeper.lock().unwrap() = Some(session);
    });
    let app = Router::new().route("/", handler).layer(sessions.build().unwrap());
    let reply = visit(&app, "/", Some(&cookie()));
    taken(&told);
    let session = kept.lock().unwrap().take().expect("the handler ran");
    let before = session.to_dict();
    late(&session);
    assert_eq!(session.to_dict(), before, "a late write changes nothing");
    (taken(&told), reply)
}

#[test]
fn a_listener_may_look_at_the_session_of_which_it_is_told() {
    let kept: Arc<Mutex<Option<Session>>> = Arc::default();
    let (looking, looked) = (Arc::clone(&kept), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&looked);
    let sessions = flask(KEY).on_event(move |event| {
        let session = looking.lock().unwrap().clone();
        let name = match event {
            Event::LateWrite { .. } => "late",
            Event::CookieOversized { .. } => "oversized",
            _ => return,
        };
        // It would wait for itself if the session were locked.
        seen.lock().unwrap().push((name, session.map(|session| session.len())));
    });
    let keeper = Arc::clone(&kept);
    let handler = get(move |session: Session| async move {
        let mut random = Random::new(7);
        let text: String = (0..1000).map(|_| format!("{:016x}", random.next())).collect();
        session.set("large", text);
        *keeper.lock().unwrap() = Some(session);
    });
    let app = Router::new().route("/", handler).layer(sessions.build().unwrap());
    visit(&app, "/", None);
    let session = kept.lock().unwrap().clone().unwrap();
    session.set("late", 1);
    session.destroy();
    session.update("late", |_| None);
    let looked = looked.lock().unwrap();
    assert_eq!(
        *looked,
        [("oversized", Some(1)), ("late", Some(1)), ("late", Some(1)), ("late", Some(1))]
    );
}

#[test]
fn every_late_write_is_told_with_the_line_that_tried() {
    type Late = fn(&Session);
    let cases: [(&str, Late, u32); 14] = [
        ("b", |s| s.set("b", 1), line!()),
        ("b", |s| drop(s.set_as("b", &1)), line!()),
        ("a", |s| assert!(s.remove("a")), line!()),
        ("a", |s| assert_eq!(s.pop("a"), Some(1)), line!()),
        ("a", |s| drop(s.incr("a", 1)), line!()),
        ("b", |s| drop(s.push("b", 1)), line!()),
        ("b", |s| drop(s.set_default("b", 1)), line!()),
        ("b", |s| drop(s.update("b", |_| Some(1.into()))), line!()),
        ("_permanent", |s| s.set_permanent(true), line!()),
        ("_flashes", |s| s.flash("info", "late"), line!()),
        ("", |s| s.clear(), line!()),
        ("", |s| s.destroy(), line!()),
        ("", |s| s.regenerate().discard_late_writes(), line!()),
        ("", |s| s.set_modified(true), line!()),
    ];
    for (key, late, line) in cases {
        let (told, reply) = after_the_response(late);
        assert_eq!(told, [format!("late {key} {}:{line}", file!())]);
        assert!(reply.set_cookies().is_empty());
    }
}

#[test]
fn reading_late_is_no_write() {
    let read: fn(&Session) = |session| {
        assert_eq!(session.get("a"), Some(1));
        assert!(session.contains("a") && !session.permanent() && session.len() == 1);
        assert!(session.flashed_messages().is_empty());
        assert!(!session.remove("not there"));
    };
    let (told, _) = after_the_response(read);
    assert!(told.iter().all(|line| !line.starts_with("late a")), "{told:?}");
}

#[test]
fn a_session_can_be_committed_before_the_response() {
    let (sessions, told) = telling(signed());
    let handler = get(async |session: Session| {
        session.set("b", 2);
        let kept = session.commit().await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        session.set("c", 3);
        Ok::<_, StatusCode>(kept.len().to_string())
    });
    let app = Router::new().route("/", handler).layer(sessions.build().unwrap());
    let reply = visit(&app, "/", Some(&cookie()));
    assert_eq!(reply.body, "2");
    let contents = cookies::contents(KEY, &reply.token().unwrap()).unwrap();
    assert!(contents.contains_key("b") && !contents.contains_key("c"));
    let told = taken(&told);
    assert_eq!(told[..2], ["opened", "committed Update [(\"b\", [\"set\"])]"]);
    assert!(told.len() == 3 && told[2].starts_with("late c "), "{told:?}");
}

/// A handler's response to a visitor whose session does not fit.
async fn hoard(session: Session) -> impl IntoResponse {
    session.set("little", "x");
    // No regularity: nothing to compress.
    let mut random = Random::new(1);
    let noise: Vec<u8> = (0..6000).map(|_| random.next() as u8).collect();
    session.set("hoard", noise);
    (
        [("x-secret", "yes"), ("set-cookie", "theme=dark"), ("etag", "\"1\"")],
        "Welcome, you are logged in",
    )
}

#[test]
fn a_cookie_too_large_is_an_error_and_nothing_of_the_response_is_left() {
    let (sessions, told) = telling(signed());
    let app = Router::new().route("/", get(hoard)).layer(sessions.build().unwrap());
    let reply = visit(&app, "/", Some(&cookie()));
    assert_eq!((reply.status, reply.body.as_str()), (500, "The session could not be saved.\n"));
    let mut names: Vec<_> = reply.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "content-length", "content-type", "vary"]);
    assert_eq!(reply.all(header::CACHE_CONTROL), ["private, no-store"]);
    let told = taken(&told);
    let refused = told.iter().find(|line| line.starts_with("refused")).expect("an event");
    assert!(refused.contains("4093 are allowed: session key `hoard` is the largest"), "{refused}");
}

#[test]
fn flask_sends_a_cookie_too_large_and_tells() {
    let (sessions, told) = telling(flask(KEY));
    let app = Router::new().route("/", get(hoard)).layer(sessions.build().unwrap());
    let reply = visit(&app, "/", None);
    let size = reply.session_cookie().expect("a cookie").len();
    assert_eq!(reply.status, 200);
    assert!(taken(&told).contains(&format!("oversized {size} > 4093")));
}

#[test]
fn the_limit_of_the_size_is_the_last_size_that_fits() {
    let size = |limit: usize| {
        let sessions = signed().clock(ManualClock::at_unix(NOW)).max_cookie_size(limit);
        let app = Router::new().route("/", get(hoard)).layer(sessions.build().unwrap());
        visit(&app, "/", None).session_cookie().map(|line| line.len())
    };
    let whole = size(0).expect("no limit");
    assert_eq!((size(whole), size(whole - 1)), (Some(whole), None));
}

#[test]
fn an_early_commit_that_fails_is_the_handlers_affair() {
    let handler = get(async |session: Session| {
        session.set("hoard", "x".repeat(1_000_000));
        session.set("depth", "y");
        match session.commit().await {
            Err(CommitError::CookieTooLarge { largest_key, .. }) => largest_key,
            other => format!("{other:?}"),
        }
    });
    let sessions = signed().max_cookie_size(500).build().unwrap();
    let app = Router::new().route("/", handler).layer(sessions);
    let reply = visit(&app, "/", None);
    assert_eq!((reply.status, reply.body.as_str()), (200, "hoard"));
    assert!(reply.set_cookies().is_empty());
}

/// What cannot be read back is not written.
#[test]
fn contents_that_nest_too_deep_are_an_error() {
    let handler = get(async |session: Session| {
        let deep = (0..200).fold(dewar::Value::Null, |inner, _| vec![inner].into());
        session.set("deep", deep);
    });
    let (sessions, told) = telling(signed());
    let app = Router::new().route("/", handler).layer(sessions.build().unwrap());
    let reply = visit(&app, "/", None);
    assert_eq!((reply.status, reply.set_cookies().len()), (500, 0), "{:?}", taken(&told));
}

#[test]
fn a_wrong_type_is_taken_for_missing_and_told() {
    let (sessions, told) = telling(signed());
    let handler = get(async |session: Session| format!("{:?}", session.get::<String>("a")));
    let app = Router::new().route("/", handler).layer(sessions.build().unwrap());
    assert_eq!(visit(&app, "/", Some(&cookie())).body, "None");
    assert!(taken(&told).contains(&"misread a str int".to_owned()));
}

/// A megabyte of one letter deflates to a small cookie, but opening stops at the first megabyte:
/// whatever is written opens again.
#[test]
fn what_is_written_can_be_opened_whatever_it_deflates_to() {
    let fitting = MAX_INFLATED - r#"{"hoard":""}"#.len();
    // The default profile keeps a moment beside it.
    let beside = r#","_created":1700000000"#.len();
    let profiles: [(fn() -> SessionLayerBuilder, usize); 2] =
        [(|| flask(KEY), fitting), (signed, fitting - beside)];
    for (profile, most) in profiles {
        for (letters, kept) in [(most, true), (most + 1, false), (3 << 20, false)] {
            let (sessions, told) = telling(profile());
            let handler = get(async move |session: Session| {
                let found = session.get::<String>("hoard").map_or(0, |hoard| hoard.len());
                if found == 0 {
                    session.set("hoard", "x".repeat(letters));
                }
                found.to_string()
            });
            let app = Router::new().route("/", handler).layer(sessions.build().unwrap());
            let reply = visit(&app, "/", None);
            assert_eq!(reply.session_cookie().is_some(), kept, "{letters}");
            let told = taken(&told).join("\n");
            if kept {
                let line = reply.session_cookie().unwrap();
                let cookie = line.split(';').next().unwrap();
                assert_eq!(visit(&app, "/", Some(cookie)).body, letters.to_string());
            } else {
                assert_eq!(reply.status, 500);
                let refusal = format!("and {MAX_INFLATED} are allowed: session key `hoard` is");
                assert!(told.contains(&refusal), "{told}");
            }
        }
    }
}

/// A session whose text can be compressed, of about so many bytes.
fn repetitive(bytes: usize) -> Router {
    Router::new().route(
        "/",
        get(move |session: Session| async move { session.set("text", "ab".repeat(bytes / 2)) }),
    )
}

#[test]
fn a_short_cookie_is_not_compressed_a_long_one_is_and_flask_decides_as_flask() {
    // Flask marks a compressed payload by a point in front.
    let is_compressed = |sessions: SessionLayerBuilder, bytes| {
        let app = repetitive(bytes).layer(sessions.build().unwrap());
        visit(&app, "/", None).token().unwrap().starts_with('.')
    };
    for (bytes, by_default) in [(100, false), (460, false), (520, true), (4000, true)] {
        assert_eq!(is_compressed(signed(), bytes), by_default, "{bytes}");
        assert!(is_compressed(flask(KEY), bytes), "{bytes}");
    }
}
