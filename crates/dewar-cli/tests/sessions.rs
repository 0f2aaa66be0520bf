//! `dewar sessions`, the real program over real SQLite files: each verb, what it prints, what it
//! changes, and what it never shows.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod answer;
mod demo;
mod filled;

use answer::dewar_with;
use dewar::store::{Loaded, Store};
use filled::{Filled, Session, ids, json_of, key, now_ms, session, some};
use serde_json::{Value as Json, json};

#[test]
fn ls_shows_live_sessions_by_their_short_ids() {
    let store = some();
    let answer = store.sessions(&["ls"]);
    assert_eq!((answer.code, &*answer.err), (0, ""));
    let lines: Vec<_> = answer.out.lines().collect();
    assert!(lines[0].starts_with("ID        USER  CREATED"), "{}", answer.out);
    assert_eq!(lines.len(), 5, "{}", answer.out);
    let row = lines.iter().find(|line| line.starts_with("aa025e5e")).unwrap();
    assert!(row.contains("yes   3 d ago") && row.contains("in 1 h 59 m"), "{row}");
    assert!(lines.iter().any(|line| line.starts_with("cc015e5e  no ")), "{}", answer.out);

    let expired = store.sessions(&["ls", "--expired", "--json"]);
    assert_eq!(ids(&expired.out), ["ee015e5e", "ee025e5e"]);
    let adas = store.sessions(&["ls", "--user", "ada", "--json"]);
    assert_eq!(ids(&adas.out), ["aa015e5e", "aa025e5e"]);
    let nobodys = store.sessions(&["ls", "--user", "eve", "--json"]);
    assert_eq!((nobodys.code, &*nobodys.out), (3, ""));
    assert_eq!(nobodys.err, "dewar: the user has no such session\n");

    let few = store.sessions(&["ls", "--limit", "2", "--json"]);
    assert_eq!((few.code, ids(&few.out).len()), (0, 2));
    assert!(few.err.contains("there are more than 2: name a larger --limit"), "{}", few.err);
    let all = store.sessions(&["ls", "--limit", "4", "--json"]);
    assert_eq!((ids(&all.out).len(), &*all.err), (4, ""));
}

#[test]
fn the_json_of_ls_has_its_documented_shape() {
    let never = Session { absolute: 0, ..session(&[0xaa], None) };
    let store = Filled::new();
    let mut record = never.record();
    record.absolute_deadline_ms = u64::MAX;
    store.run(store.store.create(&never.key, &record)).unwrap();
    let shown = json_of(&store.sessions(&["ls", "--json"]).out);
    let expected = json!({
        "id": "aa5e5e5e",
        "state": "live",
        "user": false,
        "created_ms": record.created_ms,
        "idle_deadline_ms": record.idle_deadline_ms,
        "absolute_deadline_ms": null,
        "bytes": 25,
    });
    assert_eq!(shown, expected);
}

#[test]
fn show_tells_names_and_sizes_and_values_only_if_asked() {
    let store = some();
    let answer = store.sessions(&["show", "aa015e5e"]);
    assert_eq!((answer.code, &*answer.err), (0, ""));
    assert!(answer.out.contains("KEY       TYPE  SIZE\n"), "{}", answer.out);
    assert!(
        answer.out.contains("\"user\"    str   5 B\n\"visits\"  int   1 B\n"),
        "{}",
        answer.out
    );
    let values = store.sessions(&["show", "AA015E5E5e", "--values"]).out;
    assert!(values.contains("\"user\"    str   5 B   \"ada\"\n"), "{values}");

    let shown = json_of(&store.sessions(&["show", "aa015e5e", "--json"]).out);
    let names = json!([
        {"key": "user", "type": "str", "bytes": 5},
        {"key": "visits", "type": "int", "bytes": 1},
    ]);
    assert_eq!((&shown["contents"], &shown["state"]), (&names, &json!("live")));
    let shown = json_of(&store.sessions(&["show", "aa015e5e", "--json", "--values"]).out);
    assert_eq!(shown["contents"][0]["value"], "ada");

    let expired = store.sessions(&["show", "ee015e5e"]);
    assert!(expired.code == 0 && expired.err.contains("has expired"), "{}", expired.err);
}

#[test]
fn show_follows_what_became_of_a_session() {
    let store = some();
    let old = session(&[0xdd, 1], Some("ada"));
    store.add(&old);
    store.rotate(&old, &key(&[0xdd, 2]));
    store.run(store.store.delete(&key(&[0xbb, 1]), now_ms() + 600_000)).unwrap();
    let moved = store.sessions(&["show", "dd015e5e"]).out;
    assert!(moved.starts_with("dd015e5e was rotated: it goes on as dd025e5e, the "), "{moved}");
    let moved = json_of(&store.sessions(&["show", "dd015e5e", "--json"]).out);
    assert_eq!((&moved["state"], &moved["to"]), (&json!("moved"), &json!("dd025e5e")));
    let ended = store.sessions(&["show", "bb015e5e"]).out;
    assert!(ended.starts_with("bb015e5e was ended on purpose"), "{ended}");
}

#[test]
fn stats_count_and_measure() {
    let store = some();
    let old = session(&[0xdd, 1], None);
    store.add(&old);
    store.rotate(&old, &key(&[0xdd, 2]));
    store.run(store.store.delete(&key(&[0x99]), now_ms() + 600_000)).unwrap();
    let stats = json_of(&store.sessions(&["stats", "--json"]).out);
    let oldest = stats["oldest_created_ms"].as_u64().unwrap();
    assert!(now_ms() - oldest > 2 * 86_400_000);
    let expected = json!({
        "live": 5, "expired": 2, "moved": 1, "ended": 1, "unreadable": 0, "with_user": 3,
        "ending_within_1h": 1, "bytes": 125, "bytes_average": 25, "bytes_p99": 25,
        "oldest_created_ms": oldest,
    });
    assert_eq!(stats, expected);
    let text = store.sessions(&["stats"]).out;
    assert!(text.contains("live                5\n  with a user       3\n"), "{text}");

    let empty = json_of(&Filled::new().sessions(&["stats", "--json"]).out);
    assert_eq!((&empty["live"], &empty["oldest_created_ms"]), (&json!(0), &Json::Null));
}

/// What a dry run and the real run say, which must be the same but for the deed.
fn dry_and_real(store: &Filled, args: &[&str]) -> (Json, Json) {
    let before: Vec<_> = ids(&store.sessions(&["ls", "--json"]).out);
    let dry = store.sessions(&[args, &["--json"]].concat());
    assert_eq!((dry.code, before), (0, ids(&store.sessions(&["ls", "--json"]).out)), "{}", dry.err);
    let mut dry = json_of(&dry.out);
    let command = dry.as_object_mut().unwrap().remove("command").unwrap();
    let expected = format!("dewar sessions {} --json --yes", args.join(" "));
    assert_eq!((&dry["dry_run"], command), (&json!(true), json!(expected)));
    let real = store.sessions(&[args, &["--json", "--yes"]].concat());
    assert_eq!(real.code, 0, "{}", real.err);
    (dry, json_of(&real.out))
}

#[test]
fn revoking_ends_what_was_named_and_nothing_else() {
    let store = some();
    let old = session(&[0xdd, 1], None);
    store.add(&old);
    store.rotate(&old, &key(&[0xdd, 2]));
    // One name of a session that goes on as another, and that other one: it ends once.
    let (dry, real) = dry_and_real(&store, &["revoke", "bb015e5e", "dd015e5e", "dd025e5e"]);
    assert_eq!((&dry["sessions"], &real["sessions"]), (&json!(2), &json!(2)));
    assert_eq!(real["dry_run"], false);
    assert!(matches!(store.load(&key(&[0xbb, 1])), Loaded::Ended { .. }));
    assert!(matches!(store.load(&key(&[0xdd, 2])), Loaded::Ended { .. }));
    assert_eq!(ids(&store.sessions(&["ls", "--json"]).out), ["aa015e5e", "aa025e5e", "cc015e5e"]);
    let again = store.sessions(&["revoke", "bb015e5e", "--yes"]);
    assert_eq!((again.code, &*again.out), (3, "ended 0 sessions\n"));
}

#[test]
fn revoking_by_user_and_by_age() {
    let store = some();
    let (dry, real) = dry_and_real(&store, &["revoke", "--user", "ada"]);
    assert_eq!((&dry["sessions"], &real["sessions"]), (&json!(2), &json!(2)));
    assert_eq!(store.sessions(&["revoke", "--user", "ada"]).code, 3);

    let store = some();
    let (dry, real) = dry_and_real(&store, &["revoke", "--all", "--older-than", "2d"]);
    assert_eq!((&dry["sessions"], &real["sessions"]), (&json!(1), &json!(1)));
    assert!(matches!(store.load(&key(&[0xaa, 2])), Loaded::Ended { .. }));
    let (dry, real) = dry_and_real(&store, &["revoke", "--all"]);
    assert_eq!((&dry["sessions"], &real["sessions"]), (&json!(3), &json!(3)));
    let nothing = store.sessions(&["revoke", "--all", "--yes"]);
    assert_eq!((nothing.code, &*nothing.out), (0, "ended 0 sessions\n"));
}

#[test]
fn a_dry_run_says_how_to_do_it() {
    let store = some();
    store.add(&session(&[0x0a], Some("o'hara's")));
    let answer = store.sessions(&["revoke", "--user", "o'hara's", "--store", &store.url]);
    assert_eq!((answer.code, &*answer.out), (0, "would end 1 session\n"));
    let url = format!("'{}'", store.url);
    let wanted = format!(
        "a dry run, nothing was changed; this does it: dewar sessions revoke --user \
         'o'\\''hara'\\''s' --store {url} --yes\n"
    );
    assert!(answer.err.contains(&wanted), "{}", answer.err);
}

#[test]
fn where_there_is_nothing_to_do_no_command_is_offered() {
    let store = some();
    let answer = store.sessions(&["revoke", "--user", "nobody"]);
    assert_eq!((answer.code, &*answer.out), (3, "would end 0 sessions\n"));
    assert_eq!(answer.err, "dewar: no session is live that could be ended\n");
    let answer = store.sessions(&["revoke", "--user", "nobody", "--json"]);
    assert_eq!(json_of(&answer.out).get("command"), None);
}

#[test]
fn what_is_erased_is_not_in_the_log_either() {
    let store = Filled::new();
    let data = br#"{"note":"a secret of alice's"}"#.to_vec();
    store.add(&Session { data, ..session(&[1], Some("alice")) });
    let holds = |end: &str| {
        let file = store.file().with_file_name(format!("app.db{end}"));
        let bytes = std::fs::read(file).unwrap();
        bytes.windows(20).any(|some| some == b"a secret of alice's\"")
    };
    assert!(holds("-wal"), "the application has not written over its log");
    assert_eq!(store.sessions(&["erase", "--user", "alice", "--yes"]).code, 0);
    assert!(!holds("-wal") && !holds(""));
}

#[test]
fn a_session_that_was_carried_over_is_not_called_rotated() {
    let store = Filled::with(&[session(&[1], None)]);
    let mark = dewar::store::Moved { to: key(&[1]), until_ms: now_ms() + 600_000 };
    let carried = key(&[1]);
    let written = store.store.supersede(&carried, dewar::store::WriteId::new(1), mark);
    store.run(written).unwrap();
    let shown = store.sessions(&["show", "015e5e5e"]).out;
    assert!(shown.starts_with("015e5e5e was carried to another store, the mark "), "{shown}");
    let shown = json_of(&store.sessions(&["show", "015e5e5e", "--json"]).out);
    assert_eq!((&shown["state"], shown.get("to")), (&json!("carried"), None));
    let revoked = store.sessions(&["revoke", "015e5e5e", "--yes"]);
    assert!(revoked.code == 1 && revoked.err.contains("another store: name"), "{}", revoked.err);
    let all = store.sessions(&["revoke", "--all", "--yes"]);
    assert_eq!((all.code, &*all.out), (1, "ended 0 sessions\n"));
    assert!(all.err.contains("1 session went to another store and"), "{}", all.err);
}

/// As the section says: on the demo, in this order, logged in again where that is said.
#[test]
fn the_readme_can_be_followed_on_the_demo() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("\n## Operate\n").unwrap();
    let store = Filled::new();
    let demo = demo::Demo::start(&["login", "--store", &store.url]);
    let login = || {
        let answer = demo.post("/login", "username=42");
        answer.split_once("set-cookie: ").unwrap().1.split(';').next().unwrap().to_owned()
    };
    let cookie = login();
    assert!(demo.get("/", &cookie).ends_with("Logged in as 42"));
    for line in section.split("```").nth(1).unwrap().lines() {
        let Some(line) = line.strip_prefix("dewar sessions ") else { continue };
        if line.contains("(log in again)") {
            login();
        }
        let shown = store.sessions(&["ls", "--json"]).out;
        let id = shown.lines().next().map_or(String::new(), |line| ids(line).remove(0));
        let line = line.replace("6f1c2a9b", &id).replace("sqlite:app.db", &store.url);
        let line = line.split('#').next().unwrap().split('>').next().unwrap();
        let answer = store.sessions(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(answer.code, 0, "{line}: {}", answer.err);
    }
    assert!(demo.get("/", &cookie).ends_with("You are not logged in"));
    // Who logs out in the browser is no user any more.
    let cookie = login();
    demo.get("/logout", &cookie);
    assert_eq!(store.sessions(&["export", "--user", "42"]).code, 3);
}

#[test]
fn purging_forgets_what_is_past_its_grace() {
    let store = some();
    let (dry, real) = dry_and_real(&store, &["purge"]);
    // The one that expired a minute ago stays for four more.
    assert_eq!((&dry["entries"], &real["entries"]), (&json!(1), &json!(1)));
    assert_eq!(store.load(&key(&[0xee, 2])), Loaded::Nothing);
    assert!(matches!(store.load(&key(&[0xee, 1])), Loaded::Live(_)));
    assert_eq!(store.sessions(&["purge", "--yes"]).out, "forgot 0 entries\n");
}

#[test]
fn a_user_gets_what_is_kept_of_him_and_nothing_of_others() {
    let store = some();
    let answer = store.sessions(&["export", "--user", "ada"]);
    assert_eq!((answer.code, &*answer.err), (0, ""));
    let document = json_of(&answer.out);
    let sessions = document["sessions"].as_array().unwrap();
    assert_eq!((sessions.len(), &document["unreadable"]), (2, &json!(0)));
    // Oldest first.
    assert_eq!((&sessions[0]["id"], &sessions[1]["id"]), (&json!("aa025e5e"), &json!("aa015e5e")));
    assert_eq!(sessions[0]["contents"], json!({"user": "ada", "visits": 3}));
    let line = store.sessions(&["export", "--user", "ada", "--json"]).out;
    assert_eq!((line.lines().count(), json_of(&line)), (1, document));

    let none = store.sessions(&["export", "--user", "eve"]);
    assert_eq!((none.code, json_of(&none.out)["sessions"].clone()), (3, json!([])));
}

#[test]
fn after_erasing_a_scan_finds_nothing_of_the_user() {
    let store = some();
    let (dry, real) = dry_and_real(&store, &["erase", "--user", "ada"]);
    assert_eq!((&dry["sessions"], &real["sessions"]), (&json!(3), &json!(3)));
    assert_eq!((&dry["left"], &real["left"], &real["scanned"]), (&json!(3), &json!(0), &json!(6)));
    assert!(matches!(store.load(&key(&[0xee, 1])), Loaded::Ended { .. }), "an expired one, too");
    assert!(matches!(store.load(&key(&[0xbb, 1])), Loaded::Live(_)), "nobody else's");
    let again = store.sessions(&["erase", "--user", "ada", "--yes"]);
    assert_eq!(again.code, 3);
    assert!(again.out.starts_with("erased 0 sessions; of 6 entries in the store 0 are the user's"));
}

#[test]
fn an_ambiguous_name_is_answered_with_a_list() {
    let store = Filled::with(&[
        session(&[1, 2, 3, 4, 0xa0], None),
        session(&[1, 2, 3, 4, 0xb0], None),
        session(&[1, 2, 3, 5], None),
    ]);
    for verb in [&["show", "01020304"][..], &["revoke", "01020304", "--yes"]] {
        let answer = store.sessions(verb);
        assert_eq!((answer.code, &*answer.out), (2, ""));
        let said = "several sessions begin with 01020304: 01020304a, 01020304b: give more digits";
        assert!(answer.err.contains(said), "{}", answer.err);
    }
    assert_eq!(store.sessions(&["show", "01020304b"]).code, 0);
    let nobody = store.sessions(&["show", "ffffffff"]);
    assert_eq!((nobody.code, &*nobody.out), (3, ""));
    assert!(nobody.err.contains("there is no session ffffffff"), "{}", nobody.err);
    // One name that is wrong, and none ends.
    let both = store.sessions(&["revoke", "01020305", "ffffffff", "--yes"]);
    assert_eq!(both.code, 3);
    assert!(matches!(store.load(&key(&[1, 2, 3, 5])), Loaded::Live(_)));
}

/// The lines of the section are run as they stand there.
#[test]
fn the_commands_of_the_readme_work() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("\n## Operate\n").unwrap();
    let block = section.split("```").nth(1).unwrap();
    let mut ran = 0;
    for line in block.lines().filter(|line| line.starts_with("dewar ")) {
        let store = Filled::with(&[session(&[0x6f, 0x1c, 0x2a, 0x9b], Some("42"))]);
        let line = line.replace("sqlite:app.db", &store.url);
        let line = line.split('#').next().unwrap().split('>').next().unwrap();
        let args: Vec<_> = line.split_whitespace().skip(1).collect();
        let answer = dewar_with(&args, &[("DEWAR_STORE", &store.url)], "");
        assert_eq!(answer.code, 0, "{line}: {}", answer.err);
        assert!(!answer.out.is_empty(), "{line}");
        ran += 1;
    }
    assert!(ran >= 9, "{ran}");
}
