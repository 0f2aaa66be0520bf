//! TLS to a real Postgres: whom the store trusts, and what it does when there is nobody to trust.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod pg;

use std::{error::Error, path::PathBuf, time::Duration};

use dewar::store::{Created, Loaded, Store, StoreErrorKind, conformance::Kit};
use dewar_stores::{
    postgres::{OpenError, PostgresStore, PostgresStoreBuilder},
    url::StoreUrl,
};
use dewar_testdata::{
    postgres::{Postgres, Stop},
    tls,
};
use pg::{Server, key, record};

/// A handshake without optimization, on a machine that does something else.
const PATIENCE: Duration = Duration::from_secs(20);

fn tls_server(rules: &str) -> Option<Server> {
    Postgres::start_with_tls("server", rules).map(Server::of)
}

/// A store on this host's name, whatever that is, with these options.
fn at(server: &Server, login: &str, host: &str, options: &str) -> PostgresStoreBuilder {
    let port = server.postgres.port();
    let url = format!("postgres://{login}@{host}:{port}/postgres?hostaddr=127.0.0.1&{options}");
    PostgresStore::builder(&url).schema(server.schema()).connect_timeout(PATIENCE)
}

fn on(server: &Server, options: &str) -> PostgresStoreBuilder {
    at(server, "postgres", "localhost", options)
}

/// `sslrootcert=` and one of the test's files.
fn root(name: &str) -> String {
    format!("sslrootcert={}", path(name).display())
}

fn path(name: &str) -> PathBuf {
    tls::folder().join(name)
}

/// Of each of the stores' connections, whether it is under TLS.
async fn under_tls(server: &Server) -> Vec<bool> {
    let sql = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
               WHERE application_name = 'dewar'";
    let rows = server.client().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_holds_under_tls() {
    let Some(server) = tls_server("") else { return };
    let options = format!("sslmode=verify-full&{}", root("ca.pem"));
    let store = || async { on(&server, &options).connect().await.unwrap() };
    Kit::new(store).rounds(20).check().await.assert_passed();
    let store = store().await;
    store.load(&key(1)).await.unwrap();
    let all = under_tls(&server).await;
    assert!(!all.is_empty() && all.iter().all(|&tls| tls), "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_whom_the_authority_signed_for_this_host_is_the_server() {
    let Some(server) = tls_server("") else { return };
    let refused = async |host: &str, options: &str, cause: &str| {
        let error = at(&server, "postgres", host, options).connect().await.unwrap_err();
        assert!(matches!(error, OpenError::Handshake { .. }), "{options}: {error:?}");
        assert!(whole_story(&error).contains(cause), "{options}: {}", whole_story(&error));
    };
    for mode in ["require", "verify-ca", "verify-full"] {
        let (ours, theirs) = (root("ca.pem"), root("other-ca.pem"));
        for host in ["localhost", "127.0.0.1"] {
            let options = format!("sslmode={mode}&{ours}");
            at(&server, "postgres", host, &options).connect().await.unwrap();
        }
        refused("localhost", &format!("sslmode={mode}&{theirs}"), "UnknownIssuer").await;
        // The system trusts no authority of ours; some systems trust none at all.
        for system in [format!("sslmode={mode}"), format!("sslmode={mode}&sslrootcert=system")] {
            let error = on(&server, &system).connect().await.unwrap_err();
            let none = matches!(error, OpenError::TlsOption { option: "sslrootcert", .. });
            assert!(none || matches!(error, OpenError::Handshake { .. }), "{error:?}");
        }
        let elsewhere = format!("sslmode={mode}&{ours}");
        if mode == "verify-ca" {
            // The one mode that does not look at the name, as its documentation says.
            at(&server, "postgres", "db.example", &elsewhere).connect().await.unwrap();
        } else {
            refused("db.example", &elsewhere, "NotValidForName").await;
        }
    }
    // The builder's own.
    let store = on(&server, "sslmode=require").tls_root(tls::authority());
    store.connect().await.unwrap();
    let error = on(&server, "sslmode=require").tls_root(tls::file("other-ca.pem")).connect().await;
    assert!(matches!(error, Err(OpenError::Handshake { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_refused_by_who_wants_it() {
    let Some(server) = Server::start() else { return };
    for mode in ["require", "verify-ca", "verify-full"] {
        let options = format!("sslmode={mode}&{}", root("ca.pem"));
        let error = on(&server, &options).connect().await.unwrap_err();
        assert!(whole_story(&error).contains("does not support TLS"), "{error:?}");
    }
    for plain in ["", "sslmode=prefer", "sslmode=disable"] {
        let store = on(&server, plain).connect().await.unwrap();
        assert_eq!(store.create(&key(1), &record(1, "here")).await.unwrap(), Created::Done);
    }
    // There is no TLS on a socket; by its name nobody could be told from anybody.
    let socket = server.postgres.socket_url();
    PostgresStore::connect(&socket).await.unwrap();
    let wanted = format!("{socket}?sslmode=require&{}", root("ca.pem"));
    PostgresStore::connect(&wanted).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_and_preferred_are_what_they_say() {
    let Some(server) = tls_server("") else { return };
    // `prefer` believes whoever answers, whatever his name.
    for (host, options, tls) in [
        ("localhost", "sslmode=disable", false),
        ("localhost", "", true),
        ("localhost", "sslmode=prefer", true),
        ("db.example", "sslmode=prefer", true),
        ("no host&name", "sslmode=prefer", false),
    ] {
        let host = host.replace(' ', "%20").replace('&', "%26");
        let store = at(&server, "postgres", &host, options).connect().await.unwrap();
        store.load(&key(1)).await.unwrap();
        let all = under_tls(&server).await;
        assert!(!all.is_empty() && all.iter().all(|&is| is == tls), "{options}: {all:?}");
        drop(store);
        pg::until("the connections end", async || under_tls(&server).await.is_empty()).await;
    }
    // An address instead of a name, which the driver alone would not take for TLS.
    let port = server.postgres.port();
    let bare = format!("postgres://postgres@/postgres?hostaddr=127.0.0.1&port={port}");
    for options in ["sslmode=prefer", &format!("sslmode=require&{}", root("ca.pem"))] {
        let _store = PostgresStore::connect(&format!("{bare}&{options}")).await.unwrap();
        pg::until("it is under TLS", async || under_tls(&server).await.contains(&true)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_prefers_tls_does_without_one_that_nobody_speaks_here() {
    let Some(mut postgres) = Postgres::start_with_tls("server", "") else { return };
    postgres.stop(Stop::Fast);
    for setting in ["ssl_min_protocol_version=TLSv1", "ssl_max_protocol_version=TLSv1.1"] {
        postgres.set(setting);
    }
    postgres.start_again();
    let server = Server::of(postgres);
    let store = on(&server, "sslmode=prefer").connect().await.unwrap();
    store.load(&key(1)).await.unwrap();
    assert!(!under_tls(&server).await.contains(&true));
    let error = on(&server, &format!("sslmode=require&{}", root("ca.pem"))).connect().await;
    let error = error.unwrap_err();
    assert!(matches!(error, OpenError::Handshake { .. }), "{error:?}");
}

/// The server refuses a proof that is bound to another certificate, so a wrong hash fails here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_passwords_proof_is_bound_to_the_certificate() {
    let rules = "hostssl all app all scram-sha-256\nhostnossl all app all scram-sha-256";
    // Signed by ECDSA with SHA-256, and by RSA with SHA-384.
    for (certificate, authority) in [("server", "ca.pem"), ("other-server", "other-ca.pem")] {
        let Some(postgres) = Postgres::start_with_tls(certificate, rules) else { return };
        let server = Server::of(postgres);
        let role = "SET password_encryption = 'scram-sha-256';
                    CREATE ROLE app LOGIN SUPERUSER PASSWORD 's3cret/?'";
        server.client().await.batch_execute(role).await.unwrap();
        let bound = format!("channel_binding=require&sslmode=verify-full&{}", root(authority));
        let login = "app:s3cret%2F%3F";
        let store = at(&server, login, "localhost", &bound).connect().await.unwrap();
        store.create(&key(1), &record(1, "here")).await.unwrap();
        let wrong = at(&server, "app:guess", "localhost", &bound).connect().await.unwrap_err();
        assert!(!whole_story(&wrong).contains("guess"), "{wrong:?}");
        // Without TLS there is nothing to bind it to.
        let plain = "channel_binding=require&sslmode=disable";
        let error = at(&server, login, "localhost", plain).connect().await.unwrap_err();
        assert!(whole_story(&error).contains("channel binding"), "{error:?}");
        let plain = "channel_binding=prefer&sslmode=disable";
        at(&server, login, "localhost", plain).connect().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_shows_its_certificate_to_a_server_that_asks() {
    let Some(server) = tls_server("hostssl all app all cert") else { return };
    server.client().await.batch_execute("CREATE ROLE app LOGIN SUPERUSER").await.unwrap();
    let verified = format!("sslmode=verify-full&{}", root("ca.pem"));
    let (cert, file) = (path("client.pem"), path("client.key"));
    let identity = format!("sslcert={}&sslkey={}", cert.display(), file.display());
    let options = format!("{verified}&{identity}");
    let store = at(&server, "app", "localhost", &options).connect().await.unwrap();
    store.create(&key(1), &record(1, "here")).await.unwrap();
    let named = at(&server, "app", "localhost", &verified);
    named.tls_client(tls::file("client.pem"), tls::file("client.key")).connect().await.unwrap();
    // Without it nobody comes in, and by it nobody but `app`.
    let error = at(&server, "app", "localhost", &verified).connect().await.unwrap_err();
    assert!(whole_story(&error).contains("certificate"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_it_is_tls_again_and_never_less() {
    let Some(mut server) = tls_server("") else { return };
    let options = format!("sslmode=verify-full&{}", root("ca.pem"));
    let store = on(&server, &options).connect().await.unwrap();
    store.create(&key(1), &record(1, "here")).await.unwrap();
    server.postgres.stop(Stop::Fast);
    server.postgres.start_again();
    pg::until("it is up again", async || store.load(&key(1)).await.is_ok()).await;
    pg::until("both lines are up", async || under_tls(&server).await == [true, true]).await;

    // Whoever answers on that port without TLS is not the server.
    server.postgres.stop(Stop::Fast);
    server.postgres.set("ssl=off");
    server.postgres.start_again();
    for _ in 0..20 {
        let error = store.load(&key(1)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(under_tls(&server).await.is_empty());

    server.postgres.stop(Stop::Fast);
    server.postgres.set("ssl=on");
    server.postgres.start_again();
    let here = Loaded::Live(record(1, "here"));
    pg::until("it is back", async || store.load(&key(1)).await.is_ok_and(|it| it == here)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_said_with_the_cure() {
    let (key, not_pem) = (path("client.key"), path("README.md"));
    let (key, not_pem) = (key.display(), not_pem.display());
    let (cert, server_key) = (path("client.pem"), path("server.key"));
    let (cert, server_key) = (cert.display(), server_key.display());
    let root = root("ca.pem");
    for (options, cure) in [
        ("sslmode=allow".to_owned(), "write disable, prefer, require, verify-ca or verify-full"),
        (root.clone(), "write sslmode=verify-full beside it"),
        (format!("sslmode=disable&{root}"), "write sslmode=verify-full beside it"),
        ("sslrootcert=system".to_owned(), "write sslmode=verify-full beside it"),
        ("sslmode=prefer&sslrootcert=system".to_owned(), "write sslmode=verify-full beside it"),
        ("sslmode=verify-ca".to_owned(), "has to name a file of authorities"),
        ("sslmode=verify-ca&sslrootcert=system".to_owned(), "has to name a file of authorities"),
        (format!("sslmode=require&sslrootcert={not_pem}"), "sslrootcert of the Postgres store"),
        ("sslmode=require&sslrootcert=/nowhere/ca".to_owned(), "file of the option sslrootcert"),
        (format!("sslmode=require&{root}&sslcert={cert}"), "name both, or neither"),
        (format!("sslmode=require&{root}&sslkey={key}"), "name both, or neither"),
        (format!("sslmode=require&{root}&sslcert={cert}&sslkey={cert}"), "sslkey of the Postgres"),
        (format!("sslmode=require&{root}&sslcert={cert}&sslkey={server_key}"), "does not fit"),
        (format!("sslmode=require&{root}&sslcert={not_pem}&sslkey={key}"), "sslcert of the"),
    ] {
        let url = format!("postgres://app:hunter2@127.0.0.1:1/x?{options}");
        let error = PostgresStore::connect(&url).await.unwrap_err();
        assert!(error.to_string().contains(cure), "{options}: {error}");
        assert!(!whole_story(&error).contains("hunter2"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stores_url_says_it_too() {
    let Some(server) = tls_server("") else { return };
    let port = server.postgres.port();
    let url = |authority| {
        format!(
            "postgres://postgres@localhost:{port}/postgres?sslmode=verify-full&{}&schema={}\
             &connect_timeout_ms=20000",
            root(authority),
            server.schema()
        )
    };
    let store = dewar_stores::url::open(&url("ca.pem")).await.unwrap();
    store.create(&key(1), &record(1, "here")).await.unwrap();
    assert!(under_tls(&server).await.contains(&true));
    let error = url("other-ca.pem").parse::<StoreUrl>().unwrap().open().await.unwrap_err();
    assert!(whole_story(&error).contains("UnknownIssuer"), "{error:?}");
}
