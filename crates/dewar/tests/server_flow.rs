//! The plan of server mode over real requests: cookie, verdict, deadlines, failures.

mod server;

use std::{sync::Arc, time::Duration};

use dewar::{
    Value,
    store::{Loaded, Store},
};
use server::{
    fresh, runtime,
    site::{Act, Answer, Millis, Site, cookie_of, set},
    tap::{Fault, Sabotage, Tap},
};
use tokio::sync::Semaphore;

#[tokio::test]
async fn the_cookie_is_kept_set_or_removed_as_the_plan_says() {
    walk_the_plan(None).await;
}

#[tokio::test]
async fn a_store_that_lies_does_not_pass_the_plan() {
    for sabotage in [
        Sabotage::UpdateDoesNothing,
        Sabotage::DeleteDoesNothing,
        Sabotage::SupersedeDoesNothing,
        Sabotage::SupersedeKeepsTheOld,
    ] {
        let caught = tokio::spawn(walk_the_plan(Some(sabotage))).await;
        assert!(caught.is_err(), "{sabotage:?} went unnoticed");
    }
}

async fn walk_the_plan(sabotage: Option<Sabotage>) {
    type Acts = fn() -> Vec<Act>;
    const BEGUN: Acts = || vec![set("k", 1)];
    // What came before (nothing: no cookie), what the handler does, the cookie, what is left.
    let table: &[(Option<Acts>, Acts, &str, &str)] = &[
        (None, Vec::new, "kept", ""),
        (None, || vec![Act::Logout], "kept", ""),
        (None, || vec![Act::Rotate], "kept", ""),
        (None, BEGUN, "set", "opened;k=1"),
        (None, || vec![Act::Rotate, set("k", 1)], "set", "opened;k=1"),
        (None, || vec![set("x", 1), Act::Logout, set("k", 1)], "set", "opened;k=1"),
        (Some(BEGUN), Vec::new, "kept", "opened;k=1"),
        (Some(BEGUN), || vec![set("k", 2)], "kept", "opened;k=2"),
        (Some(BEGUN), || vec![Act::Remove("k")], "kept", "opened;"),
        (Some(BEGUN), || vec![Act::Rotate], "set", "opened;k=1"),
        (Some(BEGUN), || vec![Act::Rotate, Act::Rotate], "set", "opened;k=1"),
        (Some(BEGUN), || vec![Act::Rotate, Act::Remove("k")], "set", "opened;"),
        (Some(BEGUN), || vec![Act::Logout], "removed", ""),
        (Some(BEGUN), || vec![Act::Rotate, Act::Logout], "removed", ""),
        (Some(BEGUN), || vec![Act::Logout, set("k", 2), Act::Remove("k")], "removed", ""),
        (Some(BEGUN), || vec![Act::Logout, set("k", 2)], "set", "opened;k=2"),
        (Some(BEGUN), || vec![Act::Logout, set("k", 1)], "set", "opened;k=1"),
    ];
    for (row, (before, acts, expected, left)) in table.iter().enumerate() {
        let (mut store, clock) = (Tap::new(), Millis::default());
        store.sabotage = sabotage;
        let site = Site::new(&store, &clock);
        let cookie = match before {
            Some(before) => site.login(before()).await,
            None => String::new(),
        };
        let answer = site.ask(&cookie, acts()).await;
        assert_eq!(cookie_of(&answer), *expected, "row {row}");
        assert_eq!(answer.headers["vary"], "Cookie", "row {row}");
        let no_store = answer.headers.contains_key("cache-control");
        assert_eq!(no_store, *expected != "kept", "row {row}");
        let now = answer.cookie().unwrap_or_else(|| cookie.clone());
        if left.is_empty() {
            assert_eq!(store.live_with("").await, 0, "row {row}");
        } else {
            assert_eq!(site.dump(&now).await, *left, "row {row}");
            assert_eq!(store.live_with("").await, 1, "row {row}: one live id");
        }
        if *expected != "kept" && before.is_some() {
            assert!(!site.dump(&cookie).await.starts_with("opened"), "row {row}: the old id");
        }
    }
}

#[tokio::test]
async fn every_refused_id_has_its_verdict() {
    let (store, clock, site) = fresh();
    let stranger = Site::new(&Tap::new(), &clock).login([set("k", 1)]).await;
    assert_eq!(site.dump(&stranger).await, "UnknownId;", "an id is never adopted");
    let answer = site.ask(&stranger, [set("k", 1)]).await;
    assert_ne!(answer.cookie().expect("a fresh one"), stranger);

    let ended = site.login([set("k", 1)]).await;
    site.ask(&ended, [Act::Logout]).await;
    assert_eq!(site.dump(&ended).await, "Revoked;");

    let rotated = site.login([set("k", 1)]).await;
    site.ask(&rotated, [Act::Rotate]).await;
    let _before = site.events();
    assert_eq!(site.dump(&rotated).await, "Rotated;");
    assert_eq!(site.told("RotatedIdUsed"), 1);

    let cookie = site.login([set("k", 1)]).await;
    store.fail(0, Fault::ErrorBefore);
    let answer = site.ask(&cookie, []).await;
    assert_eq!((answer.status.as_u16(), cookie_of(&answer)), (503, "kept"));
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(answer.headers["vary"], "Cookie", "it depends on the cookie all the same");
    assert_eq!(site.told("Opened { verdict: StoreUnavailable }"), 1);
    assert!(site.dump(&cookie).await.starts_with("opened"), "it works again at once");
}

#[tokio::test]
async fn a_store_without_tombstones_is_told_from_an_honest_one() {
    let (mut store, clock) = (Tap::new(), Millis::default());
    store.sabotage = Some(Sabotage::DeleteWithoutTombstone);
    let site = Site::new(&store, &clock);
    let cookie = site.login([set("k", 1)]).await;
    site.ask(&cookie, [Act::Logout]).await;
    assert_eq!(site.dump(&cookie).await, "UnknownId;", "an honest one says Revoked");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_left_as_it_is() {
    let (store, _, site) = fresh();
    let cookie = site.login([set("k", 1)]).await;
    let key = store.last_key();
    let Loaded::Live(mut record) = store.inner.load(&key).await.expect("an answer") else {
        panic!("not live")
    };
    for data in ["", "[1", "{\"k\":1,", "7", "\u{0}"] {
        let version = record.version();
        record.data = data.as_bytes().to_vec();
        store.inner.update(&key, version, &record).await.expect("an answer");
        let before = store.inner.load(&key).await.expect("an answer");
        let answer = site.ask(&cookie, []).await;
        assert!(answer.body.starts_with("Unreadable"), "{data}: {}", answer.body);
        assert_eq!(cookie_of(&answer), "kept");
        assert_eq!(store.inner.load(&key).await.expect("an answer"), before, "{data}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_replaces_the_response_and_the_next_one_works() {
    for fault in [Fault::ErrorBefore, Fault::HangBefore] {
        let (store, _, site) = fresh();
        let cookie = site.login([set("k", 1)]).await;
        for acts in [vec![set("k", 2)], vec![Act::Rotate], vec![Act::Logout]] {
            store.fail_times(1, fault, usize::MAX);
            let answer = site.ask(&cookie, acts).await;
            assert_eq!((answer.status.as_u16(), cookie_of(&answer)), (503, "kept"));
            assert_eq!(answer.body, "The session could not be saved.\n");
            assert_eq!(answer.headers["retry-after"], "1");
            assert_eq!(answer.headers["vary"], "Cookie");
            assert_eq!(answer.headers["cache-control"], "private, no-store");
            // Who does not use the session does not notice.
            assert_eq!(site.ask_elsewhere(&cookie).await.body, "elsewhere");
            store.heal();
            assert_eq!(site.dump(&cookie).await, "opened;k=1");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_too_large_is_refused_and_names_its_largest_key() {
    let (_, _, site) = fresh();
    let cookie = site.login([set("k", 1)]).await;
    let _before = site.events();
    let answer = site.ask(&cookie, [set("big", "x".repeat(65 * 1024)), set("k", 2)]).await;
    assert_eq!(answer.status, 500);
    let told = site.events().join(" ");
    assert!(told.contains("SessionTooLarge") && told.contains("largest_key: \"big\""), "{told}");
    assert_eq!(site.dump(&cookie).await, "opened;k=1");
}

/// Begins a request, lets `other` be answered, and then lets the first go on.
async fn overlapping(
    store: &Tap,
    site: &Site,
    cookie: &str,
    acts: impl Into<Vec<Act>>,
    other: impl Into<Vec<Act>>,
) -> (Answer, Answer) {
    let go = Arc::new(Semaphore::new(0));
    store.calls();
    let acts = [vec![Act::Wait(Arc::clone(&go))], acts.into()].concat();
    let begun = tokio::spawn(site.ask(cookie, acts));
    while store.count() < 1 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    let other = site.ask(cookie, other).await;
    go.add_permits(1);
    (begun.await.expect("no panic"), other)
}

#[tokio::test]
async fn a_count_of_what_became_text_meanwhile_stores_nothing() {
    for act in [Act::Incr("n", 1), Act::Push("n", "x")] {
        let (store, _, site) = fresh();
        let cookie = site.login([set("k", 1)]).await;
        let _before = site.events();
        let acts = [set("k", 2), act];
        let (answer, _) = overlapping(&store, &site, &cookie, acts, [set("n", "text")]).await;
        assert_eq!(answer.status, 500);
        assert_eq!(site.told("Refused"), 1);
        assert_eq!(site.dump(&cookie).await, "opened;k=1,n=text");
    }
}

#[tokio::test]
async fn an_early_commit_gives_what_others_wrote_too() {
    let (store, _, site) = fresh();
    let cookie = site.login([Act::Incr("n", 1)]).await;
    let acts = [Act::Incr("n", 1), Act::Commit, set("late", 1)];
    let other = [Act::Incr("n", 1), set("o", 1)];
    let (answer, _) = overlapping(&store, &site, &cookie, acts, other).await;
    assert_eq!(answer.body, "opened;kept 2;n=3,o=1");
    assert_eq!(site.told("LateWrite {"), 1);
    assert_eq!(site.dump(&cookie).await, "opened;n=3,o=1");
}

#[tokio::test]
async fn two_values_of_one_key_raise_an_event_and_operations_do_not() {
    for (act, other, told) in [
        (set("k", "b"), set("k", "a"), 1),
        (set("k", "a"), set("k", "a"), 0),
        (Act::Remove("k"), set("k", "a"), 1),
        (Act::Append("k", "b"), Act::Append("k", "a"), 0),
        (Act::Incr("n", 1), Act::Incr("n", 1), 0),
    ] {
        let (store, _, site) = fresh();
        let cookie = site.login([set("k", "0")]).await;
        let _before = site.events();
        overlapping(&store, &site, &cookie, [act.clone()], [other]).await;
        assert_eq!(site.told("Overwrote"), told, "{act:?}");
        let dump = site.dump(&cookie).await;
        assert!(!matches!(act, Act::Append(..)) || dump.contains("k=0ab"), "{dump}");
    }
}

#[tokio::test]
async fn a_commit_tells_the_operations_by_name() {
    let (_, _, site) = fresh();
    let cookie = site.login([set("k", 1)]).await;
    let _before = site.events();
    site.ask(&cookie, [Act::Incr("k", 1), Act::Push("log", "x"), set("s", 1)]).await;
    let told = site.events().join(" ");
    for text in ["(\"k\", [\"incr\"])", "(\"log\", [\"push\"])", "(\"s\", [\"set\"])"] {
        assert!(told.contains(text), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_that_take_one_token_one_gets_it() {
    for processes in [1, 2] {
        let (store, clock) = (Tap::new(), Millis::default());
        let sites: Vec<_> = (0..processes).map(|_| Site::new(&store, &clock)).collect();
        let cookie = sites[0].login([set("token", "t"), set("k", 1)]).await;
        let go = Arc::new(Semaphore::new(0));
        store.calls();
        let tasks: Vec<_> = (0..50)
            .map(|i| {
                let acts = [Act::Wait(Arc::clone(&go)), Act::TakeOnce("token"), Act::Incr("n", 1)];
                tokio::spawn(sites[i % processes].ask(&cookie, acts))
            })
            .collect();
        while store.count() < 50 {
            tokio::task::yield_now().await;
        }
        go.add_permits(50);
        let mut taken = 0;
        for task in tasks {
            let answer = task.await.expect("no panic");
            assert_eq!(answer.status, 200, "{}", answer.body);
            taken += usize::from(answer.body.contains("took t"));
        }
        assert_eq!(taken, 1);
        assert_eq!(sites[0].dump(&cookie).await, "opened;k=1,n=50");
    }
}

#[tokio::test]
async fn what_was_set_before_a_token_is_taken_is_kept() {
    let (_, _, site) = fresh();
    let cookie = site.login([set("token", "old"), set("log", vec![Value::from("a")])]).await;
    let acts = [set("token", "new"), Act::TakeOnce("token")];
    assert_eq!(site.ask(&cookie, acts).await.body, "opened;took old;log=['a'],token=new");
    assert_eq!(site.dump(&cookie).await, "opened;log=['a'],token=new");
}

#[tokio::test]
async fn overlapping_flash_messages_are_shown_and_none_is_lost() {
    let (store, _, site) = fresh();
    let cookie = site.login([set("k", 1), Act::Flash("one")]).await;
    // Shown here, and another is pushed meanwhile.
    let (shown, _) = overlapping(&store, &site, &cookie, [Act::Flashes], [Act::Flash("two")]).await;
    assert!(
        shown.body.starts_with("opened;one;") || shown.body.contains(";one;"),
        "{}",
        shown.body
    );
    let next = site.ask(&cookie, [Act::Flashes]).await;
    assert!(next.body.starts_with("opened;two;"), "{}", next.body);
    assert!(site.ask(&cookie, [Act::Flashes]).await.body.starts_with("opened;;"));
    // Pushed by both.
    overlapping(&store, &site, &cookie, [Act::Flash("a")], [Act::Flash("b")]).await;
    assert!(site.ask(&cookie, [Act::Flashes]).await.body.starts_with("opened;b+a;"));
    // Seen by both before either commits, and never again.
    site.ask(&cookie, [Act::Flash("c")]).await;
    let both = overlapping(&store, &site, &cookie, [Act::Flashes], [Act::Flashes]).await;
    assert!(both.0.body.contains(";c;") && both.1.body.contains(";c;"));
    assert!(site.ask(&cookie, [Act::Flashes]).await.body.starts_with("opened;;"));
}

#[test]
fn a_handler_that_panics_keeps_nothing_and_holds_nothing() {
    runtime().block_on(async {
        let (_, _, site) = fresh();
        let cookie = site.login([set("k", 1)]).await;
        let acts = [set("k", 2), Act::Panic];
        assert!(tokio::spawn(site.ask(&cookie, acts)).await.is_err());
        let next = tokio::time::timeout(Duration::from_secs(1), site.ask(&cookie, [set("z", 1)]));
        assert_eq!(next.await.expect("a permit is free").status, 200);
        assert_eq!(site.dump(&cookie).await, "opened;k=1,z=1");
    });
}
