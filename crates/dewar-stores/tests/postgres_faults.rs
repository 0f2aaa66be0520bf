//! Faults between the store and Postgres: cut lines, lost answers, silence, restarts.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod pg;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Body, http::Request, routing::get};
use dewar::{
    Event, Session, SessionLayer,
    store::{
        Created, Loaded, Reached, Record, Store, StoreErrorKind, WriteId, Written,
        conformance::cancel_after,
    },
};
use dewar_stores::postgres::{PostgresStore, PostgresStoreBuilder, Sabotage};
use dewar_testdata::{
    postgres::Stop,
    proxy::{Mode, Proxy},
};
use pg::{Server, key, numbered, record};
use tower::ServiceExt;

fn through(proxy: &Proxy, server: &Server, schema: &str) -> PostgresStoreBuilder {
    PostgresStore::builder(&server.postgres.url_at(proxy.port()))
        .schema(schema)
        .connections(1)
        .connect_timeout(Duration::from_millis(500))
        .answer_timeout(Duration::from_millis(500))
}

fn before(server: &Server) -> Proxy {
    Proxy::before(([127, 0, 0, 1], server.postgres.port()).into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_was_cut_off_is_done_and_said_to_be_unknown() {
    let Some(server) = Server::start() else { return };
    let (proxy, schema) = (before(&server), server.schema());
    let store = through(&proxy, &server, &schema).connect().await.unwrap();
    let other = server.builder(&schema).connect().await.unwrap();
    let second = record(2, "second");

    proxy.set(Mode::CutAtAnswer);
    let error = store.create(&key(1), &record(1, "first")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::OutcomeUnknown);
    pg::until("the create is done", async || {
        other.load(&key(1)).await.unwrap() == Loaded::Live(record(1, "first"))
    })
    .await;
    // By itself it is up again, and nothing is done twice.
    assert_eq!(store.create(&key(1), &record(1, "first")).await.unwrap(), Created::Exists);

    proxy.set(Mode::CutAtAnswer);
    let error = store.update(&key(1), WriteId::new(1), &second).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::OutcomeUnknown);
    let again = store.update(&key(1), WriteId::new(1), &second).await.unwrap();
    assert_eq!(again, Written::Conflict(second));

    proxy.set(Mode::CutAtAnswer);
    let error = store.delete(&key(1), 5000).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::OutcomeUnknown);
    assert_eq!(store.delete(&key(1), 5000).await.unwrap(), Reached::Gone);

    // A read changes nothing, so its outcome is known.
    proxy.set(Mode::CutAtAnswer);
    let error = store.load(&key(1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(proxy.swallowed(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_calls_a_lost_answer_undone_is_caught() {
    let Some(server) = Server::start() else { return };
    let (proxy, schema) = (before(&server), server.schema());
    let broken = through(&proxy, &server, &schema).sabotage(Sabotage::BrokenMeansUndone);
    let broken = broken.connect().await.unwrap();
    proxy.set(Mode::CutAtAnswer);
    let error = broken.create(&key(1), &record(1, "")).await.unwrap_err();
    // What `Unavailable` rules out has happened.
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(broken.load(&key(1)).await.unwrap(), Loaded::Live(record(1, "")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_noticed_and_left() {
    let Some(server) = Server::start() else { return };
    let (proxy, schema) = (before(&server), server.schema());
    let store = through(&proxy, &server, &schema).connect().await.unwrap();
    store.create(&key(1), &record(1, "here")).await.unwrap();

    proxy.set(Mode::SwallowAnswers);
    let start = Instant::now();
    let (one, two) = (key(1), key(2));
    let fresh = record(1, "");
    let (load, create) = tokio::join!(store.load(&one), store.create(&two, &fresh));
    assert_eq!(load.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert_eq!(create.unwrap_err().kind(), StoreErrorKind::OutcomeUnknown);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());

    // The next attempts get no answer either: nothing is sent, and nobody waits long.
    let error = store.create(&key(3), &record(1, "")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let start = Instant::now();
    assert!(store.load(&key(1)).await.is_err());
    assert!(start.elapsed() < Duration::from_millis(700), "{:?}", start.elapsed());

    proxy.set(Mode::Pass);
    pg::until("the store is up again", async || store.load(&key(1)).await.is_ok()).await;
    assert_eq!(store.load(&key(3)).await.unwrap(), Loaded::Nothing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_call_was_not_carried_out() {
    let Some(server) = Server::start() else { return };
    let (proxy, schema) = (before(&server), server.schema());
    let store = through(&proxy, &server, &schema).connect().await.unwrap();
    proxy.set(Mode::Refuse);
    pg::until("the line is down", async || {
        let error = store.create(&key(1), &record(1, "")).await.unwrap_err();
        error.kind() == StoreErrorKind::Unavailable
    })
    .await;
    for _ in 0..20 {
        let start = Instant::now();
        let error = store.create(&key(2), &record(1, "")).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(start.elapsed() < Duration::from_millis(700), "{:?}", start.elapsed());
    }
    proxy.set(Mode::Pass);
    pg::until("the store is up again", async || store.load(&key(2)).await.is_ok()).await;
    assert_eq!(store.load(&key(2)).await.unwrap(), Loaded::Nothing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_needs_nobody() {
    let Some(mut server) = Server::start() else { return };
    let (store, _) = server.store_and_schema().await;
    store.create(&key(1), &record(1, "here")).await.unwrap();
    for how in [Stop::Fast, Stop::Immediate] {
        server.postgres.stop(how);
        assert!(store.load(&key(1)).await.is_err());
        server.postgres.start_again();
        pg::until("the store is up again", async || store.load(&key(1)).await.is_ok()).await;
    }
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(record(1, "here")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_server_holds_nobody_up_for_long() {
    let Some(server) = Server::start() else { return };
    let schema = server.schema();
    let store = server
        .builder(&schema)
        .connect_timeout(Duration::from_millis(500))
        .answer_timeout(Duration::from_millis(500));
    let store = store.connect().await.unwrap();
    store.create(&key(1), &record(1, "here")).await.unwrap();
    server.postgres.pause();
    let start = Instant::now();
    assert!(store.load(&key(1)).await.is_err());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    server.postgres.go_on();
    pg::until("the store is up again", async || store.load(&key(1)).await.is_ok()).await;
}

/// Each call is dropped after so many polls; the line serves those after it all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_is_done_or_not_done_and_leaves_its_line_usable() {
    let Some(server) = Server::start() else { return };
    let store = server.builder(&server.schema()).connections(1).connect().await.unwrap();
    let (mut done, mut dropped) = (0, 0);
    for number in 0..200 {
        let (key, fresh) = (numbered(number), record(1, vec![7; 5000]));
        let polls = usize::try_from(number % 4).unwrap();
        match cancel_after(polls, store.create(&key, &fresh)).await {
            Some(created) => assert_eq!(created.unwrap(), Created::Done),
            None => dropped += 1,
        }
        match store.load(&key).await.unwrap() {
            Loaded::Live(found) => {
                assert_eq!(found, fresh);
                done += 1;
            }
            found => assert_eq!(found, Loaded::Nothing),
        }
    }
    assert!(done >= 100 && dropped >= 50, "{done} were done, {dropped} were dropped");
}

/// An operator's open transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_row_is_waited_for_a_second() {
    let Some(server) = Server::start() else { return };
    let (store, schema) = server.store_and_schema().await;
    store.create(&key(1), &record(1, "")).await.unwrap();
    let operator = server.client().await;
    operator
        .batch_execute(&format!("BEGIN; SELECT FROM {schema}.sessions FOR UPDATE"))
        .await
        .unwrap();
    let start = Instant::now();
    let error = store.touch(&key(1), 5000).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Contended);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(record(1, "")));
    operator.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.touch(&key(1), 5000).await.unwrap(), Reached::Done);
}

/// Whether the calls that come while one waits for a locked row are answered before that one is, or
/// before it would be, had its caller not given up.
async fn others_overtake(connections: usize, gives_up: bool) -> Option<bool> {
    let server = Server::start()?;
    let schema = server.schema();
    let store = server.builder(&schema).connections(connections).connect().await.unwrap();
    let watcher = server.client().await;
    pg::until("not every connection is up", async || {
        let up = "SELECT FROM pg_stat_activity WHERE query LIKE '%.sessions%' AND pid <> \
                  pg_backend_pid()";
        watcher.query(up, &[]).await.unwrap().len() == connections
    })
    .await;
    store.create(&key(1), &record(1, "")).await.unwrap();
    let operator = server.client().await;
    let lock = format!("BEGIN; SELECT FROM {schema}.sessions FOR UPDATE");
    operator.batch_execute(&lock).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.touch(&key(1), 5000).await }
    });
    server.until_a_lock_is_waited_for().await;
    if gives_up {
        waiting.abort();
    }
    for _ in 0..20 {
        assert_eq!(store.load(&key(2)).await.unwrap(), Loaded::Nothing);
    }
    let overtook = server.is_a_lock_waited_for(&watcher).await;
    if !gives_up {
        assert_eq!(waiting.await.unwrap().unwrap_err().kind(), StoreErrorKind::Contended);
    }
    Some(overtook)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_for_a_lock_holds_up_no_other() {
    for gives_up in [false, true] {
        let Some(overtook) = others_overtake(2, gives_up).await else { return };
        assert!(overtook, "a call went behind one that waits ({gives_up}): a line was free");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_behind_one_that_waits_are_noticed() {
    let Some(overtook) = others_overtake(1, false).await else { return };
    assert!(!overtook, "with one connection there is no way past");
}

/// As the parallel requests of one browser: each waits for its time, one behind the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_wait_for_one_row_cost_nobody_a_connection() {
    let Some(server) = Server::start() else { return };
    let (store, schema) = server.store_and_schema().await;
    store.create(&key(1), &record(1, "")).await.unwrap();
    let operator = server.client().await;
    let lock = format!("BEGIN; SELECT FROM {schema}.sessions FOR UPDATE");
    operator.batch_execute(&lock).await.unwrap();
    let touches: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.touch(&key(1), 5000).await })
        })
        .collect();
    for touch in touches {
        let error = touch.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Contended, "its line was cut");
    }
}

/// A page gets its 503 either way, and all others their sessions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_says_no_to_is_an_answer_and_opens_no_breaker() {
    let Some(server) = Server::start() else { return };
    let (store, schema) = server.store_and_schema().await;
    let operator = server.client().await;
    let refuses = format!(
        "CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON {schema}.sessions
             FOR EACH ROW EXECUTE FUNCTION {schema}.refuse()"
    );
    operator.batch_execute(&refuses).await.unwrap();
    let error = store.create(&key(1), &record(1, "")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Refused);

    let rested = Arc::new(AtomicBool::new(false));
    let rests = Arc::clone(&rested);
    let sessions = SessionLayer::server("9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG", store.clone())
        .on_event(move |event| {
            let opens = matches!(event, Event::StoreRests { .. });
            rests.fetch_or(opens, Ordering::Relaxed);
        })
        .build()
        .unwrap();
    async fn begin(session: Session) {
        session.set("name", "ada");
    }
    let app: Router = Router::new().route("/", get(begin)).layer(sessions);
    for _ in 0..20 {
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
    }
    assert!(!rested.load(Ordering::Relaxed), "it was taken for silent");
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Nothing);
}

/// The snapshot of an update that waits is older than the row it waits for.
async fn update_behind_an_open_transaction(sabotage: Option<Sabotage>) -> Option<Written> {
    let server = Server::start()?;
    let schema = server.schema();
    let mut builder = server.builder(&schema);
    if let Some(sabotage) = sabotage {
        builder = builder.sabotage(sabotage);
    }
    let store = builder.connect().await.unwrap();
    store.create(&key(1), &record(1, "")).await.unwrap();
    let second = record(2, "second");
    let other = server.client().await;
    // What the other one's update does, between its lock and its commit.
    other.batch_execute("BEGIN").await.unwrap();
    let lock = format!("SELECT FROM {schema}.sessions WHERE key = $1 FOR UPDATE");
    other.query(&lock, &[&key(1).as_bytes().as_slice()]).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.update(&key(1), WriteId::new(1), &second).await.unwrap() }
    });
    server.until_a_lock_is_waited_for().await;
    let end = format!("DELETE FROM {schema}.sessions WHERE key = $1");
    other.query(&end, &[&key(1).as_bytes().as_slice()]).await.unwrap();
    other.batch_execute("COMMIT").await.unwrap();
    Some(waiting.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_waited_says_what_it_met_and_not_what_it_saw_before() {
    let Some(written) = update_behind_an_open_transaction(None).await else { return };
    assert_eq!(written, Written::Gone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_believes_its_old_snapshot_is_caught() {
    let sabotage = Some(Sabotage::BelieveOldSnapshot);
    let Some(written) = update_behind_an_open_transaction(sabotage).await else { return };
    // It says that somebody else wrote, and shows the version that it was told to expect.
    assert_eq!(written, Written::Conflict(Record { ..record(1, "") }));
}
