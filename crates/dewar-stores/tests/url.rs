//! A store is named by a URL: what is understood, what is refused with which cure, and that nothing
//! that was meant as a password ever comes back.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{error::Error, fmt::Write as _, path::Path};

use dewar_stores::url::{RedisUrl, StoreUrl, Topology, UrlError, open};
use proptest::prelude::*;

fn read(url: &str) -> StoreUrl {
    url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn refusal(url: &str) -> String {
    url.parse::<StoreUrl>().expect_err(url).to_string()
}

fn redis(url: &str) -> RedisUrl {
    match read(url) {
        StoreUrl::Redis(redis) => redis,
        other => panic!("{other}"),
    }
}

#[test]
fn every_kind_of_store_has_a_url() {
    for (url, shown) in [
        ("memory:", "memory:"),
        ("MEMORY:", "memory:"),
        ("sqlite:app.db", "sqlite:app.db"),
        ("sqlite:/var/lib/app.db?durability=normal", "sqlite:/var/lib/app.db?durability=normal"),
        ("sqlite:a%3Fb%25.db", "sqlite:a%3Fb%25.db"),
        ("redis://localhost", "redis://localhost:6379"),
        ("rediss://:pw@db.example:7000/3?prefix=s:", "rediss://:***@db.example:7000/3?prefix=s:"),
        ("redis://app:@[::1]", "redis://app:***@[::1]:6379"),
        (
            "redis+sentinel://app:pw@a,b:1/mymaster/2",
            "redis+sentinel://app:***@a:26379,b:1/mymaster/2",
        ),
        ("rediss+cluster://[fe80::1]:7000,b", "rediss+cluster://[fe80::1]:7000,b:6379"),
        ("postgres://app:pw@db/sessions", "postgres://app:***@db:5432/sessions"),
        ("postgres://u@%2Frun%2Fpg:1/d", "postgres://***@%2Frun%2Fpg:1/d"),
        ("postgresql://db:6000?sslmode=require", "postgresql://db:6000?sslmode=require"),
        (
            "postgres://db?sslmode=verify-ca&sslrootcert=/etc/ca%26b.pem",
            "postgres://db:5432?sslmode=verify-ca&sslrootcert=/etc/ca%26b.pem",
        ),
        (
            "flask-session+redis://:pw@h/1?prefix=app:&format=json",
            "flask-session+redis://:***@h:6379/1?prefix=app:&format=json",
        ),
        ("flask-session+sqlite:a.db?prefix=x", "flask-session+sqlite:a.db?prefix=x"),
        (
            "flask-session+postgres://app:pw@h/shop?prefix=x&sslmode=verify-full",
            "flask-session+postgres://app:***@h:5432/shop?prefix=x&sslmode=verify-full",
        ),
        (
            "redis+sentinel://a/m?sentinel_user=u&sentinel_password=p%26w&strict=2",
            "redis+sentinel://a:26379/m?sentinel_user=u&sentinel_password=***&strict=2",
        ),
    ] {
        assert_eq!(read(url).to_string(), shown, "{url}");
        // What is shown names the same place, but for the password.
        assert_eq!(read(shown).to_string(), shown);
    }
}

#[test]
fn the_parts_are_what_was_meant() {
    let url = redis("redis+sentinel://a%40b:p%2Fw%3A%25@one:1,[::2]:3/my%20master/7?prefix=p%26q");
    assert_eq!(url.login.user.as_deref(), Some("a@b"));
    assert_eq!(url.login.password.as_deref(), Some("p/w:%"));
    let hosts: Vec<_> = url.hosts.iter().map(|host| (&*host.name, host.port)).collect();
    assert_eq!(hosts, [("one", 1), ("::2", 3)]);
    assert_eq!((url.topology, url.tls), (Topology::Sentinel, false));
    assert_eq!((url.service.as_deref(), url.database), (Some("my master"), 7));
    assert_eq!(url.options.get("prefix"), Some("p&q"));

    // A password may have a colon of its own, and be there without a user.
    let login = redis("redis://:a:b@h").login;
    assert_eq!((login.user, login.password.as_deref()), (None, Some("a:b")));

    let StoreUrl::Sqlite(url) = read("sqlite:some%20folder/a.db?queue_length=7") else { panic!() };
    assert_eq!(url.file, Path::new("some folder/a.db"));
    assert_eq!(url.options.number("queue_length"), Some(7));
}

#[test]
fn what_names_no_store_is_refused_with_the_cure() {
    for (url, cure) in [
        ("", "begins with a scheme; this build of dewar knows memory:, sqlite:FILE"),
        ("app.db", "begins with a scheme"),
        ("redis", "write \"redis:…\""),
        ("redsi://h", "\"redsi\" names no store, did you mean \"redis\"?"),
        ("sqlite3:app.db", "did you mean \"sqlite\"?"),
        ("mysql://h", "\"mysql\" names no store; this build of dewar knows memory:, sqlite:FILE"),
        ("memory:x", "write memory:"),
        ("memory:?durability=full", "write memory:"),
        ("sqlite:", "write sqlite:FILE"),
        ("sqlite:folder/", "write sqlite:FILE"),
        ("sqlite:///app.db", "write sqlite:app.db for one in the working folder, or sqlite:/var"),
        ("sqlite::memory:", "write memory: for the memory of this process"),
        ("sqlite:100%.db", "the file of a store's URL has a % that stands for nothing"),
        ("sqlite:a%00b", "the file of a store's URL has a %"),
        (
            "sqlite:a?durability=most",
            "the option durability cannot be \"most\"; write full or normal",
        ),
        ("sqlite:a?durabilty=full", "no option \"durabilty\", did you mean \"durability\"?"),
        ("sqlite:a?x=1", "no option \"x\"; it has durability, busy_timeout_ms, queue_length"),
        ("sqlite:a?queue_length=+1", "write a number from 1 to 1048576"),
        ("sqlite:a?durability=full&durability=full", "durability is named twice"),
        ("redis:h", "write redis://host"),
        ("redis://", "a host is missing; write redis://host"),
        ("redis://a,b", "write redis+sentinel://… or redis+cluster://…"),
        ("redis://::1", "write [::1]:6379"),
        ("redis://[::1", "write [::1]:6379"),
        ("redis://[::g]", "write [::1]:6379"),
        ("redis://[::1]6379", "write [::1]:6379"),
        ("redis://h:0", "a port is a number from 1 to 65535"),
        ("redis://h:65536", "a port is a number from 1 to 65535"),
        ("redis://h:+1", "a port is a number from 1 to 65535"),
        ("redis://h/x", "a Redis database is a number"),
        ("redis://h/-1", "a Redis database is a number"),
        ("redis://h/99999999999", "a Redis database is a number"),
        ("redis://h ost", "a host's name has letters"),
        ("redis+sentinel://h", "write redis+sentinel://host:26379/mymaster"),
        ("redis+cluster://h/1", "a cluster has one database"),
        ("redis://h?prefix={a}", "text without { and }"),
        ("redis://s3cret@h", "write redis://:PASSWORD@host"),
        ("flask-session+redis://s3cret@h", "write flask-session+redis://:PASSWORD@host"),
        ("redis://u:%zz@h", "the password of a store's URL has a %"),
        ("flask-session+redis://a,b", "flask-session+redis names one host"),
        ("flask-session+redis://h/x", "a Redis database is a number"),
        ("flask-session+redis://h?strict=1", "no option \"strict\"; it has prefix, format"),
        ("flask-session+redis://h?format=pickle", "write msgpack or json"),
        ("flask-session+postgres://h?schema=x", "no option \"schema\"; it has prefix, format, ssl"),
        ("flask-session+postgres:h", "write flask-session+postgres://host"),
        ("flask-session+sqlite:", "write flask-session+sqlite:FILE"),
        (
            "flask-session+sqlite:///a.db",
            "write flask-session+sqlite:app.db for one in the working",
        ),
        ("flask-sesion+redis://h", "did you mean \"flask-session+redis\"?"),
        ("postgres://h/a/b", "write %2F for a / in it"),
        ("postgres://h#x", "write %23"),
        ("postgres://h?sslmode=maybe", "write disable, prefer, require, verify-ca or verify-full"),
        ("postgres://h?sslrootcert=", "write a file of certificates in PEM, or system"),
        ("postgres://h?password=x", "no option \"password\""),
    ] {
        let said = refusal(url);
        assert!(said.contains(cure), "{url}: {said}");
        assert!(said.starts_with(|c: char| c.is_lowercase()) && said.lines().count() == 1);
    }
}

/// Every URL of the README names a store, by features that there are, and so does its one line.
#[test]
fn the_table_of_the_readme_is_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(folder.join("../../README.md")).unwrap();
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let (_, section) = readme.split_once("\n## Where sessions live\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let code =
        |cell: &str| -> Vec<_> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut urls = Vec::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split(" | ").collect();
        let [url] = &code(cells[0])[..] else { panic!("{row}") };
        // A user alone may be a password whose colon was forgotten.
        assert_eq!(read(url).to_string(), url.replace("app@", "***@"), "{row}");
        urls.push(url.split(':').next().unwrap().to_owned());
        for feature in code(cells[2]) {
            assert!(manifest.contains(&format!("\n{feature} = [")), "no feature {feature}");
        }
    }
    for scheme in [
        "memory",
        "sqlite",
        "redis",
        "redis+sentinel",
        "redis+cluster",
        "postgres",
        "flask-session+redis",
        "flask-session+postgres",
        "flask-session+sqlite",
    ] {
        assert!(urls.iter().any(|url| url == scheme), "{scheme} is not in the README");
    }
    let (_, line) = section.split_once("dewar_stores::url::open(\"").unwrap();
    read(line.split('"').next().unwrap());
    read("redis://127.0.0.1:6379?strict=1");
}

/// Each is a slip that people make with a password that holds such a character.
#[test]
fn a_password_that_was_not_escaped_is_not_shown() {
    for password in ["hunter2", "hun/ter2", "hun?ter2", "hun#ter2", "hun@ter2", "hun%ter2", "h:2"] {
        for url in [
            format!("redis://app:{password}@db"),
            format!("redis://app:{password}@db:x"),
            format!("redis://{password}@db"),
            format!("redis+cluster://{password}@db"),
            format!("flask-session+redis://{password}@db"),
            format!("postgres://{password}@db/x"),
            format!("flask-session+postgres://{password}@db"),
            format!("redis://app:{password}@db:7000/x"),
            format!("redis://app:{password}@"),
            format!("redis://app:{password}"),
            format!("redis:app:{password}@db"),
            format!("flask-session+redis://app:{password}@db"),
            format!("flask-session+redis://app:{password}@db/x"),
            format!("flask-session+postgres://app:{password}@db/x"),
            format!("redis+sentinel://app:{password}@a,b"),
            format!("rediz://app:{password}@db"),
            format!("redis+sentinel://a/m?sentinel_password={password}"),
            format!("redis+sentinel://a/m?sentinel_password={password}&x"),
            format!("postgres://app:{password}@db/a/b?x=y"),
            format!("postgres://app:{password}@db/a?sslmode={{}}"),
        ] {
            for part in [password, "ter2"].iter().filter(|part| part.len() > 3) {
                // That one is a password and a host, whatever was meant.
                if url.ends_with("hun@ter2") {
                    continue;
                }
                let said = shown(&url);
                assert!(!said.contains(part), "{url}: {said}");
            }
        }
    }
}

/// All that can be shown of a URL, be it good or not.
fn shown(url: &str) -> String {
    match url.parse::<StoreUrl>() {
        Ok(url) => format!("{url} {url:?} {url:#?}"),
        Err(error) => with_causes(&error),
    }
}

fn with_causes(error: &UrlError) -> String {
    let mut said = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(said, ": {error} {error:?}").unwrap();
        cause = error.source();
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(text in any::<String>()) {
        let _ = shown(&text);
    }

    #[test]
    fn nothing_panics_that_is_nearly_a_url(
        text in "(memory|sqlite|rediss?|postgres|redis\\+(sentinel|cluster))(:|://)[a-z0-9:@/?&=%#,\\[\\].+{}é-]{0,40}",
    ) {
        let said = shown(&text);
        prop_assert!(!said.is_empty());
        if let Ok(url) = text.parse::<StoreUrl>() {
            prop_assert_eq!(url.to_string().parse::<StoreUrl>().unwrap().to_string(), url.to_string());
        }
    }

    #[test]
    fn no_password_comes_back(
        scheme in "(rediss?|flask-session\\+redis|postgres|redis\\+sentinel|redis\\+cluster|rediz)",
        before in "[a-z%:?#/@&=]{0,3}",
        after in "[a-z%:?#/@&=]{0,3}",
        tail in "[a-z0-9:/?&=%,\\[\\].+]{0,20}",
    ) {
        let url = format!("{scheme}://app:{before}S3CR3T{after}@{tail}");
        let said = shown(&url);
        prop_assert!(!said.contains("S3CR3T") && !said.contains("s3cr3t"), "{}: {}", url, said);
    }
}

#[tokio::test]
async fn a_url_opens_its_store() {
    let folder = std::env::temp_dir().join(format!("dewar-url-{}", std::process::id()));
    let file = folder.join("a%b?c d.db");
    let name = file.to_str().unwrap().replace('%', "%25").replace('?', "%3F");
    let store = open(&format!("sqlite:{name}?durability=normal&busy_timeout_ms=1")).await.unwrap();
    assert!(store.scans() && store.knows_users() && store.sweeps());
    assert!(file.is_file());
    let store = open("memory:").await.unwrap();
    assert!(store.scans() && store.knows_users() && store.sweeps());

    let missing = format!("rediss://h?tls_root={}/no.pem", folder.display());
    let said = open(&missing).await.unwrap_err().to_string();
    assert!(said.contains("tls_root cannot be read: No such file"), "{said}");

    std::fs::write(folder.join("text"), "no database ".repeat(100)).unwrap();
    let error = open(&format!("sqlite:{}", folder.join("text").display())).await.unwrap_err();
    let said = with_causes(&error);
    assert!(said.contains("cannot be opened") && said.contains("not a database"), "{said}");
    std::fs::remove_dir_all(folder).unwrap();
}
