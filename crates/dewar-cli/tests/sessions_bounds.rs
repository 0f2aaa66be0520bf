//! What `dewar sessions` never shows, what stops it, and how much it takes.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod answer;
mod filled;

use answer::dewar_with;
use dewar::store::{Loaded, Store};
use filled::{Filled, HOUR, Session, ids, json_of, key, session, some};
use serde_json::json;

/// What cannot be shown can be ended all the same, and the dry run knows.
#[test]
fn revoking_a_user_ends_what_cannot_be_read() {
    let broken = Session { data: b"\xff no text".to_vec(), ..session(&[0xba, 1], Some("ada")) };
    let store = Filled::with(&[broken, session(&[1], Some("ada")), session(&[2], Some("bob"))]);
    for yes in [&["--json"][..], &["--json", "--yes"]] {
        let answer = store.sessions(&[&["revoke", "--user", "ada"], yes].concat());
        assert_eq!(json_of(&answer.out)["sessions"], 2, "{}", answer.err);
    }
    assert_eq!(ids(&store.sessions(&["ls", "--json"]).out), ["025e5e5e"]);
}

/// Where a layer that refuses logins beyond a limit counts those that are under way.
#[test]
fn what_is_no_session_is_neither_shown_nor_counted_nor_ended() {
    let store = Filled::with(&[session(&[1], Some("ada"))]);
    let mut bytes = [7; 32];
    bytes[8..24].copy_from_slice(b"dewar: no cookie");
    let places = dewar::StoreKey::from_bytes(bytes);
    assert!(!places.is_session() && key(&[1]).is_session());
    store.add(&Session { key: places, idle: -HOUR, ..session(&[7], None) });
    let lists = [&["ls", "--json"][..], &["ls", "--expired", "--json"]];
    let shown: Vec<_> = lists.iter().flat_map(|args| ids(&store.sessions(args).out)).collect();
    assert_eq!(shown, ["015e5e5e"]);
    let stats = json_of(&store.sessions(&["stats", "--json"]).out);
    assert_eq!((&stats["live"], &stats["expired"]), (&json!(1), &json!(0)));
    assert_eq!(store.sessions(&["show", "07070707"]).code, 3);
    assert_eq!(store.sessions(&["revoke", "--all", "--yes"]).out, "ended 1 session\n");
    assert!(matches!(store.load(&places), Loaded::Live(_)));
    assert_eq!(
        store.sessions(&["purge"]).out,
        store.sessions(&["purge", "--yes"]).out.replace("forgot", "would forget")
    );
    assert_eq!(store.load(&places), Loaded::Nothing);
}

/// A visitor chooses keys and values, and whoever looks at them has a terminal.
#[test]
fn a_terminal_obeys_nothing_of_what_visitors_keep() {
    let attack = "{\"\\u001b[2J\\u009b31m\":\"\\u001b]0;owned\\u0007\\r\\n\\u202e\"}";
    let raw = "{\"\u{9b}K\":\"\u{202e}\u{1b}[A\"}".replace('\u{1b}', "\\u001b");
    let store = Filled::with(&[
        Session { data: attack.into(), ..session(&[1], Some("ada")) },
        Session { data: raw.into(), ..session(&[2], Some("ada")) },
    ]);
    for args in [
        &["show", "015e5e5e"][..],
        &["show", "015e5e5e", "--values"],
        &["show", "015e5e5e", "--values", "--json"],
        &["show", "025e5e5e", "--values"],
        &["show", "025e5e5e", "--json"],
        &["export", "--user", "ada"],
        &["export", "--user", "ada", "--json"],
        &["ls", "--user", "ada\u{1b}[2J"],
        &["show", "\u{1b}[2J"],
        &["revoke", "--user", "\u{1b}[2J"],
    ] {
        let answer = store.sessions(args);
        let said = format!("{}{}", answer.out, answer.err);
        let is_bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}' || c == '\u{9b}';
        assert!(!said.contains(is_bad), "{args:?}: {said:?}");
    }
    let shown = json_of(&store.sessions(&["show", "015e5e5e", "--values", "--json"]).out);
    assert_eq!(shown["contents"][0]["key"], "\u{1b}[2J\u{9b}31m");
    assert_eq!(shown["contents"][0]["value"], "\u{1b}]0;owned\u{7}\r\n\u{202e}");
}

#[test]
fn a_record_that_cannot_be_read_stops_nothing() {
    let store = some();
    let broken = Session { data: b"\xff no text".to_vec(), ..session(&[0xba, 1], Some("ada")) };
    store.add(&broken);
    let shown = store.sessions(&["show", "ba015e5e"]);
    assert_eq!(shown.code, 1);
    assert!(shown.err.contains("the contents of ba015e5e cannot be read"), "{}", shown.err);
    let export = store.sessions(&["export", "--user", "ada"]);
    assert_eq!((export.code, &json_of(&export.out)["unreadable"]), (1, &json!(1)));

    // A row whose checksum is wrong.
    let database = rusqlite::Connection::open(store.file()).unwrap();
    let key = key(&[0xbb, 1]);
    let changed = database
        .execute("UPDATE dewar_sessions SET data = x'00' WHERE key = ?1", [&key.as_bytes()[..]]);
    assert_eq!(changed.unwrap(), 1);
    let stats = json_of(&store.sessions(&["stats", "--json"]).out);
    assert_eq!((&stats["unreadable"], &stats["live"]), (&json!(1), &json!(4)));
    let ls = store.sessions(&["ls"]);
    assert!(ls.code == 0 && ls.out.contains("bb015e5e  unreadable\n"), "{}", ls.out);
    let erased = json_of(&store.sessions(&["erase", "--user", "ada", "--yes", "--json"]).out);
    assert_eq!((&erased["left"], &erased["unreadable"]), (&json!(0), &json!(1)));
    let shown = store.sessions(&["show", "bb015e5e"]);
    assert!(shown.code == 1 && shown.err.contains("cannot be read"), "{}", shown.err);
}

/// No whole key, no password, no id of a cookie, whatever is asked.
#[test]
fn no_secret_is_repeated() {
    let store = some();
    let whole: String = key(&[0xaa, 1]).as_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let cookie = "kB9Vq0y3m5cW1zXJ8r2T4u6N7pQaSdFgHjKlZxCvBnM";
    for args in [
        &["ls"][..],
        &["ls", "--json"],
        &["show", &whole],
        &["show", &whole, "--json", "--values"],
        &["show", &format!("{}0", &whole[..63])],
        &["show", cookie],
        &["stats"],
        &["export", "--user", "ada"],
        &["revoke", "--all"],
    ] {
        let answer = store.sessions(args);
        let said = format!("{}{}", answer.out, answer.err);
        assert!(!said.contains(&whole[..33]) && !said.contains(cookie), "{args:?}: {said}");
        assert_eq!(answer.code == 2, args.contains(&cookie), "{said}");
    }
    for url in [
        "redsi://app:hunter2@h",
        "redis://app:hunter2",
        "redis://app:hun/hunter2@h",
        "redis://app:hunter2@127.0.0.1:1",
        "postgres://app:hunter2@127.0.0.1:1/x?y=z",
    ] {
        for option in [true, false] {
            let args = ["sessions", "revoke", "--all", "--store", url];
            let answer = match option {
                true => dewar_with(&args, &[], ""),
                false => dewar_with(&args[..3], &[("DEWAR_STORE", url)], ""),
            };
            let said = format!("{}{}", answer.out, answer.err);
            assert!(matches!(answer.code, 1 | 2) && !said.contains("hunter2"), "{said}");
        }
    }
}

#[test]
fn a_wrong_use_is_answered_with_the_cure() {
    let store = some();
    let missing = format!("sqlite:{}", store.file().with_extension("nil").display());
    for (args, cure) in [
        (&["ls", "--store", "memory:"][..], "name the store of an application"),
        (&["ls", "--store", &missing], "name the one that the application uses"),
        (&["ls", "--store", "sqlite"], "--store: a store's URL has a colon"),
        (&["show", "12"], "the 8 hexadecimal digits"),
        (&["revoke"], "see dewar sessions revoke --help"),
        (&["revoke", "--all", "--user", "x"], "see dewar sessions revoke --help"),
        (&["revoke", "--all", "--older-than", "1y"], "give a number and s, m, h or d"),
        (&["revoke", "--all", "--older-than", "999999999999999999d"], "give a number"),
        (&["erase"], "see dewar sessions erase --help"),
    ] {
        let answer = store.sessions(args);
        assert_eq!((answer.code, &*answer.out), (2, ""), "{args:?}: {}", answer.err);
        assert!(answer.err.contains(cure), "{args:?}: {}", answer.err);
        assert_eq!(answer.err.lines().count(), 1, "{}", answer.err);
    }
    assert!(!store.file().with_extension("nil").exists(), "no store is made by looking at it");
    let unnamed = dewar_with(&["sessions", "ls"], &[], "");
    assert!(unnamed.code == 2 && unnamed.err.contains("set DEWAR_STORE"), "{}", unnamed.err);
}

#[test]
fn ten_thousand_sessions_are_looked_at_page_by_page() {
    let store = Filled::new();
    store.run(async {
        for i in 0..10_000_u32 {
            let first = i.wrapping_mul(0x9e37_79b9).to_be_bytes();
            let user = (i % 100 == 0).then_some("ada");
            let session = session(&first, user);
            store.store.create(&session.key, &session.record()).await.unwrap();
        }
    });
    let begun = std::time::Instant::now();
    let stats = json_of(&store.sessions(&["stats", "--json"]).out);
    assert_eq!((&stats["live"], &stats["with_user"]), (&json!(10_000), &json!(100)));
    let all = store.sessions(&["ls", "--json", "--limit", "100000"]);
    assert_eq!(ids(&all.out).len(), 10_000);
    let one = store.sessions(&["show", &ids(&all.out)[5000]]);
    assert_eq!(one.code, 0);
    let erased = json_of(&store.sessions(&["erase", "--user", "ada", "--yes", "--json"]).out);
    assert_eq!((&erased["sessions"], &erased["left"]), (&json!(100), &json!(0)));
    let revoked = store.sessions(&["revoke", "--all", "--yes"]).out;
    assert_eq!(revoked, "ended 9900 sessions\n");
    eprintln!("10,000 sessions: {:?}", begun.elapsed());
}

/// Sessions of 150 MB, and room for far less than that.
#[cfg(target_os = "linux")]
#[test]
fn large_sessions_take_the_memory_of_one_page() {
    let store = Filled::new();
    let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(60_000));
    store.run(async {
        for i in 0..2_500_u32 {
            let session =
                Session { data: text.clone().into(), ..session(&i.to_be_bytes(), Some("ada")) };
            store.store.create(&session.key, &session.record()).await.unwrap();
        }
    });
    let run = |room: &str, args: &str| {
        let line = format!("ulimit -v {room}; exec \"$DEWAR\" sessions {args}");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &line]).env("DEWAR", env!("CARGO_BIN_EXE_dewar"));
        // One heap: what further ones set aside for other threads is not used, but counts as room.
        shell.env("MALLOC_ARENA_MAX", "1");
        shell.env("DEWAR_STORE", &store.url).output().unwrap()
    };
    // That one holds all that a user gets: the room is what it is meant to be.
    assert!(!run("140000", "export --user ada").status.success());
    for args in ["stats", "ls --json --limit 5000", "revoke --all", "revoke --all --yes"] {
        let output = run("140000", args);
        assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
