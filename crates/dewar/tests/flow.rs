//! The flow over real requests: who pays, when a cookie is set, what a browser is told.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod checks;

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    response::{IntoResponse, Redirect},
    routing::get,
};
use checks::{
    Check, Jar, KEY, NOW, Real, Seen, cookies, flask,
    flow::{self, CountingClock, cookie, set},
    signed, visit,
};
use dewar::{Dict, Event, ManualClock, Plan, Session, Value, ValueError, Verdict};
use http::{StatusCode, header};

const HOLDS: Check = Ok(());

async fn count(session: Session) -> Result<String, ValueError> {
    Ok(format!("Visit count: {}", session.incr("visits", 1)?))
}

#[test]
fn a_visitor_is_counted() {
    let sessions = flask("secret").clock(ManualClock::at_unix(NOW)).build().unwrap();
    let app = Router::new().route("/", get(count)).layer(sessions);
    let reply = visit(&app, "/", None);
    let line = "session=eyJ2aXNpdHMiOjF9.ZVPxAA.27R53E18yNbiXIOGu609xYPKJpQ; HttpOnly; Path=/";
    assert_eq!(reply.set_cookies(), [line]);
    assert_eq!(reply.body, "Visit count: 1");
}

#[test]
fn a_hundred_reads_set_no_cookie_and_always_vary() {
    assert_eq!(flow::check_reading(&Real), HOLDS);
}

#[test]
fn a_hundred_reads_set_no_cookie_by_the_clock_of_the_machine() {
    let app = Seen::default().router().route("/set", set()).layer(signed().build().unwrap());
    let mut browser = Jar::default();
    browser.visit(&app, "/set");
    assert!(browser.cookie().is_some());
    let cookies = (0..100).map(|_| browser.visit(&app, "/").set_cookies().len()).sum::<usize>();
    assert_eq!(cookies, 0);
}

#[test]
fn use_keeps_a_session_alive_once_a_quarter_of_the_timeout_has_passed() {
    assert_eq!(flow::check_touching(&Real), HOLDS);
}

#[test]
fn a_route_that_does_not_use_the_session_does_no_work_on_it() {
    assert_eq!(flow::check_untouched(&Real), HOLDS);
}

#[test]
fn a_route_that_uses_the_session_looks_at_the_clock_twice() {
    let clock = CountingClock::default();
    let app = Seen::default().router().layer(signed().clock(clock.clone()).build().unwrap());
    visit(&app, "/", Some(&cookie()));
    assert_eq!(clock.reads(), 2);
}

#[test]
fn one_cookie_leaves_beside_those_of_the_handler() {
    assert_eq!(flow::check_headers(&Real), HOLDS);
}

#[test]
fn a_removal_repeats_every_attribute() {
    assert_eq!(flow::check_removal(&Real), HOLDS);
}

#[test]
fn a_nested_change_is_saved_in_both_profiles() {
    for sessions in [signed(), flask(KEY)] {
        let nest = get(async |session: Session| {
            session.update("cart", |old| {
                let mut cart = match old {
                    Some(Value::Dict(cart)) => cart,
                    _ => Dict::new(),
                };
                let apples = cart.get("apples").cloned().unwrap_or(Value::Int(0));
                let Value::Int(apples) = apples else { return Some(cart.into()) };
                cart.insert("apples", apples + 1);
                Some(cart.into())
            });
        });
        let seen = Seen::default();
        let sessions = sessions.clock(ManualClock::at_unix(NOW)).build().unwrap();
        let app = seen.router().route("/nest", nest).layer(sessions);
        let mut browser = Jar::default();
        for apples in 1..=3 {
            browser.visit(&app, "/nest");
            browser.visit(&app, "/");
            let (_, contents) = seen.take().unwrap();
            let cart = Dict::from([("apples", apples)]);
            assert_eq!(contents, Dict::from([("cart", cart)]));
        }
    }
}

#[test]
fn an_equal_set_is_no_change_and_in_flask_it_is_one() {
    for (sessions, cookies) in [(signed(), 0), (flask(KEY), 1)] {
        let sessions = sessions.clock(ManualClock::at_unix(NOW)).build().unwrap();
        let app = Router::new().route("/", set()).layer(sessions);
        assert_eq!(visit(&app, "/", Some(&cookie())).set_cookies().len(), cookies);
    }
}

/// Asked for as an option, a session is opened all the same: the response depends on the cookie.
#[test]
fn an_optional_session_is_none_without_a_live_one_and_still_varies() {
    let ask = get(async |session: Option<Session>| format!("{}", session.is_some()));
    for sessions in [signed(), flask(KEY)] {
        let sessions = sessions.clock(ManualClock::at_unix(NOW)).build().unwrap();
        let app = Router::new().route("/", ask.clone()).layer(sessions);
        for (sent, found) in
            [(None, "false"), (Some("session=x.y.z"), "false"), (Some(cookie().as_str()), "true")]
        {
            let reply = visit(&app, "/", sent);
            assert_eq!(reply.body, found, "{sent:?}");
            assert_eq!(reply.all(header::VARY), ["Cookie"], "{sent:?}");
            assert!(reply.set_cookies().is_empty(), "{sent:?}");
        }
    }
}

#[test]
fn every_response_is_saved_whatever_its_status() {
    let teapot = async |session: Session| {
        session.set("a", 1);
        StatusCode::IM_A_TEAPOT
    };
    let away = async |session: Session| {
        session.set("a", 1);
        Redirect::to("/elsewhere")
    };
    let failing = async |session: Session| {
        session.set("a", 1);
        session.incr("a", i64::MAX).map(|sum| sum.to_string())
    };
    let unreadable = async |session: Session, _: axum::extract::Query<u32>| session.set("b", 2);
    let sessions = signed().clock(ManualClock::at_unix(NOW)).build().unwrap();
    let app = Router::new()
        .route("/teapot", get(teapot))
        .route("/away", get(away))
        .route("/failing", get(failing))
        .route("/rejected", get(unreadable))
        .layer(sessions);
    for (path, status, saved) in [
        ("/teapot", 418, true),
        ("/away", 303, true),
        ("/failing", 500, true),
        ("/rejected", 400, false),
    ] {
        let reply = visit(&app, path, None);
        assert_eq!((reply.status, reply.token().is_some()), (status, saved), "{path}");
        assert_eq!(reply.all(header::VARY), ["Cookie"], "{path}");
    }
}

#[test]
fn a_handler_that_panics_saves_nothing() {
    async fn broken(session: Session) -> String {
        session.set("a", 1);
        panic!("as the test wants it")
    }
    let events = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&events);
    let sessions = signed().on_event(move |event| {
        *counter.lock().unwrap() += u32::from(matches!(event, Event::Committed { .. }));
    });
    let app = Router::new().route("/", get(broken)).layer(sessions.build().unwrap());
    let panicked =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| visit(&app, "/", None)));
    assert!(panicked.is_err());
    assert_eq!(*events.lock().unwrap(), 0);
}

#[test]
fn without_the_layer_the_answer_names_the_line_to_add() {
    let reply = visit(&Seen::default().router(), "/", None);
    assert_eq!(reply.status, 500);
    assert!(reply.body.contains("add `.layer(sessions)` to the router"), "{}", reply.body);
}

/// The plans of one browser's requests, and what it keeps.
#[test]
fn ends_and_beginnings_are_told_apart() {
    type Act = fn(&Session);
    let steps: [(&str, Act, Plan, bool); 11] = [
        ("nothing", |_| (), Plan::Nothing, false),
        ("destroy an absent one", |s| s.destroy(), Plan::Nothing, false),
        (
            "regenerate an absent one",
            |s| {
                s.regenerate();
            },
            Plan::Nothing,
            false,
        ),
        ("create", |s| s.set("a", 1), Plan::Create, true),
        (
            "regenerate",
            |s| {
                s.regenerate();
            },
            Plan::Regenerate,
            true,
        ),
        (
            "regenerate and change",
            |s| {
                s.regenerate();
                s.set("b", 2)
            },
            Plan::Regenerate,
            true,
        ),
        (
            "set and take back",
            |s| {
                s.set("c", 3);
                s.remove("c");
            },
            Plan::Nothing,
            true,
        ),
        (
            "replace",
            |s| {
                s.destroy();
                s.set("d", 4)
            },
            Plan::Replace,
            true,
        ),
        (
            "the last key",
            |s| {
                s.remove("d");
            },
            Plan::Empty,
            false,
        ),
        ("create again", |s| s.set("a", 1), Plan::Create, true),
        ("destroy", |s| s.destroy(), Plan::Destroy, false),
    ];
    let plans = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&plans);
    let sessions = signed().clock(ManualClock::at_unix(NOW)).on_event(move |event| {
        if let Event::Committed { plan, .. } = event {
            told.lock().unwrap().push(*plan);
        }
    });
    let routes = steps.iter().enumerate().fold(Router::new(), |router, (i, &(_, act, ..))| {
        router.route(&format!("/{i}"), get(move |session: Session| async move { act(&session) }))
    });
    let app = routes.layer(sessions.build().unwrap());
    let mut browser = Jar::default();
    for (i, (name, _, plan, kept)) in steps.into_iter().enumerate() {
        browser.visit(&app, &format!("/{i}"));
        assert_eq!(plans.lock().unwrap().pop(), Some(plan), "{name}");
        assert_eq!(browser.cookie().is_some(), kept, "{name}");
    }
}

/// In Flask's profile the bit decides: but what never was has nothing to regenerate.
#[test]
fn regenerating_an_empty_session_sends_nothing() {
    for sessions in [signed(), flask(KEY)] {
        let app = Router::new()
            .route(
                "/",
                get(async |session: Session| {
                    session.regenerate();
                }),
            )
            .layer(sessions.build().unwrap());
        assert!(visit(&app, "/", None).set_cookies().is_empty());
    }
}

#[test]
fn a_session_that_was_destroyed_and_filled_again_is_a_new_one() {
    let clock = ManualClock::at_unix(NOW);
    let begin = get(async |session: Session| {
        session.destroy();
        session.set("user", "alice");
    });
    let app = Router::new()
        .route("/login", begin)
        .route("/", get(count))
        .layer(signed().clock(clock.clone()).build().unwrap());
    let began = |cookie: Option<&str>, path: &str| {
        let token = visit(&app, path, cookie).token().expect("a cookie");
        let contents = cookies::contents(KEY, &token).expect("our own");
        (contents.get("_created").cloned(), contents.contains_key("a"))
    };
    clock.set_unix(NOW + 60);
    assert_eq!(began(Some(&cookie()), "/"), (Some(Value::from(NOW)), true));
    assert_eq!(began(Some(&cookie()), "/login"), (Some(Value::from(NOW + 60)), false));
}

/// The key that dewar keeps to itself cannot be written by an application.
#[test]
fn the_moment_a_session_began_cannot_be_set() {
    let forge = get(async |session: Session| {
        session.set("_created", u64::MAX);
        session.set("b", 2);
    });
    let app = Router::new()
        .route("/", forge)
        .layer(signed().clock(ManualClock::at_unix(NOW)).build().unwrap());
    let token = visit(&app, "/", Some(&cookie())).token().expect("a cookie");
    let (json, _) = cookies::opened(KEY, &token).expect("our own");
    assert_eq!(json, format!(r#"{{"_created":{NOW},"a":1,"b":2}}"#));
}

#[test]
fn unknown_keys_survive_untouched() {
    let json =
        r#"{"a":1,"big":123456789012345678901234567890,"f":1e+16,"t":{" t":[{" b":"AA=="}]}}"#;
    let app = Router::new()
        .route("/", get(async |session: Session| session.set("a", 2)))
        .layer(flask(KEY).clock(ManualClock::at_unix(NOW)).build().unwrap());
    let sent = format!("session={}", cookies::sign(KEY, json, NOW));
    let token = visit(&app, "/", Some(&sent)).token().expect("a cookie");
    let (written, _) = cookies::opened(KEY, &token).expect("our own");
    assert_eq!(written, json.replace(r#""a":1"#, r#""a":2"#));
}

#[test]
fn flashes_are_seen_once_and_in_one_request_again_and_again() {
    let flash = get(async |session: Session| session.flash("info", "Saved"));
    let show = get(async |session: Session| {
        let first = session.flashed_messages();
        session.flash("info", "Later");
        assert_eq!(session.flashed_messages(), first);
        first
            .iter()
            .map(|flash| flash.message.as_str())
            .collect::<Vec<_>>()
            .join(",")
            .into_response()
    });
    let sessions = signed().clock(ManualClock::at_unix(NOW)).build().unwrap();
    let app = Router::new().route("/flash", flash).route("/", show).layer(sessions);
    let mut browser = Jar::default();
    browser.visit(&app, "/flash");
    let shown: Vec<_> = (0..3).map(|_| browser.visit(&app, "/").body).collect();
    assert_eq!(shown, ["Saved", "Later", "Later"]);
}

#[test]
fn the_verdict_is_never_that_nobody_asked() {
    let seen = Seen::default();
    let app = seen.router().layer(signed().build().unwrap());
    visit(&app, "/", None);
    assert_eq!(seen.take().unwrap().0, Verdict::NoCookie);
}

/// tower alone: no router, no extractor.
#[test]
fn a_plain_service_finds_its_session_in_the_request() {
    use tower::{Layer, Service, service_fn};
    let count = service_fn(async |request: http::Request<()>| {
        let session = Session::from_extensions(request.extensions()).await;
        let session = session.unwrap().expect("the layer is there");
        session.incr("visits", 1).expect("a whole number");
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    let sessions = flask("secret").clock(ManualClock::at_unix(NOW)).build().unwrap();
    let answer = sessions.layer(count).call(http::Request::new(()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(answer).unwrap();
    let line = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert_eq!(cookies::opened("secret", cookies::token(line)).unwrap().0, r#"{"visits":1}"#);
    let empty = http::Extensions::new();
    let nowhere = runtime.block_on(Session::from_extensions(&empty));
    assert!(nowhere.unwrap().is_none());
}
