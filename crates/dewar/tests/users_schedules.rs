//! A user's sessions while others act between two calls of the store: schedules that once lost a
//! session from its list, passed over a logout, or let in one too many.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "users/noting.rs"]
#[allow(dead_code, reason = "another test counts the notes")]
mod noting;
#[path = "users/between.rs"]
#[allow(dead_code, reason = "another test lets answers be lost")]
mod between;
#[path = "users/site.rs"]
#[allow(dead_code, reason = "another test listens")]
mod site;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use between::Between;
use dewar::{
    OnOutage, WhenFull,
    store::{Scan, Store, StoreErrorKind},
};
use site::App;
use tokio::sync::Notify;

#[tokio::test]
async fn a_logout_that_a_rotation_overtakes_ends_the_session() {
    let app = App::new(&Between::default());
    let hers = app.cookie("/login/ada", "").await;
    let (left, rotated) = app.overtaken("/slow-leave", &hers).await;
    assert_eq!((left.status, left.cookie.as_deref()), (200, Some("session=")));
    assert_eq!((app.user_of(&rotated).await, app.count().await), (String::new(), 0));
}

#[tokio::test]
async fn a_login_that_a_rotation_overtakes_is_told_so() {
    let app = App::new(&Between::default());
    let cookie = app.cookie("/visit", "").await;
    let (login, rotated) = app.overtaken("/slow-login", &cookie).await;
    assert_eq!((login.status, login.cookie), (200, None), "commit() said that nothing was kept");
    assert_eq!(app.user_of(&rotated).await, "");
    assert_eq!(app.ask("/cart", &rotated).await.body, "3 pears");
}

#[tokio::test]
async fn a_first_login_is_not_passed_over() {
    for on_outage in [OnOutage::ReadOnly, OnOutage::GoOnWithout] {
        for path in ["/login/ada", "/become/ada"] {
            let store = Between::default();
            let app = App::with(&store, None, on_outage);
            store.silence("create", true);
            assert_eq!(app.ask(path, "").await.status, 503, "{path}");
            assert_eq!(app.ask("/visit", "").await.status, 200, "anything else is");
        }
    }
}

/// Flask's tutorial clears the session, then logs in.
#[tokio::test]
async fn a_login_into_a_session_that_could_not_be_read_is_an_error() {
    let store = Between::default();
    let app = App::with(&store, None, OnOutage::GoOnWithout);
    let cookie = app.cookie("/visit", "").await;
    for path in ["/flasks-login", "/become/ada", "/login/ada"] {
        store.silence("load", false);
        let login = app.ask(path, &cookie).await;
        assert_eq!((login.status, login.cookie), (503, None), "{path}");
        assert_eq!(app.ask("/cart", &cookie).await.body, "3 pears", "{path}");
    }
}

#[tokio::test]
async fn a_session_that_is_rotated_while_it_is_counted_counts() {
    for (when_full, status) in [(WhenFull::Refuse, 409), (WhenFull::EndOldest, 200)] {
        let store = Between::default();
        let app = || App::with(&store, Some(when_full), OnOutage::Refuse);
        let (one, other) = (app(), app());
        // By a node that knew no limit: no login took a place for it.
        let hers = App::new(&store).cookie("/login/ada", "").await;
        store.on("sessions_of", async move { drop(other.ask("/rotate", &hers).await) });
        assert_eq!(one.ask("/login/ada", "").await.status, status, "{when_full:?}");
        assert_eq!(one.count().await, 1, "{when_full:?}");
    }
}

#[tokio::test]
async fn the_session_that_is_to_stay_stays_when_it_is_rotated() {
    let store = Between::default();
    let (app, other) = (App::new(&store), App::new(&store));
    let hers = app.cookie("/login/ada", "").await;
    let keep = app.users.list("ada").await.unwrap()[0].key;
    app.cookie("/login/ada", "").await;
    let rotated = app.cookie("/rotate", &hers).await;
    assert_eq!(app.users.revoke_others("ada", keep).await.unwrap(), 1);
    assert_eq!(app.user_of(&rotated).await, "ada");
    // Its successor is there already, and the old one does not point to it yet.
    let ended = Arc::new(Mutex::new(None));
    let told = Arc::clone(&ended);
    let keep = app.users.list("ada").await.unwrap()[0].key;
    store.on("supersede", async move {
        *told.lock().unwrap() = Some(other.users.revoke_others("ada", keep).await.unwrap());
    });
    let again = app.cookie("/rotate", &rotated).await;
    assert_eq!(*ended.lock().unwrap(), Some(0));
    assert_eq!(app.user_of(&again).await, "ada");
}

#[tokio::test]
async fn a_login_beside_an_erasure_is_a_later_one_and_is_listed() {
    let store = Between::default();
    let app = App::new(&store);
    let users = app.users.clone();
    store.on("create", async move { assert_eq!(users.erase("ada").await.unwrap(), 0) });
    let hers = app.cookie("/login/ada", "").await;
    assert_eq!((app.user_of(&hers).await, app.count().await), ("ada".to_owned(), 1));
    assert_eq!(app.users.revoke_all("ada").await.unwrap(), 1);
    assert_eq!(app.user_of(&hers).await, "");
}

/// An operator ends everything there is, the places of logins too.
#[tokio::test]
async fn whoever_was_ended_with_all_others_may_log_in_again() {
    let store = Between::default();
    let app = App::with(&store, Some(WhenFull::Refuse), OnOutage::Refuse);
    app.cookie("/login/ada", "").await;
    let mut from = None;
    loop {
        let page = store.scan(from.as_ref(), 100).await.unwrap();
        for (key, _) in page.found {
            store.delete(&key, u64::MAX).await.unwrap();
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(app.ask("/login/ada", "").await.status, 200);
    assert_eq!(app.ask("/login/ada", "").await.status, 409, "and no more often than he may");
}

#[tokio::test]
async fn a_successor_whose_session_got_a_user_meanwhile_is_listed() {
    let store = Between::default();
    let (app, other) = (App::new(&store), App::new(&store));
    let cookie = app.cookie("/visit", "").await;
    let its = cookie.clone();
    store.on("supersede", async move { drop(other.ask("/become/ada", &its).await) });
    let rotated = app.cookie("/rotate", &cookie).await;
    assert_eq!((app.user_of(&rotated).await, app.count().await), ("ada".to_owned(), 1));
    assert_eq!(app.users.revoke_all("ada").await.unwrap(), 1);
    assert_eq!(app.user_of(&rotated).await, "");
}

/// The login is written; what it was to end besides, the next one ends.
#[tokio::test]
async fn a_login_stands_although_the_oldest_could_not_be_ended() {
    let store = Between::default();
    let app = App::with(&store, Some(WhenFull::EndOldest), OnOutage::Refuse);
    let cookie = app.cookie("/visit", "").await;
    app.cookie("/login/ada", "").await;
    store.silence("sessions_of", false);
    let hers = app.cookie("/login/ada", &cookie).await;
    assert_eq!(app.ask("/cart", &hers).await.body, "3 pears");
    assert_eq!(app.count().await, 2);
    app.cookie("/login/ada", "").await;
    assert_eq!(app.count().await, 1);
}

/// An old note of a session that somebody else has logged in to, as whoever lists is about to take
/// it back: he logs in again at that moment, in place.
#[tokio::test]
async fn a_session_that_becomes_his_while_its_old_note_is_taken_back_is_listed() {
    // It is written before the note goes, or behind it.
    for is_written_before in [true, false] {
        let store = Between::default();
        let (app, other) = (App::new(&store), App::new(&store));
        let cookie = app.cookie("/become/ada", "").await;
        app.ask("/become/bob", &cookie).await;
        assert_eq!(store.notes_of("ada"), 1, "it was hers");
        for app in [&app, &other] {
            app.wait(Duration::from_secs(20 * 60));
        }
        let its = cookie.clone();
        let login = async move { drop(other.ask("/become/ada", &its).await) };
        if is_written_before {
            store.on("leave", login);
            app.count().await;
        } else {
            let (its_noted, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let (its_go, its_store) = (Arc::clone(&go), store.clone());
            let begun = Arc::new(Mutex::new(None));
            let its_login = Arc::clone(&begun);
            // Behind the list, and before the record is looked at.
            store.on("load", async move {
                let told = Arc::clone(&its_noted);
                its_store.on("update", async move {
                    told.notify_one();
                    its_go.notified().await;
                });
                *its_login.lock().unwrap() = Some(tokio::spawn(login));
                its_noted.notified().await;
            });
            assert_eq!(app.count().await, 0, "the login has noted it and not yet written");
            assert_eq!(store.notes_of("ada"), 0);
            go.notify_one();
            let begun = begun.lock().unwrap().take().unwrap();
            begun.await.unwrap();
        }
        assert_eq!(app.user_of(&cookie).await, "ada");
        assert_eq!((app.count().await, store.notes_of("ada")), (1, 1), "{is_written_before}");
        assert_eq!(app.users.revoke_all("ada").await.unwrap(), 1);
        assert_eq!(app.user_of(&cookie).await, "");
    }
}

#[tokio::test]
async fn a_logout_ends_every_session_that_came_although_one_could_not_be_read() {
    for silent in 0..2 {
        let store = Between::default();
        let app = App::with(&store, None, OnOutage::GoOnWithout);
        let cookies = [app.cookie("/login/ada", "").await, app.cookie("/login/ada", "").await];
        let both = cookies.join("; ");
        store.silence_after(silent, "load");
        let logout = app.ask("/logout", &both).await;
        assert_eq!((logout.status, logout.cookie.as_deref()), (200, Some("session=")));
        for cookie in &cookies {
            assert_eq!(app.user_of(cookie).await, "", "{silent}");
        }
        assert_eq!((app.count().await, app.ends().len()), (0, 2));
    }
    // Or it is an error, and says so.
    let store = Between::default();
    let app = App::with(&store, None, OnOutage::GoOnWithout);
    let cookies = [app.cookie("/login/ada", "").await, app.cookie("/login/ada", "").await];
    store.silence("load", false);
    let quiet = store.clone();
    store.on("delete", async move { quiet.silence("delete", true) });
    let logout = app.ask("/logout", &cookies.join("; ")).await;
    assert_eq!((logout.status, logout.cookie), (503, None));
}

#[tokio::test]
async fn only_an_outage_is_passed_over() {
    for (kind, status) in [
        (StoreErrorKind::NotReplicated, 200),
        (StoreErrorKind::TimedOut, 200),
        (StoreErrorKind::Unavailable, 200),
        (StoreErrorKind::Unsupported, 503),
        (StoreErrorKind::Full, 503),
    ] {
        let store = Between::default();
        let app = App::with(&store, None, OnOutage::GoOnWithout);
        let cookie = app.cookie("/visit", "").await;
        store.fail("load", kind);
        assert_eq!(app.ask("/see", &cookie).await.status, status, "{kind:?}");
    }
}

#[tokio::test]
async fn whoever_ends_a_users_session_leaves_what_it_became_for_another_one() {
    for is_meanwhile in [false, true] {
        let store = Between::default();
        let (app, other) = (App::new(&store), App::new(&store));
        let hers = app.cookie("/login/ada", "").await;
        let key = app.users.list("ada").await.unwrap()[0].key;
        let his = Arc::new(Mutex::new(String::new()));
        let login = {
            let his = Arc::clone(&his);
            async move { *his.lock().unwrap() = other.cookie("/login/bob", &hers).await }
        };
        if is_meanwhile {
            store.on("delete", login);
        } else {
            login.await;
        }
        assert!(!app.users.revoke("ada", key).await.unwrap(), "{is_meanwhile}");
        let his = his.lock().unwrap().clone();
        assert_eq!((app.user_of(&his).await, app.ends()), ("bob".to_owned(), vec![]));
    }
}
