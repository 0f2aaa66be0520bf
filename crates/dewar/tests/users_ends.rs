//! The end of a user's session is told once, and what is no session is never told of, also when an
//! answer of the store is lost.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "users/noting.rs"]
#[allow(dead_code, reason = "another test counts the notes")]
mod noting;
#[path = "users/between.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod between;
#[path = "users/site.rs"]
#[allow(dead_code, reason = "another test overtakes")]
mod site;

use std::time::Duration;

use between::Between;
use dewar::{
    EndedBy, OnOutage, StoreKey, WhenFull,
    store::{Loaded, Moved, Scan, Store, StoreErrorKind, Written},
};
use site::App;

/// What the store shows that is no tombstone.
async fn shown(store: &Between) -> Vec<(StoreKey, Loaded)> {
    let (mut shown, mut from) = (Vec::new(), None);
    loop {
        let page = store.scan(from.as_ref(), 100).await.unwrap();
        shown.extend(page.found.into_iter().map(|(key, found)| (key, found.unwrap())));
        from = page.next;
        if from.is_none() {
            shown.retain(|(_, loaded)| !matches!(loaded, Loaded::Ended { .. }));
            return shown;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_places_of_logins_are_no_session_whose_end_is_told() {
    let store = Between::default();
    let app = App::with(&store, Some(WhenFull::Refuse), OnOutage::Refuse);
    app.cookie("/login/ada", "").await;
    let key = app.users.list("ada").await.unwrap()[0].key;
    let shown = shown(&store).await;
    assert_eq!(shown.len(), 2, "the session, and the places: {shown:?}");
    assert!(shown.iter().all(|(it, _)| it.is_session() == (*it == key)), "{shown:?}");
    app.wait(Duration::from_secs(24 * 3600));
    let layer = app.layer.clone();
    let swept = tokio::spawn(async move { layer.keep_swept(Duration::from_secs(60)).await });
    tokio::time::sleep(Duration::from_secs(200)).await;
    swept.abort();
    assert_eq!(app.ends(), [(key, EndedBy::Expired)]);
}

#[tokio::test]
async fn an_erasure_takes_the_places_away() {
    let store = Between::default();
    let app = App::with(&store, Some(WhenFull::Refuse), OnOutage::Refuse);
    app.cookie("/login/ada", "").await;
    assert_eq!(app.users.erase("ada").await.unwrap(), 1);
    assert_eq!(shown(&store).await, []);
    let told = app.ends();
    assert_eq!(told.len(), 1, "{told:?}");
}

/// Waits for what goes on beside the requests.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it did not come to pass");
}

async fn live(store: &Between) -> usize {
    let live = |(_, loaded): &(_, Loaded)| matches!(loaded, Loaded::Live(_));
    shown(store).await.iter().filter(|it| live(it)).count()
}

/// What a rotation fails at, behind the creation of the successor.
#[tokio::test(start_paused = true)]
async fn a_rotation_that_failed_leaves_no_session() {
    for kind in [StoreErrorKind::NotReplicated, StoreErrorKind::Unsupported, StoreErrorKind::Full] {
        for path in ["/rotate", "/login/ada"] {
            let store = Between::default();
            let app = App::new(&store);
            let cookie = app.cookie("/login/ada", "").await;
            store.fail("supersede", kind);
            let failed = app.ask(path, &cookie).await;
            assert_ne!((failed.status, failed.cookie), (200, None), "{kind:?}");
            until(async || live(&store).await == 1 && store.notes_of("ada") == 1).await;
            assert_eq!((app.count().await, app.user_of(&cookie).await), (1, "ada".to_owned()));
            assert_eq!(app.ends(), [], "the session lives on");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_was_done_and_not_answered_is_told_as_an_end() {
    let store = Between::default();
    let app = App::new(&store);
    let cookie = app.cookie("/login/ada", "").await;
    store.lose("supersede", StoreErrorKind::NotReplicated);
    assert_eq!(app.ask("/rotate", &cookie).await.status, 503);
    until(async || live(&store).await == 0).await;
    assert_eq!((app.count().await, store.notes_of("ada")), (0, 0));
    let ends: Vec<_> = app.ends().into_iter().map(|(_, by)| by).collect();
    assert_eq!(ends, [EndedBy::Lost]);
    assert_eq!(app.user_of(&cookie).await, "");
}

/// The request was dropped while its rotation was on the way to the store, where it came behind the end of
/// the successor.
#[tokio::test(start_paused = true)]
async fn a_rotation_that_comes_behind_the_end_of_what_it_began_is_told() {
    let store = Between::default();
    let app = App::new(&store);
    let cookie = app.cookie("/login/ada", "").await;
    let old = app.users.list("ada").await.unwrap()[0].key;
    store.on("supersede", std::future::pending());
    let patience = Duration::from_millis(100);
    assert!(tokio::time::timeout(patience, app.ask("/rotate", &cookie)).await.is_err());
    let all = shown(&store).await;
    let (new, _) = all.iter().find(|(key, _)| *key != old).unwrap();
    until(async || live(&store).await == 1).await;
    tokio::time::sleep(patience).await;
    assert_eq!(app.ends(), []);
    let Loaded::Live(record) = store.load(&old).await.unwrap() else { panic!("it lives on") };
    let moved = Moved { to: *new, until_ms: u64::MAX };
    let late = store.supersede(&old, record.version(), moved).await.unwrap();
    assert_eq!(late, Written::Done);
    until(async || !app.ends().is_empty()).await;
    assert_eq!(app.ends(), [(*new, EndedBy::Lost)]);
}

/// A strict store that lacks a replica confirms neither the rotation nor the end of what it left.
#[tokio::test(start_paused = true)]
async fn a_session_that_a_rotation_lost_is_told_although_its_end_was_not_confirmed() {
    let store = Between::default();
    let app = App::new(&store);
    let cookie = app.cookie("/login/ada", "").await;
    store.lose("supersede", StoreErrorKind::NotReplicated);
    let unconfirmed = store.clone();
    store.on("delete", async move { unconfirmed.lose("delete", StoreErrorKind::NotReplicated) });
    assert_eq!(app.ask("/rotate", &cookie).await.status, 503);
    until(async || !app.ends().is_empty()).await;
    let ends: Vec<_> = app.ends().into_iter().map(|(_, by)| by).collect();
    assert_eq!((ends, store.count("delete")), (vec![EndedBy::Lost], 2));
}

/// A tombstone for each visitor that a full store has no room for would fill it further.
#[tokio::test(start_paused = true)]
async fn a_session_that_was_surely_not_made_is_not_ended() {
    for kind in [StoreErrorKind::Full, StoreErrorKind::Refused, StoreErrorKind::Resting] {
        for path in ["/visit", "/login/ada"] {
            let store = Between::default();
            let app = App::new(&store);
            store.fail("create", kind);
            assert_eq!(app.ask(path, "").await.status, 503, "{kind:?}");
            tokio::time::sleep(Duration::from_secs(100)).await;
            assert_eq!((store.count("delete"), store.notes_of("ada")), (0, 0), "{kind:?} {path}");
        }
    }
}

/// A store that is silent for longer than a commit may take, and a request that is dropped.
#[tokio::test(start_paused = true)]
async fn what_a_commit_began_ends_although_the_commit_is_over() {
    let store = Between::default();
    let app = App::new(&store);
    let cookie = app.cookie("/login/ada", "").await;
    store.on("supersede", std::future::pending());
    assert_eq!(app.ask("/rotate", &cookie).await.status, 200, "one more attempt");
    for is_dropped in [false, true] {
        let store = Between::default();
        let app = App::new(&store);
        let cookie = app.cookie("/login/ada", "").await;
        let quiet = store.clone();
        store.on("supersede", async move {
            quiet.hang("supersede");
            std::future::pending().await
        });
        let patience = Duration::from_secs(if is_dropped { 1 } else { 60 });
        let answer = tokio::time::timeout(patience, app.ask("/rotate", &cookie)).await;
        assert_eq!(answer.map(|answer| answer.status).ok(), (!is_dropped).then_some(503));
        assert_eq!(store.count("create"), 2, "the successor was created");
        store.heal();
        until(async || live(&store).await == 1 && store.notes_of("ada") == 1).await;
        assert_eq!((app.user_of(&cookie).await, app.ends()), ("ada".to_owned(), vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_failed_behind_its_record_leaves_none() {
    // The answer to a first login, and a login in place of a session that cannot be ended.
    let store = Between::default();
    let app = App::new(&store);
    store.lose("create", StoreErrorKind::NotReplicated);
    assert_eq!(app.ask("/login/ada", "").await.status, 503);
    until(async || live(&store).await == 0 && store.notes_of("ada") == 0).await;
    let cookie = app.cookie("/visit", "").await;
    store.fail("delete", StoreErrorKind::NotReplicated);
    assert_eq!(app.ask("/flasks-login", &cookie).await.status, 503);
    until(async || live(&store).await == 1 && store.notes_of("ada") == 0).await;
    assert_eq!(app.ask("/cart", &cookie).await.body, "3 pears");
    assert_eq!(app.ends(), []);
}

#[tokio::test(start_paused = true)]
async fn a_logout_whose_answer_was_lost_is_told_once() {
    use StoreErrorKind::{OutcomeUnknown, TimedOut, Unavailable};
    for kind in [OutcomeUnknown, TimedOut, Unavailable] {
        for by in [EndedBy::Logout, EndedBy::Revoked] {
            for is_done in [true, false] {
                let store = Between::default();
                let app = App::new(&store);
                let cookie = app.cookie("/login/ada", "").await;
                let key = app.users.list("ada").await.unwrap()[0].key;
                if is_done {
                    store.lose("delete", kind);
                } else {
                    store.fail("delete", kind);
                }
                match by {
                    EndedBy::Logout => assert_eq!(app.ask("/logout", &cookie).await.status, 200),
                    _ => assert_eq!(app.users.revoke_all("ada").await.unwrap(), 1),
                }
                assert_eq!(app.ends(), [(key, by)], "{kind:?}, {is_done}");
                app.ask("/logout", &cookie).await;
                store.lose("delete", kind);
                assert!(!app.users.revoke("ada", key).await.unwrap(), "it was dead before");
                assert_eq!(app.ends().len(), 1);
            }
        }
    }
}

/// A strict store has ended it and says that its replicas did not confirm it: an error, and asked again it
/// finds the tombstone.
#[tokio::test(start_paused = true)]
async fn an_end_that_was_not_confirmed_is_told_once() {
    for by in [EndedBy::Logout, EndedBy::Revoked] {
        for is_done in [true, false] {
            let store = Between::default();
            let app = App::new(&store);
            let cookie = app.cookie("/login/ada", "").await;
            let key = app.users.list("ada").await.unwrap()[0].key;
            for attempt in 0..2 {
                match is_done {
                    true => store.lose("delete", StoreErrorKind::NotReplicated),
                    false => store.fail("delete", StoreErrorKind::NotReplicated),
                }
                match by {
                    EndedBy::Logout => drop(app.ask("/logout", &cookie).await),
                    _ => assert!(attempt > 0 || app.users.revoke("ada", key).await.is_err()),
                }
            }
            store.heal();
            assert_eq!(app.ends(), if is_done { vec![(key, by)] } else { vec![] }, "{by:?}");
            app.ask("/logout", &cookie).await;
            let _ = app.users.revoke("ada", key).await.unwrap();
            let told = if is_done { by } else { EndedBy::Logout };
            assert_eq!(app.ends(), [(key, told)], "{by:?}, {is_done}");
        }
    }
}

/// It opened the session while it was alive, somebody else ended it, and its own call never came
/// there: the tombstone is not its own.
#[tokio::test(start_paused = true)]
async fn an_end_that_somebody_else_made_is_not_told_again() {
    let store = Between::default();
    let (app, other) = (App::new(&store), App::new(&store));
    let cookie = app.cookie("/login/ada", "").await;
    let key = app.users.list("ada").await.unwrap()[0].key;
    app.wait(Duration::from_secs(1));
    let (its, silent) = (cookie.clone(), store.clone());
    store.on("delete", async move {
        other.ask("/logout", &its).await;
        assert_eq!(other.ends(), [(key, EndedBy::Logout)]);
        silent.fail("delete", StoreErrorKind::TimedOut);
    });
    assert_eq!(app.ask("/logout", &cookie).await.status, 200);
    assert_eq!((app.ends(), store.count("delete")), (vec![], 3));
}
