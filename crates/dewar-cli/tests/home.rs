//! Where the demo's sessions live: `--mode` and `--store`, what the start says of it, what is refused.

mod answer;
mod demo;

use answer::dewar_with;
use demo::Demo;

/// What `dewar demo visits --port 0 ARGS` says before it ends, in one line.
fn refusal(state: &str, args: &[&str]) -> String {
    let args = [&["demo", "visits", "--port", "0"], args].concat();
    let answer = dewar_with(&args, &[("XDG_STATE_HOME", state)], "");
    assert!(matches!((answer.code, &*answer.out), (1 | 2, "")), "{args:?}: {}", answer.code);
    assert_eq!(answer.err.lines().count(), 1, "{args:?}: {}", answer.err);
    answer.err
}

#[test]
fn what_cannot_be_is_refused_with_the_cure() {
    let state = std::env::temp_dir().join(format!("dewar-home-{}", std::process::id()));
    std::fs::create_dir_all(&state).expect("a folder");
    let file = state.join("no database");
    std::fs::write(&file, "Some text that is no database, and long enough to be none.".repeat(20))
        .expect("written");
    let below_a_file = format!("sqlite:{}", file.join("x.db").display());
    let other_file = format!("sqlite:{}", file.display());
    let flask = "leave --mode and --store out";
    for (args, cure) in [
        (&["--store", "redsi://localhost"][..], "did you mean \"redis\"?"),
        (&["--store", "sqlite"], "write \"sqlite:…\""),
        (&["--store", "sqlite:"], "write sqlite:FILE"),
        (&["--store", "memory:file"], "write memory:"),
        (&["--store", ""], "this build of dewar knows memory:, sqlite:FILE"),
        (&["--mode", "neither"], "[possible values: server, cookie]"),
        (&["--profile", "flask", "--store", "memory:"], flask),
        (&["--profile", "flask", "--mode", "server"], flask),
        (&["--mode", "cookie", "--store", "memory:"], "leave --store or --mode cookie out"),
        (&["--store", &below_a_file], "name another --store"),
        (&["--store", &other_file], "file is not a database"),
    ] {
        let said = refusal(state.to_str().expect("text"), args);
        assert!(said.starts_with("dewar: ") && said.contains(cure), "{args:?}: {said}");
    }
    let kept = std::fs::read_to_string(&file).expect("the file");
    assert!(kept.starts_with("Some text"), "a file of somebody else is left as it is");
    std::fs::remove_dir_all(&state).expect("removed");
}

/// Root may write everywhere but to the system's own folders, so one of them it is.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_files_is_named() {
    let said = refusal("/proc/nowhere", &[]);
    assert!(said.contains("/proc/nowhere/dewar") && said.contains("--secret-key-env"), "{said}");
    let said = refusal(
        std::env::temp_dir().join("dewar-home").to_str().expect("text"),
        &["--store", "sqlite:/proc/nowhere/x.db"],
    );
    assert!(said.contains("/proc/nowhere/x.db") && said.contains("another --store"), "{said}");
}

#[test]
fn a_folder_that_is_made_is_named_and_so_is_the_race() {
    let folder = std::env::temp_dir().join(format!("dewar-made-{}", std::process::id()));
    let demo = Demo::start(&["race", "--store", &format!("sqlite:{}/x.db", folder.display())]);
    let front = demo.get("/", "");
    assert!(
        front.starts_with("HTTP/1.1 200 ") && front.contains("requests that overlap"),
        "{front}"
    );
    assert!(demo.get("/nothing", "").starts_with("HTTP/1.1 404 "));
    let err = demo.interrupt().err;
    let made = format!("dewar: made the folder {} for the store\n", folder.display());
    assert!(err.starts_with(&made), "{err}");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn the_start_says_where_sessions_live_and_what_that_promises() {
    let demo = Demo::start(&[]);
    let file = demo.folder().join("dewar/demo.db");
    assert!(file.is_file());
    let place = format!(" * Sessions are kept in {}\n", file.display());
    let promise = "The cookie carries an id: no write is lost, and a logout is final";
    assert!(demo.said.contains(&place) && demo.said.contains(promise), "{}", demo.said);

    let demo = Demo::start(&["--store", "memory:"]);
    let place = " * Sessions are kept in the memory of this process: they end with it\n";
    assert!(demo.said.contains(place) && demo.said.contains(promise), "{}", demo.said);

    for args in [["--mode", "cookie"], ["--profile", "flask"]] {
        let demo = Demo::start(&args);
        let limits = "whoever holds it can read it";
        assert!(demo.said.contains(limits) && !demo.said.contains(promise), "{}", demo.said);
    }
}

#[test]
fn the_start_page_says_what_holds() {
    for (args, says, says_not) in [
        (&["--store", "memory:"], "logout is final", "not encrypted"),
        (&["--mode", "cookie"], "not encrypted", "logout is final"),
    ] {
        let page = Demo::start(args).get("/", "");
        assert!(page.contains(says) && !page.contains(says_not), "{page}");
    }
}

#[test]
fn sessions_in_a_file_outlive_the_demo_and_those_in_memory_do_not() {
    for (args, then) in [(&["visits"][..], 2), (&["visits", "--store", "memory:"], 1)] {
        let demo = Demo::start(args);
        let answer = demo.get("/", "");
        let (_, rest) = answer.split_once("set-cookie: ").expect("a cookie");
        let cookie = rest.split(';').next().expect("a value").to_owned();
        let again = demo.restart(args).get("/", &cookie);
        assert!(again.ends_with(&format!("Visit count: {then}")), "{args:?}: {again}");
    }
}
