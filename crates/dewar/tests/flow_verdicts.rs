//! Why a session is empty, or is not: every verdict, and every limit to the second.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod checks;

use std::time::Duration;

use axum::{Router, routing::get};
use checks::{KEY, NOW, Real, Seen, cookies, flask, flow, signed, visit};
use dewar::{
    ConfigError, KeyRing, ManualClock, SecretKey, Session, SessionLayer, SessionLayerBuilder,
    Verdict,
};

#[test]
fn every_limit_holds_to_the_second() {
    assert_eq!(flow::check_lifetimes(&Real), Ok(()));
}

#[test]
fn names_are_compared_byte_for_byte() {
    assert_eq!(flow::check_names(&Real), Ok(()));
}

#[test]
fn of_two_valid_cookies_none_is_believed() {
    assert_eq!(flow::check_duplicates(&Real), Ok(()));
}

fn verdict(sessions: SessionLayerBuilder, cookie: Option<&str>) -> Verdict {
    let seen = Seen::default();
    let sessions = sessions.clock(ManualClock::at_unix(NOW)).build().unwrap();
    visit(&seen.router().layer(sessions), "/", cookie);
    let (verdict, contents) = seen.take().unwrap();
    assert!(verdict.is_live() || contents.is_empty(), "{verdict}");
    verdict
}

#[test]
fn each_verdict_says_what_became_of_the_cookie() {
    let sign = |json: &str, at: u64| format!("session={}", cookies::sign(KEY, json, at));
    let forged = format!("session={}", cookies::sign("another key", "{}", NOW));
    let [good, other] = ["{\"a\":1}", "{\"a\":2}"].map(|json| sign(json, NOW));
    let cases = [
        (String::new(), "the request carries no cookie"),
        ("theme=dark".into(), "the request carries cookies, but no session cookie"),
        ("session=".into(), "the session cookie is no signed token"),
        ("session=abc".into(), "the session cookie is no signed token"),
        ("session=a.b.c".into(), "the signature does not match, tried key "),
        (forged, "the signature does not match, tried key "),
        (sign("{}", NOW - 7200 - 3), "expired 3 seconds ago"),
        (sign("{}", NOW + 9), "signed 9 seconds in the future"),
        (sign("[1]", NOW), "the signature is good, but the payload is no session: expected dict"),
        (sign("{", NOW), "the signature is good, but the payload is no session: "),
        (format!("{good}; {other}"), "two different session cookies are valid"),
        (good, "opened, signed with key "),
    ];
    for (cookie, words) in cases {
        let said = verdict(signed(), Some(&cookie).filter(|c| !c.is_empty()).map(String::as_str));
        assert!(said.to_string().starts_with(words), "{cookie}: {said}");
    }
}

/// Long after its end a session that was not permanent is late by its own limit, not by the
/// longer one of permanent sessions.
#[test]
fn how_late_an_expired_session_is_follows_from_its_own_limit() {
    const DAY: u64 = 86_400;
    for (json, age, by) in
        [("{}", 40 * DAY, 40 * DAY - 7200), (r#"{"_permanent":true}"#, 40 * DAY, 9 * DAY)]
    {
        let cookie = format!("session={}", cookies::sign(KEY, json, NOW - age));
        let by = Duration::from_secs(by);
        assert_eq!(verdict(signed(), Some(&cookie)), Verdict::Expired { by }, "{json}");
    }
}

#[test]
fn the_key_that_opened_a_session_is_named() {
    let keys = || {
        KeyRing::new(KEY).with_fallbacks(["older key, long ago retired", "old key, just retired 9"])
    };
    for (key, newest) in
        [(KEY, true), ("old key, just retired 9", false), ("older key, long ago retired", false)]
    {
        let cookie = format!("session={}", cookies::sign(key, "{}", NOW));
        let expected = Verdict::Opened { key: SecretKey::from(key).id(), newest };
        let sessions = SessionLayer::signed_cookie(keys().unwrap());
        assert_eq!(verdict(sessions, Some(&cookie)), expected);
    }
    let tried = keys().unwrap().iter().rev().map(SecretKey::id).collect();
    let refused = verdict(SessionLayer::signed_cookie(keys().unwrap()), Some("session=a.b.c"));
    assert_eq!(refused, Verdict::BadSignature { tried });
}

#[test]
fn a_session_opened_by_an_old_key_is_signed_with_the_newest() {
    let keys = KeyRing::new(KEY).with_fallbacks(["old key, just retired 9"]).unwrap();
    let app = Router::new()
        .route("/", get(async |session: Session| session.set("b", 2)))
        .layer(SessionLayer::signed_cookie(keys).clock(ManualClock::at_unix(NOW)).build().unwrap());
    let old = cookies::sign("old key, just retired 9", r#"{"a":1}"#, NOW);
    let token = visit(&app, "/", Some(&format!("session={old}"))).token().expect("a cookie");
    assert!(cookies::contents(KEY, &token).is_some_and(|c| c.contains_key("a")));
}

#[test]
fn a_clock_that_runs_ahead_of_flask_can_be_dated_back() {
    let app = |sessions: SessionLayerBuilder| {
        let sessions = sessions.clock(ManualClock::at_unix(NOW)).back_date(Duration::from_secs(2));
        Router::new().route("/", flow::set()).layer(sessions.build().unwrap())
    };
    for sessions in [signed(), flask(KEY)] {
        let token = visit(&app(sessions), "/", None).token().expect("a cookie");
        assert_eq!(cookies::opened(KEY, &token).expect("our own").1, NOW - 2);
    }
}

/// No lifetime makes a request panic, however long.
#[test]
fn the_longest_lifetime_ends_with_the_calendar() {
    let permanent = get(async |session: Session| session.set_permanent(true));
    let sessions = flask(KEY).permanent_lifetime(Duration::MAX).clock(ManualClock::at_unix(NOW));
    let app = Router::new().route("/", permanent).layer(sessions.build().unwrap());
    let line = visit(&app, "/", None).session_cookie().expect("a cookie");
    assert!(line.contains("; Expires=Fri, 31 Dec 9999 23:59:59 GMT; "), "{line}");
}

#[test]
fn lifetimes_that_contradict_each_other_are_refused() {
    let day = Duration::from_secs(86_400);
    for (sessions, cure) in [
        (signed().idle_timeout(Duration::ZERO), "call idle_timeout with"),
        (signed().idle_timeout(8 * day), "call idle_timeout with"),
        (signed().permanent_idle_timeout(91 * day), "call permanent_idle_timeout with"),
        (signed().absolute_timeout(Duration::from_secs(60)), "call idle_timeout with"),
    ] {
        let refused = sessions.build().unwrap_err();
        assert!(matches!(refused, ConfigError::IdleTimeout { .. }), "{refused}");
        assert!(refused.to_string().contains(cure), "{refused}");
    }
    let long = signed().permanent_idle_timeout(401 * day).permanent_absolute_timeout(402 * day);
    assert!(matches!(long.build(), Err(ConfigError::LifetimeTooLong { days: 401 })));
}

/// The name and the attributes alone: no session would ever fit.
#[test]
fn a_limit_that_no_cookie_can_keep_is_refused() {
    let refused = signed().max_cookie_size(60).build().unwrap_err();
    let ConfigError::CookieSizeTooSmall { limit: 60, least } = refused else { panic!("{refused}") };
    assert!(refused.to_string().starts_with("max_cookie_size(60) leaves no room"), "{refused}");
    assert!(signed().max_cookie_size(least).build().is_err());
    assert!(signed().max_cookie_size(least + 1).build().is_ok());
    // Flask takes any, and sends each cookie with a warning.
    assert!(flask(KEY).max_cookie_size(1).build().is_ok());
}

/// Flask takes an empty key for none and refuses to write; no option lets one through here.
#[test]
fn an_empty_key_is_refused_even_from_a_test() {
    for sessions in [flask(""), signed_with("").insecure_accept_weak_key()] {
        let refused = sessions.build().unwrap_err();
        assert_eq!(refused.to_string(), "no secret key: generate one with `dewar secret`");
    }
    assert!(signed_with("secret").insecure_accept_weak_key().build().is_ok());
}

fn signed_with(key: &str) -> SessionLayerBuilder {
    SessionLayer::signed_cookie(key)
}
