//! Flask-Session's table in Postgres: what others do to it meanwhile, its clock, and the way to it.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod pg;

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dewar::{
    StoreKey,
    store::{Created, Loaded, Reached, Record, Store, StoreErrorKind, WriteId, Writes, Written},
};
use dewar_stores::flask_session::{FlaskSessionStore, Postgres};
use dewar_testdata::{postgres::Stop, tls};
use pg::Server;
use sha1::Digest;

const HOUR_MS: u64 = 3_600_000;

fn now_ms() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn id(byte: u8) -> StoreKey {
    StoreKey::from_id([byte; 32])
}

/// What Flask-Session calls it.
fn name(byte: u8) -> String {
    format!("session:{}", URL_SAFE_NO_PAD.encode([byte; 32]))
}

/// Of this write, for an hour of use and two hours at most.
fn record(write: u64, n: u64) -> Record {
    Record {
        owner: None,
        created_ms: now_ms(),
        idle_deadline_ms: now_ms() + HOUR_MS,
        absolute_deadline_ms: now_ms() + 2 * HOUR_MS,
        writes: Writes::first(WriteId::new(write)),
        data: format!("{{\"n\":{n}}}").into_bytes(),
    }
}

async fn store(server: &Server) -> FlaskSessionStore<Postgres> {
    FlaskSessionStore::postgres(&server.postgres.url()).await.unwrap()
}

fn n_of(loaded: &Loaded) -> &str {
    let Loaded::Live(record) = loaded else { panic!("{loaded:?}") };
    std::str::from_utf8(&record.data).unwrap()
}

/// Until this many connections wait for a lock.
async fn until_waiting(server: &Server, count: i64) {
    let watch = server.client().await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    pg::until("they wait for a lock", async || {
        watch.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == count
    })
    .await;
}

/// `{"n": 9}` in MessagePack, as Flask-Session writes it.
const NINE: &[u8] = b"\x81\xa1n\x09";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_between_reading_and_writing_is_never_overwritten() {
    let Some(server) = Server::start() else { return };
    let (store, mut flask) = (store(&server).await, server.client().await);
    let insert = "INSERT INTO sessions (session_id, data, expiry)
                  VALUES ($1, $2, (now() AT TIME ZONE 'utc') + interval '1 hour')";
    let update = "UPDATE sessions SET data = $2 WHERE session_id = $1";

    // An insert that is not yet committed when ours is under way.
    let begun = flask.transaction().await.unwrap();
    begun.execute(insert, &[&name(1), &NINE]).await.unwrap();
    let ours = tokio::spawn({
        let store = store.clone();
        async move { store.create(&id(1), &record(1, 1)).await }
    });
    until_waiting(&server, 1).await;
    begun.commit().await.unwrap();
    assert_eq!(ours.await.unwrap().unwrap(), Created::Exists);
    assert_eq!(n_of(&store.load(&id(1)).await.unwrap()), "{\"n\":9}");

    // A change of a record that we have read.
    assert_eq!(store.create(&id(2), &record(1, 1)).await.unwrap(), Created::Done);
    let begun = flask.transaction().await.unwrap();
    begun.execute(update, &[&name(2), &NINE]).await.unwrap();
    let ours = tokio::spawn({
        let store = store.clone();
        async move { store.update(&id(2), WriteId::new(1), &record(2, 2)).await }
    });
    until_waiting(&server, 1).await;
    begun.commit().await.unwrap();
    let answer = ours.await.unwrap().unwrap();
    assert!(matches!(answer, Written::Conflict(_)), "{answer:?}");
    assert_eq!(n_of(&store.load(&id(2)).await.unwrap()), "{\"n\":9}");

    // A record that comes after we have seen that there is none, and before we end what was there:
    // our note waits for another one in its place.
    let note = URL_SAFE_NO_PAD.encode(sha1::Sha1::digest(name(3)));
    let mut other = server.client().await;
    let held = other.transaction().await.unwrap();
    let in_the_way = "INSERT INTO dewar_flask_sessions VALUES ($1, '', 0)";
    held.execute(in_the_way, &[&format!("dewar:session:{note}")]).await.unwrap();
    let ours = tokio::spawn({
        let store = store.clone();
        async move { store.delete(&id(3), now_ms() + HOUR_MS).await }
    });
    until_waiting(&server, 1).await;
    flask.execute(insert, &[&name(3), &NINE]).await.unwrap();
    held.rollback().await.unwrap();
    assert_eq!(ours.await.unwrap().unwrap(), Reached::Gone);
    let there = flask.query("SELECT FROM sessions WHERE session_id = $1", &[&name(3)]).await;
    assert_eq!(there.unwrap().len(), 1, "it is Flask-Session's, and the tombstone is ours");
    assert!(matches!(store.load(&id(3)).await.unwrap(), Loaded::Ended { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_somebody_holds_is_waited_for_a_second_and_nothing_is_done() {
    let Some(server) = Server::start() else { return };
    let (store, mut other) = (store(&server).await, server.client().await);
    store.create(&id(1), &record(1, 1)).await.unwrap();
    let held = other.transaction().await.unwrap();
    held.query("SELECT FROM sessions FOR UPDATE", &[]).await.unwrap();
    let start = Instant::now();
    let error = store.update(&id(1), WriteId::new(1), &record(2, 2)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Contended);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    held.rollback().await.unwrap();
    assert_eq!(n_of(&store.load(&id(1)).await.unwrap()), "{\"n\":1}");
    let done = store.update(&id(1), WriteId::new(1), &record(2, 2)).await.unwrap();
    assert_eq!(done, Written::Done);
}

/// Flask-Session compares with `utcnow()`, whatever the time of the server is called there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expiry_is_utc_wherever_the_server_stands() {
    let Some(server) = Server::start() else { return };
    let client = server.client().await;
    client.batch_execute("ALTER ROLE postgres SET timezone = 'Asia/Tokyo'").await.unwrap();
    let store = store(&server).await;
    let whole = record(1, 1);
    store.create(&id(1), &whole).await.unwrap();
    let sql = "SELECT (extract(epoch FROM expiry) * 1000)::bigint, pg_typeof(expiry)::text
               FROM sessions";
    let row = server.client().await.query_one(sql, &[]).await.unwrap();
    assert_eq!(u64::try_from(row.get::<_, i64>(0)).unwrap(), whole.idle_deadline_ms);
    assert_eq!(row.get::<_, &str>(1), "timestamp without time zone");
    let Loaded::Live(there) = store.load(&id(1)).await.unwrap() else { panic!() };
    assert_eq!(there.idle_deadline_ms, whole.idle_deadline_ms);
    // What has expired by that clock is not there, though its row is.
    let past = "UPDATE sessions SET expiry = (now() AT TIME ZONE 'utc') - interval '1 second'";
    client.batch_execute(past).await.unwrap();
    assert_eq!(store.load(&id(1)).await.unwrap(), Loaded::Nothing);
    client.batch_execute("UPDATE sessions SET expiry = NULL").await.unwrap();
    assert_eq!(store.load(&id(1)).await.unwrap(), Loaded::Nothing);
    client.batch_execute("UPDATE sessions SET expiry = 'infinity'").await.unwrap();
    assert!(matches!(store.load(&id(1)).await.unwrap(), Loaded::Live(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_needs_nobody_and_a_silent_server_holds_nobody_up() {
    let Some(mut server) = Server::start() else { return };
    let store = store(&server).await;
    store.create(&id(1), &record(1, 1)).await.unwrap();
    server.postgres.stop(Stop::Fast);
    assert_eq!(store.load(&id(1)).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    server.postgres.start_again();
    assert_eq!(n_of(&store.load(&id(1)).await.unwrap()), "{\"n\":1}");

    server.postgres.pause();
    let start = Instant::now();
    let calls = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.delete(&id(1), now_ms() + HOUR_MS).await })
    });
    for call in calls.collect::<Vec<_>>() {
        // None of them got as far as to commit.
        assert_eq!(call.await.unwrap().unwrap_err().kind(), StoreErrorKind::TimedOut);
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    server.postgres.go_on();
    assert_eq!(n_of(&store.load(&id(1)).await.unwrap()), "{\"n\":1}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_made_once_and_a_role_that_may_not_needs_none_made() {
    let Some(server) = Server::start() else { return };
    let url = server.postgres.url();
    let starts = (0..6).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { FlaskSessionStore::postgres(&url).await.map(drop) })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap();
    }
    let role = "CREATE ROLE app LOGIN;
                GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, dewar_flask_sessions TO app;
                GRANT USAGE ON SEQUENCE sessions_id_seq TO app";
    server.client().await.batch_execute(role).await.unwrap();
    let app = FlaskSessionStore::postgres(&url.replace("postgres@", "app@")).await.unwrap();
    assert_eq!(app.create(&id(1), &record(1, 1)).await.unwrap(), Created::Done);

    let foreign = "CREATE SCHEMA crm; CREATE TABLE crm.sessions (number int);
                   CREATE TABLE crm.dewar_flask_sessions (number int);
                   ALTER ROLE app SET search_path = crm; GRANT USAGE ON SCHEMA crm TO app";
    server.client().await.batch_execute(foreign).await.unwrap();
    let error = FlaskSessionStore::postgres(&url.replace("postgres@", "app@")).await.unwrap_err();
    let cause = format!("{:?}", std::error::Error::source(&error));
    assert!(cause.contains("does not exist"), "{cause}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_reached_under_tls_too() {
    let Some(server) = dewar_testdata::postgres::Postgres::start_with_tls("server", "") else {
        return;
    };
    let url = |authority: &str| {
        let file = tls::folder().join(authority);
        let host = format!("localhost:{}", server.port());
        format!(
            "flask-session+postgres://postgres@{host}/postgres?sslmode=verify-full&sslrootcert={}",
            file.display()
        )
    };
    // The one makes the tables, the other only takes what is there.
    let own = url("ca.pem").replace("flask-session+", "");
    FlaskSessionStore::postgres(&own).await.unwrap();
    let store = dewar_stores::url::open(&url("ca.pem")).await.unwrap();
    assert_eq!(store.create(&id(1), &record(1, 1)).await.unwrap(), Created::Done);
    let error = dewar_stores::url::open(&url("other-ca.pem")).await.unwrap_err();
    let cause = format!("{:?}", std::error::Error::source(&error));
    assert!(cause.contains("UnknownIssuer"), "{cause}");
}
