//! The late-write rule: what a request that had opened a session before it was rotated may still
//! change in the successor.

mod server;

use std::sync::Arc;

use dewar::Value;
use server::{
    site::{Act, Answer, Millis, Site, T0, set},
    tap::{Sabotage, Tap},
};
use tokio::sync::Semaphore;

const MINUTE: u64 = 60_000;

/// A visitor whose request waits behind its opening, in a process of its own.
struct Late {
    store: Tap,
    clock: Millis,
    site: Site,
    other: Site,
    cookie: String,
    go: Arc<Semaphore>,
}

impl Late {
    async fn new() -> Self {
        let (store, clock) = (Tap::new(), Millis::default());
        let (site, other) = (Site::new(&store, &clock), Site::new(&store, &clock));
        let before =
            [set("user", "ada"), set("k", "old"), set("n", 5), set("log", vec![Value::from("a")])];
        let cookie = site.login(before).await;
        Self { store, clock, site, other, cookie, go: Arc::new(Semaphore::new(0)) }
    }

    /// A request that has opened the session and acts when it is let go on.
    async fn begin(&self, acts: Vec<Act>) -> tokio::task::JoinHandle<Answer> {
        let mut all = vec![Act::Wait(Arc::clone(&self.go))];
        all.extend(acts);
        self.store.calls();
        let begun = tokio::spawn(self.site.ask(&self.cookie, all));
        while self.store.count() < 1 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        begun
    }

    async fn end(&self, begun: tokio::task::JoinHandle<Answer>) -> Answer {
        self.go.add_permits(1);
        begun.await.expect("no panic")
    }

    /// Another request; gives the cookie that its browser has then.
    async fn ask(&self, cookie: &str, acts: Vec<Act>) -> String {
        let answer = self.other.ask(cookie, acts).await;
        assert_eq!(answer.status, 200);
        answer.cookie().unwrap_or_else(|| cookie.to_owned())
    }
}

#[tokio::test]
async fn the_late_write_rule_is_this_table() {
    type Acts = fn() -> Vec<Act>;
    const LOGIN: Acts = || vec![Act::Rotate, set("role", "admin")];
    const SETS_K: Acts = || vec![Act::Rotate, set("k", "new")];
    const SETS_K_ALIKE: Acts = || vec![Act::Rotate, set("k", "old")];
    const COUNTS: Acts = || vec![Act::Rotate, Act::Incr("n", 10)];
    const DISCARDS: Acts = || vec![Act::RotateDiscarding];
    const NOTHING: Acts = Vec::new;
    // What comes late, what the rotating request did, what was done in the successor, what is
    // found in the end, and whether something was dropped.
    let table: &[(Acts, Acts, Acts, &str, bool)] = &[
        (|| vec![set("k", "late")], LOGIN, NOTHING, "k=late,", false),
        (|| vec![set("k", "late")], SETS_K, NOTHING, "k=new,", true),
        (|| vec![set("k", "late")], SETS_K_ALIKE, NOTHING, "k=late,", false),
        (|| vec![set("k", "late")], LOGIN, || vec![set("k", "new")], "k=new,", true),
        (|| vec![set("k", "late")], LOGIN, || vec![Act::Remove("k")], "n=5,role=admin", true),
        (|| vec![set("k", "late")], DISCARDS, NOTHING, "k=old,", true),
        (|| vec![set("k", "old")], SETS_K, NOTHING, "k=new,", false),
        (|| vec![set("fresh", "late")], LOGIN, NOTHING, "fresh=late,", false),
        (|| vec![set("role", "owner")], LOGIN, NOTHING, "role=admin", true),
        (|| vec![Act::Remove("k")], LOGIN, NOTHING, "opened;log", false),
        (|| vec![Act::Remove("k")], SETS_K, NOTHING, "k=new,", true),
        (|| vec![Act::Remove("role")], LOGIN, NOTHING, "role=admin", false),
        (|| vec![Act::Append("k", "+")], LOGIN, NOTHING, "k=old+,", false),
        (|| vec![Act::Append("k", "+")], SETS_K, NOTHING, "k=new,", true),
        (|| vec![Act::Append("k", "+")], LOGIN, || vec![set("k", "new")], "k=new,", true),
        (|| vec![Act::Incr("n", 1)], LOGIN, NOTHING, "n=6,", false),
        (|| vec![Act::Incr("n", 1)], LOGIN, || vec![Act::Incr("n", 1)], "n=7,", false),
        (|| vec![Act::Incr("n", 1)], COUNTS, NOTHING, "n=15,", true),
        (|| vec![Act::Incr("n", 1)], DISCARDS, NOTHING, "n=5,", true),
        (|| vec![Act::Push("log", "b")], LOGIN, NOTHING, "log=['a', 'b']", false),
        (|| vec![Act::Push("role", "x")], LOGIN, NOTHING, "role=admin", true),
        (|| vec![Act::Permanent(true)], LOGIN, NOTHING, "opened;k=old,", true),
        (|| vec![Act::Flash("late")], LOGIN, NOTHING, "opened;k=old,", true),
        (|| vec![set("_csrf", "planted")], LOGIN, NOTHING, "opened;k=old,", true),
        (|| vec![set("_csrf", "planted"), set("k", "late")], LOGIN, NOTHING, "opened;k=late", true),
        (NOTHING, LOGIN, NOTHING, "role=admin", false),
    ];
    for (row, (late, rotating, meanwhile, expected, dropped)) in table.iter().enumerate() {
        let visitor = Late::new().await;
        let begun = visitor.begin(late()).await;
        let cookie = visitor.ask(&visitor.cookie, rotating()).await;
        visitor.ask(&cookie, meanwhile()).await;
        let _before = visitor.site.events();
        let answer = visitor.end(begun).await;
        assert_eq!((answer.status.as_u16(), answer.set_cookie()), (200, None), "row {row}");
        let told = visitor.site.told("LateWritesDropped");
        let dump = visitor.site.dump(&cookie).await;
        assert!(dump.starts_with("opened;"), "row {row}: {dump}");
        assert!(dump.contains(expected), "row {row}: {dump}");
        assert_eq!(told > 0, *dropped, "row {row}: {dump}");
        assert!(visitor.site.dump(&visitor.cookie).await.starts_with("Rotated"), "row {row}");
    }
}

#[tokio::test]
async fn a_late_write_follows_eight_rotations_and_no_ninth() {
    for hops in [1, 2, 7, 8, 9, 12] {
        let visitor = Late::new().await;
        let begun = visitor.begin(vec![Act::Incr("n", 1), set("k", "late")]).await;
        let mut cookie = visitor.cookie.clone();
        for _ in 0..hops {
            cookie = visitor.ask(&cookie, vec![Act::Rotate]).await;
        }
        assert_eq!(visitor.end(begun).await.status, 200);
        let landed = visitor.site.dump(&cookie).await.contains("k=late,log=['a'],n=6");
        assert_eq!(landed, hops <= 8, "{hops} hops");
        assert_eq!(visitor.site.told("LateWritesDropped"), usize::from(!landed), "{hops} hops");
    }
}

#[tokio::test]
async fn a_logout_follows_eight_rotations_and_says_so_if_there_are_more() {
    for hops in [1, 2, 7, 8, 9] {
        let visitor = Late::new().await;
        let begun = visitor.begin(vec![Act::Logout]).await;
        let mut cookie = visitor.cookie.clone();
        for _ in 0..hops {
            cookie = visitor.ask(&cookie, vec![Act::Rotate]).await;
        }
        let status = visitor.end(begun).await.status.as_u16();
        let live = visitor.store.live_with("ada").await;
        assert_eq!((status, live), if hops <= 8 { (200, 0) } else { (503, 1) }, "{hops} hops");
    }
}

#[tokio::test]
async fn two_rotations_keep_what_each_of_them_forbids() {
    // What the first one set, what it refused, and what the second one set.
    let first: [fn() -> Vec<Act>; 3] = [
        || vec![Act::Rotate, Act::Incr("n", 10)],
        || vec![Act::RotateDiscarding],
        || vec![Act::Rotate],
    ];
    let second: [fn() -> Vec<Act>; 3] =
        [|| vec![Act::Rotate], || vec![Act::Rotate], || vec![Act::RotateDiscarding]];
    for (row, (first, second)) in first.into_iter().zip(second).enumerate() {
        let visitor = Late::new().await;
        let begun = visitor.begin(vec![Act::Incr("n", 1)]).await;
        let cookie = visitor.ask(&visitor.cookie, first()).await;
        let cookie = visitor.ask(&cookie, second()).await;
        visitor.end(begun).await;
        let dump = visitor.site.dump(&cookie).await;
        let expected = if row == 0 { "n=15," } else { "n=5," };
        assert!(dump.contains(expected), "row {row}: {dump}");
    }
}

#[tokio::test]
async fn a_marker_routes_until_its_end_and_not_a_moment_longer() {
    for (ms, verdict, landed) in
        [(10 * MINUTE - 1, "Rotated;", true), (10 * MINUTE, "UnknownId;", false)]
    {
        let visitor = Late::new().await;
        let begun = visitor.begin(vec![Act::Incr("n", 1)]).await;
        let cookie = visitor.ask(&visitor.cookie, vec![Act::Rotate]).await;
        visitor.clock.set(T0 + ms);
        assert_eq!(visitor.other.dump(&visitor.cookie).await, verdict);
        visitor.end(begun).await;
        let dump = visitor.other.dump(&cookie).await;
        assert_eq!(dump.contains("n=6,"), landed, "{dump}");
    }
}

#[tokio::test]
async fn a_planted_id_gains_nothing_from_the_login_of_its_victim() {
    fixate(None).await;
}

#[tokio::test]
async fn a_store_that_keeps_the_old_id_is_caught_by_the_planted_one() {
    for sabotage in [Sabotage::SupersedeKeepsTheOld, Sabotage::SupersedeDoesNothing] {
        let caught = tokio::spawn(fixate(Some(sabotage))).await;
        assert!(caught.is_err(), "{sabotage:?} went unnoticed");
    }
}

async fn fixate(sabotage: Option<Sabotage>) {
    // The attacker begins a session, plants its cookie, and opens it in flight.
    let (mut store, clock) = (Tap::new(), Millis::default());
    store.sabotage = sabotage;
    let (site, other) = (Site::new(&store, &clock), Site::new(&store, &clock));
    let planted = site.login([set("theme", "dark")]).await;
    let go = Arc::new(Semaphore::new(0));
    let evil = || {
        vec![
            Act::Wait(Arc::clone(&go)),
            set("user", "eve"),
            set("role", "owner"),
            Act::Push("roles", "owner"),
            set("_csrf", "known"),
        ]
    };
    store.calls();
    let in_flight = tokio::spawn(site.ask(&planted, evil()));
    let rotating = tokio::spawn(site.ask(&planted, [evil(), vec![Act::Rotate]].concat()));
    while store.count() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    // The victim logs in.
    let login = [Act::Rotate, set("user", "ada"), set("role", "user"), Act::Push("roles", "user")];
    let cookie = other.ask(&planted, login).await.cookie().expect("a new id");
    assert_ne!(cookie, planted);
    go.add_permits(2);
    for late in [in_flight, rotating] {
        let answer = late.await.expect("no panic");
        assert_eq!(answer.set_cookie(), None, "the attacker is sent no id");
        assert!(!answer.body.contains("ada"), "{}", answer.body);
    }
    // Whatever the attacker sends later reads nothing, writes nothing and begins nothing.
    for acts in [vec![], vec![set("user", "eve")], vec![Act::Rotate, set("user", "eve")]] {
        let answer = other.ask(&planted, acts).await;
        assert!(answer.body.starts_with("Rotated;"), "{}", answer.body);
        assert!(!answer.body.contains("ada") && answer.set_cookie().is_none());
    }
    let found = other.dump(&cookie).await;
    assert_eq!(found, "opened;role=user,roles=['user'],theme=dark,user=ada");
    assert_eq!(store.live_with("").await, 1, "one live id");
}

#[tokio::test]
async fn a_logout_and_a_rotation_in_every_order_end_the_session() {
    // Who opens early and acts last.
    for (late, first) in [(Act::Logout, Act::Rotate), (Act::Rotate, Act::Logout)] {
        let visitor = Late::new().await;
        let begun = visitor.begin(vec![late]).await;
        let cookie = visitor.ask(&visitor.cookie, vec![first]).await;
        let answer = visitor.end(begun).await;
        assert_eq!(visitor.store.live_with("ada").await, 0);
        for cookie in [Some(cookie), answer.cookie(), Some(visitor.cookie.clone())] {
            let dump = visitor.other.dump(&cookie.unwrap_or_default()).await;
            assert!(!dump.starts_with("opened"), "{dump}");
        }
    }
    // It arrives with the id that was rotated away: the end of the chain goes.
    let visitor = Late::new().await;
    let cookie = visitor.ask(&visitor.cookie, vec![Act::Rotate]).await;
    let answer = visitor.other.ask(&visitor.cookie, [Act::Logout]).await;
    assert_eq!(answer.cookie().as_deref(), Some(""), "the cookie is removed");
    assert_eq!(visitor.other.dump(&cookie).await, "Revoked;");
}

#[tokio::test]
async fn a_login_under_a_rotated_id_begins_nothing_and_is_told() {
    let visitor = Late::new().await;
    visitor.ask(&visitor.cookie, vec![Act::Rotate]).await;
    let _before = visitor.other.events();
    let answer = visitor.other.ask(&visitor.cookie, [Act::Logout, set("user", "eve")]).await;
    assert_eq!(answer.cookie().as_deref(), Some(""));
    assert_eq!(visitor.other.told("LateWritesDropped"), 1);
    assert_eq!(visitor.store.live_with("").await, 0);
}
