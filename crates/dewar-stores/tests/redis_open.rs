//! How a Redis is named, who may come in, and what is said to who may not.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{error::Error, time::Duration};

use dewar::store::{Loaded, Owner, Record, Scan, Store, Sweep, UserIndex};
use dewar_stores::redis::{OpenError, RedisStore, RedisStoreBuilder};
use dewar_testdata::redis::Node;
use support::{
    key,
    redis::{now_ms, on},
};

const HOUR_MS: u64 = 3_600_000;

/// A handshake without optimization, on a machine that does something else.
const PATIENCE: Duration = Duration::from_secs(20);

/// Alive for an hour of use and a day at most.
fn record(write: u64, data: &str) -> Record {
    Record {
        created_ms: now_ms(),
        idle_deadline_ms: now_ms() + HOUR_MS,
        absolute_deadline_ms: now_ms() + 24 * HOUR_MS,
        ..support::record(write, data)
    }
}

#[tokio::test]
async fn users_databases_and_prefixes_are_kept_apart() {
    let Some(node) = Node::start(&[]) else { return };
    let rules = ["ACL", "SETUSER", "web", "on", ">s3cret:/?#@", "~app:*", "resetchannels", "-@all"];
    let may = [
        "+@read",
        "+@write",
        "+@scripting",
        "+@connection",
        "+wait",
        "+role",
        "+info",
        "+scan",
        "+time",
    ];
    assert_eq!(node.ask(&[&rules[..], &may[..]].concat()).text(), "OK");
    let url = format!("redis://web:s3cret%3A%2F%3F%23%40@127.0.0.1:{}/3", node.port());
    let store = RedisStore::builder(&url).prefix("app:").tell_expired(Duration::from_secs(60));
    let store = store.connect().await.unwrap();
    store.create(&key(1), &record(1, "a")).await.unwrap();
    store.load(&key(1)).await.unwrap();
    let past = Record { idle_deadline_ms: now_ms() - 1000, ..record(1, "a") };
    store.create(&key(2), &past).await.unwrap();
    assert_eq!(store.sweep(now_ms() + 300_000, 10).await.unwrap().expired, [key(2)]);
    assert_eq!(store.scan(None, 10).await.unwrap().found.len(), 1);
    // The second note looks how long the first one is kept.
    for number in 1..3 {
        let (owner, until_ms) = (Owner::of("ada"), now_ms() + HOUR_MS);
        store.enter(&owner, &key(number), now_ms(), until_ms).await.unwrap();
    }
    let named = RedisStore::at("127.0.0.1", node.port()).user(Some("web"), "s3cret:/?#@");
    let named = named.database(3).prefix("app:").connect().await.unwrap();
    assert!(matches!(named.load(&key(1)).await.unwrap(), Loaded::Live(_)));
    let other = on(&node).database(2).prefix("app:").connect().await.unwrap();
    assert_eq!(other.load(&key(1)).await.unwrap(), Loaded::Nothing);
    let other = on(&node).database(3).connect().await.unwrap();
    assert_eq!(other.load(&key(1)).await.unwrap(), Loaded::Nothing);

    // A key that it may not use, and a user that is none.
    let error = RedisStore::builder(&url).prefix("b:").connect().await.unwrap_err();
    assert!(matches!(error, OpenError::NoRights { .. }), "{error:?}");
    assert!(error.to_string().contains("+@scripting"), "{error}");
    node.ask(&[
        "ACL",
        "SETUSER",
        "reader",
        "on",
        ">pw",
        "~dewar:*",
        "-@all",
        "+@read",
        "+@connection",
    ]);
    let reader = on(&node).user(Some("reader"), "pw").connect().await.unwrap_err();
    assert!(matches!(reader, OpenError::NoRights { .. }), "{reader:?}");
    let wrong = url.replace("s3cret", "guess");
    let error = RedisStore::connect(&wrong).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    for told in [whole_story(&error), format!("{:?}", RedisStore::builder(&wrong))] {
        assert!(!told.contains("guess"), "{told}");
    }
}

/// An error with all that lies beneath it.
fn whole_story(error: &dyn Error) -> String {
    let mut story = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(error) = next {
        story += &format!(": {error} {error:?}");
        next = error.source();
    }
    story
}

/// Not at the first page.
#[tokio::test]
async fn a_password_that_is_missing_is_told_at_the_opening() {
    let Some(node) = Node::start(&["--requirepass", "hunter2"]) else { return };
    let error = on(&node).connect().await.unwrap_err();
    assert!(matches!(error, OpenError::NoPassword { .. }), "{error:?}");
    assert!(error.to_string().contains("write redis://:PASSWORD@HOST"), "{error}");
    on(&node).user(None, "hunter2").connect().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_opened_is_said_with_the_cure() {
    let refused: [(RedisStoreBuilder, &str); 8] = [
        (RedisStore::builder("postgres://u:hidden@h/x"), "write redis://"),
        (RedisStore::builder("redis://u:hidden@h/name"), "write redis://"),
        (RedisStore::builder("unix:///tmp/socket?pass=hidden"), "write redis://"),
        (RedisStore::at("h", 1).cluster([("h", 1)]).database(1), "choose another prefix"),
        (RedisStore::at("h", 1).cluster::<&str>([]), "name at least one"),
        (RedisStore::at("h", 1).strict(0), "name all replicas"),
        (RedisStore::at("h", 1).strict_writes(true), "say by strict"),
        (RedisStore::at("h", 1).database(-1), "counted from 0"),
    ];
    for (builder, cure) in refused {
        let error = builder.connect().await.unwrap_err();
        assert!(error.to_string().contains(cure), "{error}");
        assert!(!whole_story(&error).contains("hidden"), "{error}");
    }
    let nobody = RedisStore::connect("redis://127.0.0.1:1").await.unwrap_err();
    assert!(matches!(nobody, OpenError::Unreachable { .. }), "{nobody:?}");
}

#[tokio::test]
async fn tls_is_spoken_to_whom_the_authority_signed() {
    let Some((node, port)) = Node::start_with_tls() else { return };
    let authority = dewar_testdata::tls::authority;
    for host in ["localhost", "127.0.0.1"] {
        let store = RedisStore::builder(&format!("rediss://{host}:{port}")).tls_root(authority());
        let store = store.timeout(PATIENCE).connect().await.unwrap();
        store.delete(&key(1), now_ms() + HOUR_MS).await.unwrap();
        assert!(matches!(store.load(&key(1)).await.unwrap(), Loaded::Ended { .. }));
    }
    let store = RedisStore::at("localhost", port).tls(true).tls_root(authority());
    store.timeout(PATIENCE).connect().await.unwrap();

    // Nobody whom the authority did not sign, whatever the URL says; and no plain words.
    for url in
        [format!("rediss://localhost:{port}"), format!("rediss://localhost:{port}/#insecure")]
    {
        let error = RedisStore::connect(&url).await.unwrap_err();
        assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    }
    let error = RedisStore::connect(&format!("redis://localhost:{port}")).await.unwrap_err();
    assert!(error.to_string().contains("write rediss:// for redis://"), "{}", whole_story(&error));
    let plain = RedisStore::builder(&format!("rediss://localhost:{}", node.port()));
    let error = plain.tls_root(authority()).connect().await.unwrap_err();
    assert!(error.to_string().contains("write redis:// for rediss://"), "{}", whole_story(&error));
    // Told before anybody is asked.
    let nonsense = RedisStore::at("localhost", 1).tls(true).tls_root(*b"no certificate");
    let error = nonsense.connect().await.unwrap_err();
    assert!(matches!(error, OpenError::Option { option: "tls_root", .. }), "{error:?}");
}
