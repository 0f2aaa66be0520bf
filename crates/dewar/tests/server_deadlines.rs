//! The deadlines of server mode over real requests, to the millisecond and across machines.

mod server;

use std::sync::Arc;

use server::{
    fresh,
    site::{Act, Answer, Millis, Site, T0, cookie_of, set},
    tap::Tap,
};
use tokio::sync::Semaphore;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

#[tokio::test]
async fn a_deadline_is_exact_to_the_millisecond() {
    for (alive_ms, permanent, touch_ms) in [
        (2 * HOUR, false, 0),
        (3 * HOUR, false, HOUR),
        (31 * DAY, true, 0),
        (32 * DAY, true, DAY), // not due yet: a quarter is a week
    ] {
        let alive_ms = if touch_ms == DAY { 31 * DAY } else { alive_ms };
        for (ms, live) in [(alive_ms - 1, true), (alive_ms, false)] {
            let (store, clock, site) = fresh();
            let cookie = site.login([set("k", 1), Act::Permanent(permanent)]).await;
            if touch_ms > 0 {
                clock.set(T0 + touch_ms);
                site.dump(&cookie).await;
            }
            clock.set(T0 + ms);
            let dump = site.dump(&cookie).await;
            assert_eq!(dump.starts_with("opened"), live, "{ms}: {dump}");
            assert_eq!(dump.starts_with("Expired { by: 0ns }"), !live, "{ms}: {dump}");
            if !live {
                // Buried: a machine whose clock is a minute behind does not revive it.
                clock.set(T0 + ms - MINUTE);
                assert_eq!(site.dump(&cookie).await, "Revoked;");
                assert_eq!(store.live_with("").await, 0);
            }
        }
    }
}

#[tokio::test]
async fn no_use_extends_the_absolute_deadline() {
    for (permanent, absolute, step) in [(false, 7 * DAY, 30 * MINUTE), (true, 90 * DAY, 3 * DAY)] {
        for acts in [vec![], vec![Act::Incr("n", 1)], vec![Act::Rotate]] {
            let (_, clock, site) = fresh();
            let mut cookie = site.login([set("k", 1), Act::Permanent(permanent)]).await;
            let mut at = step;
            while at < absolute {
                clock.set(T0 + at);
                let answer = site.ask(&cookie, acts.clone()).await;
                assert!(answer.opened(), "after {at} ms: {}", answer.body);
                cookie = answer.cookie().unwrap_or(cookie);
                at += step;
            }
            clock.set(T0 + absolute);
            assert_eq!(site.dump(&cookie).await, "Expired { by: 0ns };");
        }
    }
}

#[tokio::test]
async fn machines_five_seconds_apart_log_nobody_out() {
    let (store, clock) = (Tap::new(), Millis::default());
    let behind = Millis::default();
    let (fast, slow) = (Site::new(&store, &clock), Site::new(&store, &behind));
    let cookie = fast.login([Act::Incr("n", 1)]).await;
    for i in 1..40_u64 {
        clock.set(T0 + i * HOUR);
        behind.set(T0 + i * HOUR - 5000);
        for site in [&slow, &fast, &slow] {
            let acts = if i % 3 == 0 { vec![Act::Incr("n", 1)] } else { vec![] };
            assert!(site.ask(&cookie, acts).await.opened(), "hour {i}");
        }
    }
    // The one that is behind takes nothing back.
    let dump = fast.dump(&cookie).await;
    assert!(dump.contains("n=40"), "{dump}");
}

#[tokio::test]
async fn what_expired_while_the_handler_ran_stays_expired() {
    for acts in [vec![], vec![set("k", 2)], vec![Act::Rotate]] {
        let (store, clock, site) = fresh();
        let cookie = site.login([set("k", 1)]).await;
        clock.set(T0 + 2 * HOUR - 1);
        let slow = [vec![Act::Tick(clock.clone(), 1000)], acts].concat();
        let answer = site.ask(&cookie, slow).await;
        assert_eq!((answer.status.as_u16(), cookie_of(&answer)), (200, "kept"));
        assert!(site.dump(&cookie).await.starts_with("Expired"));
        assert_eq!(store.live_with("").await, 0);
    }
}

#[tokio::test]
async fn a_write_survives_a_deadline_that_others_moved_while_the_handler_ran() {
    for act in [set("late", 1), Act::Rotate] {
        let (store, clock, site) = fresh();
        let other = Site::new(&store, &clock);
        let mut cookie = site.login([set("k", 1)]).await;
        clock.set(T0 + 2 * HOUR - 1);
        let go = Arc::new(Semaphore::new(0));
        store.calls();
        let acts = [Act::Wait(Arc::clone(&go)), act, set("done", 1)];
        let begun = tokio::spawn(site.ask(&cookie, acts));
        while store.count() < 1 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        assert!(other.ask(&cookie, []).await.opened(), "touched");
        clock.advance(1000);
        go.add_permits(1);
        let answer = begun.await.expect("no panic");
        cookie = answer.cookie().unwrap_or(cookie);
        let dump = other.dump(&cookie).await;
        assert!(dump.contains("done=1"), "answered {}, and lost: {dump}", answer.status);
    }
}

#[tokio::test]
async fn a_permanent_cookie_expires_and_rolls_and_another_does_not() {
    let (_, clock, site) = fresh();
    let expires = |answer: &Answer| {
        let text = answer.set_cookie()?;
        let expires = text.split("; ").find(|part| part.starts_with("Expires="));
        Some(expires.unwrap_or("until the browser ends").to_owned())
    };
    let first = site.ask("", [set("k", 1), Act::Permanent(true)]).await;
    let cookie = first.cookie().expect("a cookie");
    assert_eq!(expires(&first).as_deref(), Some("Expires=Fri, 15 Dec 2023 22:13:20 GMT"));
    clock.advance(7 * DAY);
    assert_eq!(expires(&site.ask(&cookie, []).await), None, "not due");
    clock.advance(DAY);
    let rolled = site.ask(&cookie, []).await;
    assert_eq!(expires(&rolled).as_deref(), Some("Expires=Sat, 23 Dec 2023 22:13:20 GMT"));
    assert_eq!(rolled.cookie().as_deref(), Some(cookie.as_str()), "the same id");
    assert_eq!(expires(&site.ask(&cookie, [set("k", 2)]).await), None, "rolled just now");
    // Permanent no longer: the cookie goes with the browser, and two idle hours end the session.
    let ended = site.ask(&cookie, [Act::Permanent(false)]).await;
    assert_eq!(expires(&ended).as_deref(), Some("until the browser ends"));
    clock.advance(2 * HOUR);
    assert!(!site.ask(&cookie, []).await.opened(), "an idle session");

    let cookie = site.login([set("k", 1)]).await;
    clock.advance(HOUR);
    assert_eq!(expires(&site.ask(&cookie, []).await), None, "nothing rolls");
    let begun = site.ask(&cookie, [Act::Permanent(true)]).await;
    assert!(expires(&begun).expect("a cookie").starts_with("Expires="));
    clock.advance(30 * DAY);
    assert!(site.ask(&cookie, []).await.opened());
}
