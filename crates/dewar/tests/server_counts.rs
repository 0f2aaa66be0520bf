//! How often the store is asked, and what it and everybody who listens get to see.

mod server;

use std::sync::{Arc, Mutex};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use server::{
    site::{Act, Answer, Millis, Site, set},
    tap::Tap,
};

const MINUTE: u64 = 60_000;

struct Counted {
    store: Tap,
    clock: Millis,
    site: Site,
    cookie: String,
}

impl Counted {
    async fn new() -> Self {
        let (store, clock) = (Tap::new(), Millis::default());
        let site = Site::new(&store, &clock);
        let cookie = site.login([set("k", 1), set("token", "t")]).await;
        store.calls();
        Self { store, clock, site, cookie }
    }

    /// The calls of one request.
    async fn calls(&self, acts: impl Into<Vec<Act>>) -> String {
        self.ask(acts).await.1
    }

    async fn ask(&self, acts: impl Into<Vec<Act>>) -> (Answer, String) {
        let answer = self.site.ask(&self.cookie, acts).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        (answer, self.store.calls())
    }
}

#[tokio::test]
async fn each_request_costs_the_calls_of_this_table() {
    type Acts = fn() -> Vec<Act>;
    let table: &[(&str, Acts, &str)] = &[
        ("a read", Vec::new, "load"),
        ("an equal set", || vec![set("k", 1)], "load"),
        ("a set and its undoing", || vec![set("k", 2), set("k", 1)], "load"),
        ("nothing removed", || vec![Act::Remove("no")], "load"),
        ("nothing counted", || vec![Act::Incr("k", 0)], "load"),
        ("no flash to read", || vec![Act::Flashes], "load"),
        ("a set", || vec![set("k", 2)], "load update"),
        ("twenty sets", || vec![Act::Incr("k", 1); 20], "load update"),
        ("an early commit", || vec![set("k", 3), Act::Commit, Act::Commit], "load update"),
        ("a token", || vec![Act::TakeOnce("token")], "load load update"),
        ("no token", || vec![Act::TakeOnce("token")], "load load"),
        ("an emptied session", || vec![Act::Remove("k")], "load update"),
        ("a rotation", || vec![Act::Rotate, set("k", 4)], "load create supersede"),
    ];
    let mut visitor = Counted::new().await;
    for (name, acts, expected) in table {
        let (answer, calls) = visitor.ask(acts()).await;
        assert_eq!(calls, *expected, "{name}");
        visitor.cookie = answer.cookie().unwrap_or(visitor.cookie);
    }
    let (answer, calls) = visitor.ask([Act::Logout, set("k", 1)]).await;
    assert_eq!(calls, "load create delete", "a replacement");
    visitor.cookie = answer.cookie().expect("a new one");
    assert_eq!(visitor.calls([Act::Logout]).await, "load delete", "a logout");
    assert_eq!(visitor.calls([]).await, "load", "an ended one");
    assert_eq!(visitor.calls([Act::Logout]).await, "load", "a logout of an ended one");
    assert_eq!(visitor.calls([set("k", 1)]).await, "load create", "a new one in its place");
}

#[tokio::test]
async fn a_conflict_costs_one_call_more() {
    let visitor = Counted::new().await;
    let other = Site::new(&visitor.store, &visitor.clock);
    let go = Arc::new(tokio::sync::Semaphore::new(0));
    let acts = [Act::Wait(Arc::clone(&go)), Act::Incr("k", 1)];
    let begun = tokio::spawn(visitor.site.ask(&visitor.cookie, acts));
    while visitor.store.count() < 1 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    other.ask(&visitor.cookie, [Act::Incr("k", 1)]).await;
    go.add_permits(1);
    begun.await.expect("no panic");
    assert_eq!(visitor.store.calls(), "load load update update update");
    assert!(visitor.site.told("ConflictMerged") == 1);
    assert!(visitor.site.dump(&visitor.cookie).await.contains("k=3,"));
}

#[tokio::test]
async fn who_does_not_ask_costs_nothing_and_a_hundred_readers_write_nothing() {
    let visitor = Counted::new().await;
    visitor.site.ask_elsewhere(&visitor.cookie).await;
    assert_eq!(visitor.store.calls(), "");
    for _ in 0..100 {
        assert_eq!(visitor.calls([]).await, "load");
    }
    assert_eq!(visitor.store.inner.len(), 1);
    for acts in [vec![], vec![Act::Logout], vec![Act::Rotate], vec![set("a", 1), Act::Remove("a")]]
    {
        let answer = visitor.site.ask("", acts).await;
        assert_eq!((visitor.store.calls().as_str(), answer.set_cookie()), ("", None));
    }
    let answer = visitor.site.ask("", [set("a", 1)]).await;
    assert_eq!(visitor.store.calls(), "create");
    assert!(answer.set_cookie().is_some());
}

#[tokio::test]
async fn a_forged_or_malformed_id_costs_no_call() {
    let visitor = Counted::new().await;
    let value = visitor.cookie.strip_prefix("session=").expect("the name");
    let (id, signature) = value.split_once('.').expect("two parts");
    let forged = [
        String::new(),
        ".".into(),
        id.into(),
        format!("{id}."),
        format!("{id}.{}", signature.chars().rev().collect::<String>()),
        format!("{}.{signature}", id.chars().rev().collect::<String>()),
        format!("{id}={signature}"),
        format!("../../etc/passwd.{signature}"),
        "A".repeat(4000),
    ];
    for value in forged {
        let cookie = format!("session={value}");
        let answer = visitor.site.ask(&cookie, []).await;
        assert!(!answer.opened(), "{value}: {}", answer.body);
        assert_eq!(visitor.store.calls(), "", "{value}");
    }
}

#[tokio::test]
async fn a_touch_is_due_once_per_quarter_of_the_idle_timeout() {
    let visitor = Counted::new().await;
    let mut touches = Vec::new();
    for minute in 1..=240 {
        visitor.clock.advance(MINUTE);
        match visitor.calls([]).await.as_str() {
            "load" => {}
            "load touch" => touches.push(minute),
            other => panic!("{other}"),
        }
    }
    assert_eq!(touches, [30, 60, 90, 120, 150, 180, 210, 240]);
}

#[tokio::test]
async fn nobody_touches_what_the_absolute_deadline_ends_anyway() {
    let (store, clock) = (Tap::new(), Millis::default());
    let site = Site::with(&store, &clock, |builder| {
        builder.absolute_timeout(std::time::Duration::from_secs(3 * 3600))
    });
    let cookie = site.login([set("k", 1)]).await;
    let mut touches = Vec::new();
    for minute in 1..180 {
        clock.advance(MINUTE);
        store.calls();
        assert!(site.ask(&cookie, []).await.opened(), "minute {minute}");
        if store.calls() == "load touch" {
            touches.push(minute);
        }
    }
    assert_eq!(touches, [30, 60], "from then on it lives to its end");
    clock.advance(MINUTE);
    assert!(!site.ask(&cookie, []).await.opened(), "and not longer");
}

/// Keeps everything that is sent to `tracing`, as text.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<String>>);

impl tracing::Subscriber for Captured {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Write<'t>(&'t mut String);
        impl tracing::field::Visit for Write<'_> {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{field}={value:?}\n"));
            }
        }
        event.record(&mut Write(&mut self.0.lock().expect("no panic")));
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn no_store_event_or_log_ever_sees_an_id() {
    let captured = Captured::default();
    // For all threads: what another test logs first is not forgotten for this one.
    tracing::subscriber::set_global_default(captured.clone()).expect("the only one");
    let mut visitor = Counted::new().await;
    let mut cookies = vec![visitor.cookie.clone()];
    let all = [
        vec![],
        vec![set("secret", "s3cr3t"), Act::Incr("k", 1)],
        vec![Act::Rotate],
        vec![Act::TakeOnce("token")],
        vec![Act::Logout, set("k", 1)],
        vec![Act::Logout],
        vec![],
    ];
    for acts in all {
        let (answer, _) = visitor.ask(acts).await;
        if let Some(cookie) = answer.cookie().filter(|cookie| !cookie.is_empty()) {
            cookies.push(cookie.clone());
            visitor.cookie = cookie;
        }
        visitor.site.ask(&cookies[0], [set("k", 9)]).await;
    }
    assert_eq!(cookies.len(), 3);
    let seen = visitor.store.seen();
    let told = visitor.site.everything_told();
    let logged = captured.0.lock().expect("no panic").clone();
    assert!(told.contains("StoreCall"), "nobody listened");
    assert!(logged.contains("store call"), "nothing was logged: {logged}");
    let debug = format!("{:?} {:?}", visitor.site, visitor.store.inner);
    for cookie in &cookies {
        let token = cookie.strip_prefix("session=").expect("the name");
        let (id, _) = token.split_once('.').expect("two parts");
        let raw = URL_SAFE_NO_PAD.decode(id).expect("an id");
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        for secret in [id.as_bytes(), &raw, hex.as_bytes(), format!("{raw:?}").as_bytes()] {
            for (place, bytes) in [
                ("the store", seen.as_slice()),
                ("an event", told.as_bytes()),
                ("the log", logged.as_bytes()),
                ("Debug", debug.as_bytes()),
            ] {
                let found = bytes.windows(secret.len()).any(|window| window == secret);
                assert!(!found, "an id reached {place}");
            }
        }
    }
    assert!(!logged.contains("s3cr3t"), "the log shows no value");
}
