//! A user's sessions.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "users/battery.rs"]
mod battery;
#[path = "users/noting.rs"]
mod noting;

use dewar::{
    ConfigError, SessionLayer, UserSessions, WhenFull,
    store::{BoxStore, MemoryStore, StoreErrorKind, conformance},
};
use noting::Noting;

const KEY: &str = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_holds_where_the_records_are_the_list() {
    battery::examine(MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_holds_where_the_list_is_a_place_of_its_own() {
    conformance::check_users(|| async { Noting::default() }).await.assert_passed();
    battery::examine(Noting::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[should_panic(expected = "assertion")]
async fn a_list_that_misses_logins_is_caught() {
    battery::examine(Noting::lossy()).await;
}

#[tokio::test]
async fn notes_do_not_grow_with_each_login() {
    let store = Noting::default();
    battery::log_in_and_expire(&store, "ada", 200).await;
    assert!(store.notes_of("ada") < 20, "{} notes", store.notes_of("ada"));
}

#[test]
fn a_limit_needs_a_store_that_knows_users() {
    let limit = 3.try_into().unwrap();
    let refused = SessionLayer::server(KEY, BoxStore::new(MemoryStore::new()))
        .max_sessions_per_user(limit, WhenFull::Refuse)
        .build()
        .unwrap_err();
    assert!(matches!(refused, ConfigError::UsersUnknown { limit: 3 }), "{refused}");
    let unknown = UserSessions::of(BoxStore::new(MemoryStore::new())).unwrap_err();
    assert_eq!(unknown.kind(), StoreErrorKind::Unsupported);
    let cookie = SessionLayer::signed_cookie(KEY).build().unwrap();
    assert!(cookie.user_sessions().is_none());
}
