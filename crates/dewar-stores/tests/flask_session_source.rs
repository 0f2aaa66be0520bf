//! A database whose sessions are taken: nothing is made in it, and without Flask-Session's table it is told.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod pg;
mod support;

use std::error::Error;

use dewar::{
    StoreKey,
    store::{Loaded, MemoryStore, Record, Scan, Store, Sweep},
};
use dewar_stores::{
    flask_session::{FlaskSessionStore, OpenError, hashed},
    migrate::{Migrating, Migration},
    url::open,
};
use pg::Server;
use rusqlite::Connection;
use support::{Folder, redis::now_ms};

const HOUR_MS: u64 = 3_600_000;

fn record() -> Record {
    Record {
        created_ms: now_ms(),
        idle_deadline_ms: now_ms() + HOUR_MS,
        absolute_deadline_ms: now_ms() + 24 * HOUR_MS,
        ..support::record(1, "{\"n\":1}")
    }
}

fn id() -> StoreKey {
    StoreKey::from_id([7; 32])
}

/// The tables of an SQLite file.
fn tables(database: &Connection) -> Vec<String> {
    let mut names =
        database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1").unwrap();
    names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn cause(error: &dyn Error) -> String {
    error.source().unwrap().to_string()
}

#[tokio::test]
async fn a_file_is_read_as_it_is_and_gets_a_table_when_something_is_noted() {
    let folder = Folder::new();
    let path = folder.join("flask.db");
    let url = format!("flask-session+sqlite:{}", path.display());
    assert!(open(&url).await.is_err() && !path.exists(), "no file is made");
    let database = Connection::open(&path).unwrap();
    database.execute_batch("CREATE TABLE other (a)").unwrap();
    let missing = open(&url).await.unwrap_err();
    assert!(cause(&missing).starts_with("there is no table sessions"), "{}", cause(&missing));
    assert_eq!(tables(&database), ["other"]);

    // As Flask-Session leaves it, which knows no notes.
    let own = FlaskSessionStore::sqlite(&path).unwrap();
    own.create(&id(), &record()).await.unwrap();
    drop(own);
    database.execute_batch("DROP TABLE dewar_flask_sessions").unwrap();
    let old = open(&url).await.unwrap();
    assert!(matches!(old.load(&id()).await.unwrap(), Loaded::Live(_)));
    assert_eq!(old.scan(None, 10).await.unwrap().found.len(), 1);
    assert_eq!(old.sweep(now_ms(), 10).await.unwrap().forgotten, 0);
    assert_eq!(tables(&database), ["other", "sessions"]);
    let both = Migrating::with_keys(old, MemoryStore::new(), hashed).unwrap();
    assert_eq!(Migration::new(both).run().await.unwrap().carried, 1);
    assert_eq!(tables(&database), ["dewar_flask_sessions", "other", "sessions"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_read_as_it_is_and_gets_a_table_when_something_is_noted() {
    let Some(server) = Server::start() else { return };
    let url = server.postgres.url();
    let client = server.client().await;
    let tables = async || -> String {
        let sql =
            "SELECT coalesce(string_agg(tablename, ' ' ORDER BY tablename), '') FROM pg_tables
                   WHERE schemaname = 'public'";
        client.query_one(sql, &[]).await.unwrap().get(0)
    };
    let missing = FlaskSessionStore::postgres_that_is_there(&url).await.unwrap_err();
    assert!(matches!(missing, OpenError::NoTable { table: "sessions" }), "{missing:?}");
    let missing = open(&format!("flask-session+{url}")).await.unwrap_err();
    assert!(cause(&missing).starts_with("there is no table sessions"), "{}", cause(&missing));
    assert_eq!(tables().await, "");

    let own = FlaskSessionStore::postgres(&url).await.unwrap();
    own.create(&id(), &record()).await.unwrap();
    drop(own);
    client.batch_execute("DROP TABLE dewar_flask_sessions").await.unwrap();
    let old = open(&format!("flask-session+{url}")).await.unwrap();
    assert!(matches!(old.load(&id()).await.unwrap(), Loaded::Live(_)));
    assert_eq!(old.scan(None, 10).await.unwrap().found.len(), 1);
    assert_eq!(old.sweep(now_ms(), 10).await.unwrap().forgotten, 0);
    assert_eq!(tables().await, "sessions");
    let both = Migrating::with_keys(old, MemoryStore::new(), hashed).unwrap();
    assert_eq!(Migration::new(both).run().await.unwrap().carried, 1);
    assert_eq!(tables().await, "dewar_flask_sessions sessions");
}
