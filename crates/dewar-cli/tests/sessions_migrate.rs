//! `dewar sessions migrate` from file to file, killed in the middle, and resumed.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod answer;
mod filled;

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use answer::dewar_with;
use base64::Engine;
use dewar::{
    StoreKey,
    store::{Loaded, Store},
};
use dewar_testdata::{flask_session::FlaskSession, postgres::Postgres, redis::Node};
use filled::{Filled, Session, ids, json_of, key, session, some};
use serde_json::json;

fn migrate(from: &str, to: &str, more: &[&str]) -> answer::Answer {
    let args = [&["sessions", "migrate", "--from", from, "--to", to], more].concat();
    dewar_with(&args, &[], "")
}

#[test]
fn everything_alive_is_moved_and_a_dry_run_moves_nothing() {
    let (old, new) = (some(), Filled::new());
    let file = new.url.replace("app.db", "new.db");
    let before = ids(&old.sessions(&["ls", "--json"]).out);
    let dry = migrate(&old.url, &file, &["--json"]);
    assert_eq!(dry.code, 0, "{}", dry.err);
    assert!(dry.err.contains("use both stores first"), "{}", dry.err);
    assert!(!new.file().with_file_name("new.db").exists(), "a dry run makes no store");
    let real = migrate(&old.url, &file, &["--json", "--yes"]);
    assert_eq!(real.code, 0, "{}", real.err);
    assert!(real.err.contains("use both stores first"), "{}", real.err);
    let (mut dry, real) = (json_of(&dry.out), json_of(&real.out));
    dry.as_object_mut().unwrap().remove("command");
    dry["dry_run"] = json!(false);
    assert_eq!(dry, real);
    assert_eq!((&real["sessions"], &real["expired"]), (&json!(5), &json!(1)), "{real}");

    assert_eq!(old.sessions(&["ls", "--json"]).out, "", "nothing is live in two stores");
    let moved = Filled::at(&file);
    assert_eq!(ids(&moved.sessions(&["ls", "--json"]).out), before);
    assert_eq!(ids(&moved.sessions(&["ls", "--user", "bob", "--json"]).out), ["bb015e5e"]);
    let again = json_of(&migrate(&old.url, &file, &["--json", "--yes"]).out);
    assert_eq!((&again["sessions"], &again["already_there"]), (&json!(0), &json!(5)));
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_moves() {
    let old = some();
    let before = old.sessions(&["stats", "--json"]).out;
    let new = old.url.replace("app.db", "new.db");
    let nowhere = old.file().with_file_name("no").join("move.at");
    let kept = migrate(&old.url, &new, &["--checkpoint", nowhere.to_str().unwrap(), "--yes"]);
    assert!(kept.code == 1 && kept.err.contains("cannot keep the checkpoint"), "{}", kept.err);
    assert_eq!(old.sessions(&["stats", "--json"]).out, before);
    // Under a second name SQLite would give the file a second log.
    std::fs::hard_link(old.file(), old.file().with_file_name("link.db")).unwrap();
    let link = old.url.replace("app.db", "link.db");
    for more in [&[][..], &["--yes"]] {
        let linked = migrate(&old.url, &link, more);
        assert!(linked.code == 2 && linked.err.contains("are the same"), "{}", linked.err);
    }
    assert_eq!(old.sessions(&["stats", "--json"]).out, before);
}

#[test]
fn one_that_is_killed_goes_on() {
    const SESSIONS: u32 = 600;
    let (old, new) = (Filled::new(), Filled::new());
    old.run(async {
        for i in 0..SESSIONS {
            let session = session(&i.to_be_bytes(), Some("ada"));
            old.store.create(&session.key, &session.record()).await.unwrap();
        }
    });
    let checkpoint = new.file().with_file_name("move.at");
    let checkpoint = checkpoint.to_str().unwrap();
    let slow = ["--rate", "200", "--checkpoint", checkpoint, "--yes"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_dewar"))
        .args(["sessions", "migrate", "--from", &old.url, "--to", &new.url])
        .args(slow)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let carried = || {
        let is_there = |i: &u32| matches!(new.load(&key(&i.to_be_bytes())), Loaded::Live(_));
        (0..SESSIONS).filter(is_there).count()
    };
    while !std::path::Path::new(checkpoint).exists() || carried() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it is over before it could be killed");
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let half = carried();
    assert!(0 < half && half < SESSIONS as usize, "{half}");

    let unmeant = migrate(&old.url, &new.url, &["--checkpoint", checkpoint, "--yes"]);
    assert_eq!(unmeant.code, 2);
    assert!(unmeant.err.contains("go on with --resume"), "{}", unmeant.err);
    let resume = ["--checkpoint", checkpoint, "--resume", "--yes"];
    let other = migrate(&old.url, &format!("{}x", new.url.split('?').next().unwrap()), &resume);
    assert_eq!(other.code, 2, "{}", other.err);
    assert!(other.err.contains("name another file, or remove it"), "{}", other.err);
    let done = migrate(&old.url, &new.url, &resume);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(carried(), SESSIONS as usize);
    assert!(!std::path::Path::new(checkpoint).exists());
    let gone = migrate(&old.url, &new.url, &resume);
    assert!(gone.code == 2 && gone.err.contains("there is no checkpoint"), "{}", gone.err);
}

#[test]
fn what_cannot_be_read_stays_and_is_named() {
    let old = some();
    let database = rusqlite::Connection::open(old.file()).unwrap();
    let key = key(&[0xbb, 1]);
    let sql = "UPDATE dewar_sessions SET data = x'00' WHERE key = ?1";
    assert_eq!(database.execute(sql, [&key.as_bytes()[..]]).unwrap(), 1);
    let new = Filled::with(&[Session { user: None, ..session(&[0x99], None) }]);
    let done = migrate(&old.url, &new.url, &["--yes"]);
    assert!(done.out.starts_with("carried 4 sessions over"), "{}{}", done.out, done.err);
    assert!(done.out.contains("1 cannot be read"), "{}", done.out);
    assert!(done.err.contains("bb015e5e cannot be read, and stays"), "{}", done.err);
}

/// Sessions that the real Flask-Session wrote.
fn from_flask_session(flask: &FlaskSession, from: &str) {
    let mut stored = Vec::new();
    for user in ["ann", "bob"] {
        let answer = flask.ask("/set", None, Some(json!({"user": user})));
        assert_eq!(answer.status, 200);
        let id = answer.cookies[0].split(';').next().unwrap()["session=".len()..].to_owned();
        stored.push((StoreKey::from_bytes(id_hash(&id)), id, user));
    }
    let new = Filled::new();
    let dry = migrate(from, &new.url, &["--json"]);
    assert_eq!((dry.code, &json_of(&dry.out)["sessions"]), (0, &json!(2)), "{}", dry.err);
    let checkpoint = new.file().with_file_name("move.at");
    let checkpoint = checkpoint.to_str().unwrap();
    let real = migrate(from, &new.url, &["--json", "--yes", "--checkpoint", checkpoint]);
    assert_eq!((real.code, &json_of(&real.out)["sessions"]), (0, &json!(2)), "{}", real.err);
    for (key, id, user) in &stored {
        let Loaded::Live(record) = new.load(key) else { panic!("{user} is not there") };
        assert!(String::from_utf8(record.data).unwrap().contains(user));
        for said in [&dry.out, &dry.err, &real.out, &real.err] {
            assert!(!said.contains(&**id), "an id is shown: {said}");
        }
        let seen = flask.ask("/show", Some(&format!("session={id}")), None);
        assert!(seen.json.get("user").is_none(), "it lives in one place: {}", seen.json);
    }
    let again = json_of(&migrate(from, &new.url, &["--json", "--yes"]).out);
    assert_eq!(again["sessions"], 0);

    let to = migrate(&new.url, from, &["--yes"]);
    assert!(to.code == 2 && to.err.contains("--to: flask-session+"), "{}", to.err);
    let ls = dewar_with(&["sessions", "ls", "--store", from], &[], "");
    assert!(ls.code == 2 && ls.err.contains("dewar sessions migrate --from"), "{}", ls.err);
}

/// The SHA-256 of an id, by its text.
fn id_hash(id: &str) -> [u8; 32] {
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(id).unwrap();
    let key = StoreKey::from_id(bytes.try_into().unwrap());
    *dewar_stores::flask_session::hashed(&key).as_bytes()
}

#[test]
fn sessions_of_flask_session_move_from_redis() {
    let Some(node) = Node::start(&["--requirepass", "hunter2"]) else { return };
    let config = json!({
        "redis": node.port(), "redis_password": "hunter2", "SESSION_KEY_PREFIX": "a*[x]:",
    });
    let Some(flask) = FlaskSession::start(&config) else { return };
    // One of another application in the same database.
    node.ask(&["SET", "a1x:4fJ0000000000000000000000000000000000000000", "x"]);
    let prefix = "a*%5Bx%5D:";
    let url = format!("flask-session+redis://:hunter2@127.0.0.1:{}/0?prefix={prefix}", node.port());
    from_flask_session(&flask, &url);
}

#[test]
fn sessions_of_flask_session_move_from_sqlite() {
    let new = Filled::new();
    let file = new.file().with_file_name("flask.db");
    let config = json!({
        "SESSION_TYPE": "sqlalchemy", "SESSION_SERIALIZATION_FORMAT": "json",
        "SQLALCHEMY_DATABASE_URI": format!("sqlite:///{}", file.display()),
    });
    let Some(flask) = FlaskSession::start(&config) else { return };
    from_flask_session(&flask, &format!("flask-session+sqlite:{}?format=json", file.display()));
    let missing = migrate("flask-session+sqlite:/nowhere.db", &new.url, &[]);
    assert!(missing.code != 0 && missing.err.contains("there is no file"), "{}", missing.err);
}

#[test]
fn sessions_of_flask_session_move_from_postgres() {
    let Some(server) = Postgres::start() else { return };
    // The server lets everybody in, with any password.
    let url = server.url().replace("postgres@", "postgres:hunter2@");
    let config = json!({
        "SESSION_TYPE": "sqlalchemy", "SESSION_KEY_PREFIX": "app:",
        "SQLALCHEMY_DATABASE_URI": url.replace("postgres://", "postgresql+psycopg://"),
    });
    let Some(flask) = FlaskSession::start(&config) else { return };
    from_flask_session(&flask, &format!("flask-session+{url}?prefix=app:"));
}

/// A dry run and a real one: one store by two names is refused, and its sessions live on.
#[test]
fn a_store_is_not_moved_onto_itself() {
    let refused = |from: &str, to: &str| {
        for more in [&[][..], &["--yes"][..]] {
            let answer = migrate(from, to, more);
            let said = &answer.err;
            assert!(answer.code == 2 && said.contains("are the same; name two"), "{to}: {said}");
        }
    };
    let file = some();
    let path = file.file();
    let (name, folder) = (path.file_name().unwrap(), path.parent().unwrap());
    let around = folder.join("..").join(folder.file_name().unwrap()).join(name);
    refused(&file.url, &format!("sqlite:{}", around.display()));
    let Some(node) = Node::start(&[]) else { return };
    let url = |host, rest| format!("redis://{host}:{}{rest}", node.port());
    let store = Filled::at(&url("127.0.0.1", ""));
    store.fill();
    let before = ids(&store.sessions(&["ls", "--json"]).out);
    for (host, rest) in [("127.0.0.1", ""), ("localhost", "/0"), ("127.0.0.1", "?prefix=dewar:")] {
        refused(&store.url, &url(host, rest));
        assert_eq!(ids(&store.sessions(&["ls", "--json"]).out), before);
    }
    let other = migrate(&store.url, &url("127.0.0.1", "/1"), &["--json", "--yes"]);
    assert_eq!(json_of(&other.out)["sessions"], 5, "{}", other.err);
    let third = migrate(&store.url, &url("127.0.0.1", "/2"), &["--yes"]);
    assert!(third.out.contains("0 are there already, 5 were carried to another"), "{}", third.out);
}

#[test]
fn no_password_is_repeated() {
    for (from, to) in [
        ("redis://u:hunter2@127.0.0.1:1", "sqlite:x"),
        ("redis://u:hunter2", "sqlite:x"),
        ("sqlite:x", "redis://u:hunter2@127.0.0.1:1"),
    ] {
        let answer = migrate(from, to, &["--yes"]);
        assert!(matches!(answer.code, 1 | 2) && !answer.err.contains("hunter2"), "{}", answer.err);
    }
    let old = some();
    let dry = migrate(&old.url, "redis://u:hunter2@127.0.0.1:1", &[]);
    assert!(dry.code == 0 && dry.err.contains("--to \"$DEWAR_TO\" --yes"), "{}", dry.err);
    assert!(dry.err.contains("DEWAR_TO has to hold the URL of --to first"), "{}", dry.err);
    assert!(!dry.err.contains("hunter2"));
}
