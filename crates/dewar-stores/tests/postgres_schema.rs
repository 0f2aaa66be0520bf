//! The tables: made by many at once, refused if newer or foreign, damaged rows, index entries.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod pg;

use dewar::store::{Loaded, Moved, Owner, Record, Store, StoreErrorKind, WriteId, Written};
use dewar_stores::postgres::{OpenError, PostgresStore, SynchronousCommit};
use pg::{Server, key, numbered, record};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_start_at_once_make_the_tables_once() {
    let Some(server) = Server::start() else { return };
    let schema = server.schema();
    let starts = (0..12).map(|_| {
        let builder = server.builder(&schema).connections(1);
        let builder = builder.connect_timeout(std::time::Duration::from_secs(30));
        tokio::spawn(builder.connect())
    });
    for start in starts.collect::<Vec<_>>() {
        let store = start.await.unwrap().unwrap();
        assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Nothing);
    }
    let sql = format!("SELECT version FROM {schema}.schema_version");
    let versions = server.client().await.query(&sql, &[]).await.unwrap();
    assert_eq!(versions.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_or_foreign_schema_is_refused_and_left_as_it_is() {
    let Some(server) = Server::start() else { return };
    let (store, schema) = server.store_and_schema().await;
    drop(store);
    let client = server.client().await;
    let sql = format!("UPDATE {schema}.schema_version SET version = 7");
    client.batch_execute(&sql).await.unwrap();
    let error = server.builder(&schema).connect().await.unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, OpenError::NewerSchema { found: 7, known: 1, .. }), "{said}");
    assert!(said.contains("use a newer version of the program"), "{said}");

    client.batch_execute("CREATE SCHEMA crm; CREATE TABLE crm.sessions (id int)").await.unwrap();
    let error = server.builder("crm").connect().await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    let count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'crm'";
    assert_eq!(client.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_may_not_create_schemas_needs_one_that_is_there() {
    let Some(server) = Server::start() else { return };
    let client = server.client().await;
    client
        .batch_execute("CREATE ROLE app LOGIN; CREATE SCHEMA ready AUTHORIZATION app")
        .await
        .unwrap();
    let url = server.postgres.url().replace("postgres@", "app@");
    let error = PostgresStore::builder(&url).schema("missing").connect().await.unwrap_err();
    assert!(matches!(error, OpenError::Forbidden { .. }), "{error}");
    assert!(error.to_string().contains("CREATE SCHEMA \"missing\" AUTHORIZATION"), "{error}");
    let store = PostgresStore::builder(&url).schema("ready").connect().await.unwrap();
    store.create(&key(1), &record(1, "here")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_an_address_is_said_without_its_password() {
    let connect = async |url: &str| PostgresStore::connect(url).await.unwrap_err();
    for url in ["mysql://app:hunter2@db/x", "postgres://app:hunter2@db:port/x", "", "postgres:///x"]
    {
        let error = connect(url).await;
        assert!(matches!(error, OpenError::Address), "{url}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    let error = connect("postgres://app:hunter2@127.0.0.1:1/x").await;
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    let builder = PostgresStore::builder("postgres://app:hunter2@127.0.0.1:1/x");
    assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
    let error = builder.schema("a\0b").connect().await.unwrap_err();
    assert!(matches!(error, OpenError::SchemaName { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_name_of_a_schema_a_socket_and_a_second_host_work() {
    let Some(server) = Server::start() else { return };
    let odd = "o\"; DROP TABLE x; -- ü";
    let url = server.postgres.socket_url();
    let store = PostgresStore::builder(&url).schema(odd).connect().await.unwrap();
    store.create(&key(1), &record(1, "here")).await.unwrap();
    // Nobody listens at the first.
    let port = server.postgres.port();
    let url = format!("postgres://postgres@127.0.0.1:1,127.0.0.1:{port}/postgres");
    let store = PostgresStore::builder(&url).schema(odd).connect().await.unwrap();
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(record(1, "here")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn synchronous_commit_is_as_chosen_and_otherwise_the_servers() {
    let Some(server) = Server::start() else { return };
    let client = server.client().await;
    client.batch_execute("ALTER ROLE postgres SET synchronous_commit = local").await.unwrap();
    // Shown by a trigger, which runs in the store's own session.
    for (level, name) in [(None, "local"), (Some(SynchronousCommit::Off), "off")] {
        let schema = server.schema();
        let mut builder = server.builder(&schema);
        if let Some(level) = level {
            builder = builder.synchronous_commit(level);
        }
        let store = builder.connect().await.unwrap();
        let trigger = format!(
            "CREATE TABLE {schema}.seen (level text);
             CREATE FUNCTION {schema}.see() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO {schema}.seen VALUES (current_setting('synchronous_commit'));
                RETURN NEW; END $$;
             CREATE TRIGGER see BEFORE INSERT ON {schema}.sessions
                FOR EACH ROW EXECUTE FUNCTION {schema}.see()"
        );
        client.batch_execute(&trigger).await.unwrap();
        store.create(&key(1), &record(1, "")).await.unwrap();
        let seen = client.query_one(&format!("SELECT level FROM {schema}.seen"), &[]).await;
        assert_eq!(seen.unwrap().get::<_, String>(0), name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_in_any_column_is_an_error_and_stays() {
    let Some(server) = Server::start() else { return };
    let (store, schema) = server.store_and_schema().await;
    let client = server.client().await;
    let (live, moved, ended) = (key(1), key(2), key(3));
    let owned = Record { owner: Some(Owner::of("ada")), ..record(1, "contents") };
    for key in [live, moved] {
        store.create(&key, &owned).await.unwrap();
    }
    let to = Moved { to: key(9), until_ms: 7000 };
    store.supersede(&moved, WriteId::new(1), to).await.unwrap();
    store.delete(&ended, u64::MAX).await.unwrap();
    let byte = "set_byte({}, 0, get_byte({}, 0) # 1)";
    let number = "{} # 1";
    let table = format!("{schema}.sessions");
    let cases = [
        (live, "kind deadline_ms created_ms idle_ms absolute_ms row_sum", number),
        (live, "owner writes data", byte),
        (live, "owner writes data", "substring({} FROM 2)"),
        (live, "created_ms idle_ms absolute_ms writes data", "NULL"),
        (live, "kind", "7"),
        (moved, "kind deadline_ms row_sum", number),
        (moved, "moved_to", byte),
        (moved, "moved_to", "NULL"),
        (ended, "kind deadline_ms row_sum", number),
    ];
    let mut damaged = 0;
    for (key, columns, damage) in cases {
        let key_bytes = key.as_bytes().as_slice();
        let sound = store.load(&key).await.unwrap();
        for column in columns.split(' ') {
            let what = format!("{column} = {damage} of {key}");
            let whole = async || {
                let sql = format!("SELECT s::text FROM {table} s WHERE key = $1");
                client.query_one(&sql, &[&key_bytes]).await.unwrap().get::<_, String>(0)
            };
            let keep = format!("CREATE TEMP TABLE kept AS SELECT * FROM {table}");
            client.batch_execute(&keep).await.unwrap();
            let damage = damage.replace("{}", column);
            let set = format!("UPDATE {table} SET {column} = {damage} WHERE key = $1");
            // `kind` is a smallint; the result of `#` fits.
            client.execute(&set, &[&key_bytes]).await.unwrap();
            let before = whole().await;
            let error = store.load(&key).await.expect_err(&what);
            assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{what}");
            let new = record(8, "new");
            let update = store.update(&key, WriteId::new(7), &new).await.expect_err(&what);
            assert_eq!(update.kind(), StoreErrorKind::Corrupt, "{what}");
            let created = store.create(&key, &new).await;
            assert!(!matches!(created, Ok(dewar::store::Created::Done)), "{what}");
            if key != live || column == "kind" {
                let touched = store.touch(&key, 1).await.expect_err(&what);
                assert_eq!(touched.kind(), StoreErrorKind::Corrupt, "{what}");
                let deleted = store.delete(&key, u64::MAX).await.expect_err(&what);
                assert_eq!(deleted.kind(), StoreErrorKind::Corrupt, "{what}");
            }
            assert_eq!(whole().await, before, "{what}");
            let restore = format!(
                "DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept"
            );
            client.batch_execute(&restore).await.unwrap();
            assert_eq!(store.load(&key).await.unwrap(), sound);
            damaged += 1;
        }
    }
    assert_eq!(damaged, 26);
}

/// The figures of Postgres itself: an update that is HOT wrote no index.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_lives_on_changes_no_index() {
    let Some(server) = Server::start() else { return };
    let (store, schema) = server.store_and_schema().await;
    for number in 0..50 {
        let owned = Record { owner: Some(Owner::of("ada")), ..record(1, vec![7; 300]) };
        store.create(&numbered(number), &owned).await.unwrap();
        let later = Record { idle_deadline_ms: 3000, ..record(2, vec![8; 310]) };
        let later = Record { owner: owned.owner, ..later };
        let written = store.update(&numbered(number), WriteId::new(1), &later).await.unwrap();
        assert_eq!(written, Written::Done);
        store.touch(&numbered(number), 4000).await.unwrap();
    }
    let client = server.client().await;
    let sql = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
               WHERE schemaname = $1 AND relname = 'sessions'";
    pg::until("the figures come", async || {
        let row = client.query_one(sql, &[&schema]).await.unwrap();
        let (all, hot): (i64, i64) = (row.get(0), row.get(1));
        assert!(all <= 100);
        all == 100 && hot >= 90
    })
    .await;
}
