//! A store that gives no answer again and again: nobody waits for it, and it is soon found to be back.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod server;

use std::time::Duration;

use dewar::OnOutage;
use http::StatusCode;
use server::{
    outage::{LONG, refused, silent, site},
    runtime,
    site::{Act, Millis, Site, set},
    tap::{Fault, Tap},
};
use tokio::time::Instant;

#[test]
fn after_five_calls_without_an_answer_nobody_waits_until_one_is_answered() {
    runtime().block_on(async {
        let (store, site, cookie) = silent(OnOutage::Refuse, Fault::HangBefore).await;
        for _ in 0..5 {
            refused(&site.ask(&cookie, []).await);
        }
        assert_eq!(site.told("StoreRests"), 1);
        drop(store.calls());
        let begun = Instant::now();
        for _ in 0..100 {
            refused(&site.ask(&cookie, []).await);
        }
        assert_eq!((store.count(), begun.elapsed()), (0, Duration::ZERO));
        store.heal();
        // It comes back by itself.
        while site.dump(&cookie).await != "opened;name=ada" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(begun.elapsed() < Duration::from_millis(1400), "{:?}", begun.elapsed());
        assert_eq!(site.told("StoreAnswers"), 1);
        assert!(site.dump(&cookie).await.starts_with("opened"));
    });
}

#[test]
fn while_it_rests_one_call_tries_at_a_time() {
    runtime().block_on(async {
        let (store, site, cookie) = silent(OnOutage::Refuse, Fault::HangBefore).await;
        for _ in 0..5 {
            refused(&site.ask(&cookie, []).await);
        }
        drop(store.calls());
        tokio::time::sleep(Duration::from_millis(1300)).await;
        let asked: Vec<_> = (0..20).map(|_| tokio::spawn(site.ask(&cookie, []))).collect();
        for answer in asked {
            refused(&answer.await.unwrap());
        }
        assert_eq!(store.count(), 1);
    });
}

#[test]
fn an_answer_that_says_no_is_refused_and_never_counts() {
    runtime().block_on(async {
        for fault in [Fault::Contended, Fault::Refused] {
            let (store, site, cookie) = silent(OnOutage::Refuse, fault).await;
            for _ in 0..20 {
                refused(&site.ask(&cookie, []).await);
                refused(&site.ask("", [set("k", 1)]).await);
            }
            assert_eq!(site.told("StoreRests"), 0);
            store.heal();
            assert_eq!(site.dump(&cookie).await, "opened;name=ada");
        }
    });
}

#[test]
fn what_others_hold_is_asked_for_again_and_what_is_refused_is_not() {
    runtime().block_on(async {
        for (fault, status, calls) in [
            (Fault::Contended, StatusCode::OK, "load update load update"),
            (Fault::Refused, StatusCode::SERVICE_UNAVAILABLE, "load update"),
        ] {
            let (store, site) = site(OnOutage::Refuse);
            let cookie = site.login([set("name", "ada")]).await;
            drop(store.calls());
            store.fail(1, fault);
            assert_eq!(site.ask(&cookie, [set("k", 1)]).await.status, status);
            assert_eq!(store.calls(), calls);
        }
    });
}

#[test]
fn visitors_who_go_away_open_it_too_if_they_waited_for_a_quarter_of_a_calls_time() {
    runtime().block_on(async {
        for (patience_ms, counts) in [(490, false), (510, true)] {
            let (store, site, cookie) = silent(OnOutage::Refuse, Fault::HangBefore).await;
            drop(store.calls());
            let asked_impatiently =
                || tokio::time::timeout(Duration::from_millis(patience_ms), site.ask(&cookie, []));
            for _ in 0..5 {
                assert!(asked_impatiently().await.is_err(), "nobody is answered");
            }
            assert_eq!((store.count(), site.told("StoreRests")), (5, usize::from(counts)));
            if !counts {
                continue;
            }
            for _ in 0..100 {
                refused(&site.ask(&cookie, []).await);
            }
            assert_eq!(store.count(), 5, "it is left alone");
            // Nor does whoever tries let the next one wait, if he goes away.
            tokio::time::sleep(Duration::from_millis(1300)).await;
            assert!(asked_impatiently().await.is_err(), "he tries");
            refused(&site.ask(&cookie, []).await);
            assert_eq!((store.count(), site.told("StoreRests")), (6, 1));
        }
    });
}

#[test]
fn a_store_that_is_back_is_soon_found() {
    runtime().block_on(async {
        for (fault, calls, back_after_ms) in
            [(Fault::ErrorBefore, 45..=80, 1270), (Fault::HangBefore, 5..=12, 10_270)]
        {
            let (store, site, cookie) = silent(OnOutage::Refuse, fault).await;
            drop(store.calls());
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(60) {
                refused(&site.ask(&cookie, []).await);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // Five until it is known, and then one after each pause.
            let asked = store.count() - 5;
            assert!(calls.contains(&asked), "{fault:?}: {asked} calls in a minute");
            store.heal();
            let begun = Instant::now();
            while !site.ask(&cookie, []).await.opened() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let within = begun.elapsed();
            assert!(within <= Duration::from_millis(back_after_ms), "{fault:?}: {within:?}");
        }
    });
}

/// It was made, and then the store was left alone: nobody may say that nothing was done.
#[test]
fn a_write_whose_answer_was_lost_is_not_told_as_one_that_was_not_made() {
    runtime().block_on(async {
        for (act, at) in [(set("k", 1), 1), (Act::Logout, 1), (Act::Rotate, 2)] {
            let store = Tap::new();
            let site = Site::with(&store, &Millis::default(), |builder| {
                builder.breaker(1, Duration::from_secs(1))
            });
            let cookie = site.login([set("name", "ada")]).await;
            site.events();
            store.fail(at, Fault::ErrorAfter);
            refused(&site.ask(&cookie, [act.clone()]).await);
            let told = site.events().join("; ");
            assert!(told.contains("error: Store(StoreError { kind: OutcomeUnknown"), "{told}");
            // One that was not made is told as such.
            refused(&site.ask("", [set("k", 1)]).await);
            let told = site.events().join("; ");
            assert!(told.contains("error: Store(StoreError { kind: Resting"), "{act:?}: {told}");
        }
    });
}

#[test]
fn a_breaker_that_is_off_lets_every_call_through() {
    runtime().block_on(async {
        let store = Tap::new();
        let site = Site::new(&store, &Millis::default());
        let cookie = site.login([set("name", "ada")]).await;
        store.fail_times(0, Fault::ErrorBefore, LONG);
        drop(store.calls());
        for _ in 0..20 {
            refused(&site.ask(&cookie, []).await);
        }
        assert_eq!(store.count(), 20);
    });
}
