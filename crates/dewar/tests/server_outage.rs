//! A store that gives no answer: what becomes of requests.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod server;

use std::time::Duration;

use axum::{Router, body::Body, routing::get};
use dewar::{OnOutage, Session, SessionLayer, SessionRejection, Verdict};
use http::{Request, StatusCode, header};
use server::{
    outage::{LONG, answered, refused, silent, site, went_without},
    runtime,
    site::{Act, Millis, Site, set},
    tap::{Fault, Tap},
};
use tokio::time::Instant;
use tower::ServiceExt;

#[test]
fn a_route_that_needs_no_session_asks_nothing_and_waits_for_nothing() {
    runtime().block_on(async {
        for fault in [Fault::HangBefore, Fault::ErrorBefore] {
            let (store, site, cookie) = silent(OnOutage::Refuse, fault).await;
            drop(store.calls());
            let begun = Instant::now();
            for _ in 0..100 {
                let answer = site.ask_elsewhere(&cookie).await;
                answered(&answer);
                assert!(!answer.headers.contains_key(header::CACHE_CONTROL), "it may be kept");
            }
            assert_eq!((store.count(), begun.elapsed()), (0, Duration::ZERO));
        }
    });
}

#[test]
fn each_way_gives_what_it_says_when_the_session_cannot_be_read() {
    runtime().block_on(async {
        for fault in [Fault::HangBefore, Fault::ErrorBefore] {
            for on_outage in [OnOutage::Refuse, OnOutage::ReadOnly, OnOutage::GoOnWithout] {
                for acts in [vec![], vec![set("k", 1)], vec![Act::Incr("n", 1), Act::Flash("hi")]] {
                    let (store, site, cookie) = silent(on_outage, fault).await;
                    let begun = Instant::now();
                    let answer = site.ask(&cookie, acts.clone()).await;
                    assert!(
                        begun.elapsed() <= Duration::from_millis(2100),
                        "{:?}",
                        begun.elapsed()
                    );
                    if on_outage != OnOutage::GoOnWithout {
                        refused(&answer);
                        continue;
                    }
                    went_without(&answer);
                    assert!(answer.body.starts_with("StoreUnavailable;"), "{}", answer.body);
                    assert!(!answer.body.contains("ada"), "nobody is authenticated");
                    let told = site.told("WentOnWithout");
                    assert_eq!(told, usize::from(!acts.is_empty()), "{acts:?}");
                    store.heal();
                    assert_eq!(store.live_with("").await, 1, "no other session takes its place");
                    assert_eq!(site.dump(&cookie).await, "opened;name=ada");
                }
            }
        }
    });
}

#[test]
fn each_way_gives_what_it_says_when_the_session_cannot_be_kept() {
    runtime().block_on(async {
        for fault in [Fault::HangBefore, Fault::ErrorBefore] {
            for on_outage in [OnOutage::Refuse, OnOutage::ReadOnly, OnOutage::GoOnWithout] {
                for (acts, cookie) in [(set("k", 1), true), (set("k", 1), false)] {
                    let (store, site) = site(on_outage);
                    let cookie = match cookie {
                        true => site.login([set("name", "ada")]).await,
                        false => String::new(),
                    };
                    // What is read is read; nothing after it is answered.
                    store.fail_times(usize::from(!cookie.is_empty()), fault, LONG);
                    site.events();
                    let begun = Instant::now();
                    let answer = site.ask(&cookie, [acts]).await;
                    assert!(
                        begun.elapsed() <= Duration::from_millis(5100),
                        "{:?}",
                        begun.elapsed()
                    );
                    if on_outage == OnOutage::Refuse {
                        refused(&answer);
                        assert_eq!(site.told("Refused"), 1);
                    } else {
                        went_without(&answer);
                        assert_eq!(site.told("WentOnWithout"), 1);
                    }
                }
            }
        }
    });
}

/// A logout that silently did nothing would be a lie, and so would a login.
#[test]
fn a_logout_and_a_new_identity_are_never_passed_over() {
    runtime().block_on(async {
        for on_outage in [OnOutage::Refuse, OnOutage::ReadOnly, OnOutage::GoOnWithout] {
            for at in [0, 1] {
                // Its only key: whoever removes it ends the session, as Flask's tutorial does.
                let mut removes = vec![Act::Remove("name"), Act::Pop("name"), Act::Vanish("name")];
                if at == 0 {
                    removes.push(Act::Unname);
                }
                for act in [Act::Logout, Act::Clear, Act::Rotate].into_iter().chain(removes) {
                    let (store, site) = site(on_outage);
                    let cookie = site.login([set("name", "ada")]).await;
                    store.fail_times(at, Fault::ErrorBefore, LONG);
                    refused(&site.ask(&cookie, [act]).await);
                    store.heal();
                    tokio::time::sleep(Duration::from_secs(20)).await;
                    assert_eq!(site.dump(&cookie).await, "opened;name=ada");
                }
            }
        }
    });
}

/// Two cookies are live and neither is believed: what takes a key out of such a session ends both.
#[test]
fn a_removal_from_one_of_two_live_sessions_ends_both() {
    runtime().block_on(async {
        for act in [Act::Remove("name"), Act::Pop("name"), Act::Vanish("name"), Act::Unname] {
            for sets in [false, true] {
                let (_store, site) = site(OnOutage::Refuse);
                let one = site.login([set("name", "ada")]).await;
                let two = site.login([set("name", "bob")]).await;
                let acts = if sets { vec![act.clone(), set("k", 1)] } else { vec![act.clone()] };
                let answer = site.ask(&format!("{one}; {two}"), acts).await;
                assert_eq!(answer.status, StatusCode::OK, "{act:?}");
                assert_eq!(answer.cookie().is_some_and(|cookie| !cookie.is_empty()), sets);
                for ended in [one, two] {
                    assert_eq!(site.dump(&ended).await, "Revoked;", "{act:?}, {sets}");
                }
            }
        }
    });
}

/// It is no logout, and the message is shown once more.
#[test]
fn a_change_of_what_goes_on_is_passed_over_even_if_it_removes_something() {
    runtime().block_on(async {
        for on_outage in [OnOutage::ReadOnly, OnOutage::GoOnWithout] {
            for (before, act, after) in [
                (vec![set("a", 1), set("b", 1)], Act::Remove("a"), "opened;a=1,b=1"),
                (vec![Act::Flash("hi")], Act::Flashes, "opened;_flashes=[('info', 'hi')]"),
            ] {
                let (store, site) = site(on_outage);
                let cookie = site.login(before).await;
                store.fail_times(1, Fault::ErrorBefore, LONG);
                went_without(&site.ask(&cookie, [act]).await);
                store.heal();
                tokio::time::sleep(Duration::from_secs(20)).await;
                let answer = site.ask(&cookie, []).await;
                assert_eq!(answer.body, after);
                assert!(!answer.headers.contains_key(header::CACHE_CONTROL), "it may be kept");
            }
        }
    });
}

#[test]
fn nothing_is_taken_once_from_a_session_that_could_not_be_read() {
    runtime().block_on(async {
        let (_store, site, cookie) = silent(OnOutage::GoOnWithout, Fault::ErrorBefore).await;
        refused(&site.ask(&cookie, [Act::TakeOnce("name")]).await);
    });
}

/// The session could not be read, but when it is to end the store answers again.
#[test]
fn a_logout_of_a_session_that_could_not_be_read_is_done_if_it_can_be() {
    runtime().block_on(async {
        let (store, site) = site(OnOutage::GoOnWithout);
        let cookie = site.login([set("name", "ada")]).await;
        store.fail(0, Fault::ErrorBefore);
        let answer = site.ask(&cookie, [Act::Logout]).await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::OK, Some(String::new())));
        assert_eq!(site.dump(&cookie).await, "Revoked;");
    });
}

#[test]
fn a_commit_of_the_handlers_own_says_what_failed_whatever_the_way() {
    runtime().block_on(async {
        let (store, site) = site(OnOutage::GoOnWithout);
        let cookie = site.login([set("name", "ada")]).await;
        store.fail_times(1, Fault::ErrorBefore, LONG);
        let answer = site.ask(&cookie, [set("k", 1), Act::Commit]).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    });
}

/// Routes of one application, each with a way of its own.
#[test]
fn a_route_has_its_own_way() {
    async fn name(session: Session) -> String {
        format!("{:?}", session.verdict() == Verdict::StoreUnavailable)
    }
    async fn own(session: Result<Session, SessionRejection>) -> String {
        format!("{:?}", session.is_ok())
    }
    async fn perhaps(session: Option<Session>) -> String {
        format!("{:?}", session.is_some())
    }
    runtime().block_on(async {
        let store = Tap::new();
        let key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";
        let sessions = SessionLayer::server(key, store.clone()).build().unwrap();
        let app = Router::new()
            .route("/news", get(name))
            .route("/perhaps", get(perhaps))
            .route_layer(OnOutage::GoOnWithout)
            .route("/account", get(name))
            .route("/own", get(own))
            .layer(sessions);
        let site = Site::new(&store, &Millis::default());
        let cookie = site.login([set("name", "ada")]).await;
        store.fail_times(0, Fault::ErrorBefore, LONG);
        for (path, expected, body) in [
            ("/news", StatusCode::OK, "true"),
            ("/perhaps", StatusCode::OK, "false"),
            ("/account", StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n"),
            ("/own", StatusCode::OK, "false"),
        ] {
            let request = Request::get(path).header(header::COOKIE, &cookie).body(Body::empty());
            let response = app.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(response.status(), expected, "{path}");
            assert!(!response.headers().contains_key(header::SET_COOKIE), "{path}");
            assert_eq!(response.headers()[header::VARY], "Cookie", "{path}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "private, no-store", "{path}");
            let bytes = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
            assert_eq!(bytes, body, "{path}");
        }
    });
}
