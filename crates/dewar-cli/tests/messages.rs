//! What the command says when it cannot go on: the value, the rule, and the cure.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod demo;

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use dewar_signing::payload::{self, Compression};

const COOKIE: &str = "eyJ2aXNpdHMiOjN9.ZVPxAA.7jLucbd_y6JULspK5LuCcsZBjCQ";
/// Good enough for the demo, and text that could be a variable's name.
const KEY: &str = "7Q2mXv9LrT4kWz8NsB6yHd3Jp5Gc1Fa0";

/// A folder for the state of a demo, gone at the end.
struct State(PathBuf);

impl State {
    fn new(name: &str) -> Self {
        let name = format!("dewar-messages-{name}-{}", std::process::id());
        let state = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(state.0.join("dewar")).unwrap();
        state
    }

    /// The file of the key that all programs together have.
    fn key(&self) -> PathBuf {
        self.0.join("dewar/demo.key")
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn dewar(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dewar"));
    command.args(args).env_remove("SECRET_KEY").stdin(Stdio::null());
    command
}

/// The one line of a wrong use.
fn refusal(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = text(&output);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said.trim_end().to_owned()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A store that there is not ends a demo whose key is good.
fn failing_demo(state: &Path) -> Command {
    let mut command = dewar(&["demo", "--store", "none:"]);
    command.env("XDG_STATE_HOME", state);
    command
}

#[test]
fn a_kept_key_that_is_of_no_use_names_its_file_and_the_cure() {
    let state = State::new("kept");
    let file = state.key();
    for (content, why) in [
        (&b""[..], "it is empty"),
        (b" \n", "it is empty"),
        (b"x7", "it has 2 bytes of at least 16"),
        (b"change-me-change-me-change-me", "it is a placeholder"),
        (b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "it has 2 different bytes of at least 8"),
        (b"\xff\xfe\xfd", "it is not text"),
    ] {
        fs::write(&file, content).unwrap();
        let said = refusal(&mut failing_demo(&state.0));
        let wanted = format!(
            "dewar: the key kept in {} cannot be used: {why}: delete the file, a new one is made",
            file.display()
        );
        assert_eq!(said, wanted);
    }
    fs::remove_file(&file).unwrap();
    let made = refusal(&mut failing_demo(&state.0));
    assert!(made.contains("--store: the scheme \"none\" names no store"), "{made}");
}

/// Opening a pipe waits until somebody writes.
#[test]
fn a_pipe_in_the_place_of_the_key_does_not_stop_the_demo() {
    let state = State::new("pipe");
    assert!(Command::new("mkfifo").arg(state.key()).status().unwrap().success());
    let said = refusal(&mut failing_demo(&state.0));
    assert!(said.contains("cannot be used: it is no regular file: delete"), "{said}");
    fs::remove_file(state.key()).unwrap();
    symlink("/dev/zero", state.key()).unwrap();
    let said = refusal(&mut failing_demo(&state.0));
    assert!(said.contains("cannot be used: it is no regular file: delete"), "{said}");
}

#[test]
fn a_kept_key_that_others_can_read_is_warned_of() {
    let state = State::new("readers");
    fs::write(state.key(), KEY).unwrap();
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        fs::set_permissions(state.key(), fs::Permissions::from_mode(mode)).unwrap();
        let said = text(&failing_demo(&state.0).output().unwrap());
        assert_eq!(said.contains("warning: the key kept in "), warned, "{said}");
        assert_eq!(said.contains("(mode 644): chmod 600 "), warned, "{said}");
    }
}

#[test]
fn a_key_that_cannot_be_kept_names_the_cause_before_the_cure() {
    let state = State::new("cause");
    let file = state.0.join("file");
    fs::write(&file, "").unwrap();
    let said = refusal(&mut failing_demo(&file));
    let (cause, cure) = said
        .split_once(": name a variable that holds one with --secret-key-env")
        .unwrap_or_else(|| panic!("{said}"));
    assert!(cause.starts_with("dewar: cannot keep a key in ") && cure.is_empty(), "{said}");
    assert!(cause.contains("demo.key: ") && cause.contains("(os error "), "{said}");
}

#[test]
fn a_key_that_is_not_text_is_not_called_missing() {
    for args in [&["cookie", "sign", "{}"][..], &["demo", "--secret-key-env", "SECRET_KEY"]] {
        let said = refusal(dewar(args).env("SECRET_KEY", OsStr::from_bytes(b"\xff\xfe")));
        let wanted = "dewar: the environment variable SECRET_KEY is not text: export SECRET_KEY=";
        assert!(said.starts_with(wanted), "{said}");
    }
}

#[test]
fn a_weak_key_names_its_variable() {
    let demo = ["demo", "--secret-key-env", "SITE_KEY"];
    for (key, why) in [
        ("", "dewar: the environment variable SITE_KEY is empty: export SITE_KEY="),
        ("short", "dewar: the environment variable SITE_KEY: the secret key has 5 bytes"),
        ("changeme", "dewar: the environment variable SITE_KEY: the secret key is published"),
        ("a", "dewar: the environment variable SITE_KEY: the secret key has 1 byte, at least"),
    ] {
        let said = refusal(dewar(&demo).env("SITE_KEY", key));
        assert!(said.starts_with(why), "{said}");
    }
    let args = ["cookie", "sign", "{}", "--secret-key-env", "SITE_KEY"];
    let said = text(&dewar(&args).env("SITE_KEY", "short").output().unwrap());
    let warning = "dewar: warning: the environment variable SITE_KEY: the secret key has 5 bytes";
    assert!(said.starts_with(warning), "{said}");
    let uniform = "a".repeat(40);
    let said = text(&dewar(&args).env("SITE_KEY", uniform).output().unwrap());
    assert!(said.contains("has 1 different byte, at least 8"), "{said}");
}

#[test]
fn what_cannot_be_a_name_is_asked_for_and_never_shown() {
    for name in ["A=B", "", KEY, "two words"] {
        let newest = "dewar: --secret-key-env wants the name of a variable, such as SECRET_KEY";
        for args in [
            &["demo", "--secret-key-env", name][..],
            &["cookie", "verify", "--secret-key-env", name, COOKIE],
            &["cookie", "sign", "{}", "--secret-key-env", name],
        ] {
            assert_eq!(refusal(&mut dewar(args)), newest);
        }
        let args = ["cookie", "verify", "--fallback-key-env", name, COOKIE];
        let said = refusal(dewar(&args).env("SECRET_KEY", KEY));
        assert_eq!(said, newest.replace("--secret", "--fallback"));
    }
}

#[test]
fn a_wrong_argument_is_answered_with_the_help_of_its_command() {
    for (args, wanted) in [
        (&["demo", "--port", "70000"][..], "a number from 0 to 65535: see dewar demo --help"),
        (&["demo", "--port", "-1"], "a number from 0 to 65535: see dewar demo --help"),
        (&["cookie"], "no command: see dewar cookie --help"),
        (
            &["cookie", "sign", "--now", "-1", "{}"],
            "whole seconds since 1970, such as 1700000000: see dewar cookie sign --help",
        ),
        (
            &["cookie", "verify", "--max-age", "-1", "x"],
            "whole seconds, such as 3600: see dewar cookie verify --help",
        ),
        (&["secret", "--bytes", "x"], "number from 16 to 1024: see dewar secret --help"),
        (
            &["cookie", "decod"],
            "unrecognized subcommand 'decod'; tip: a similar subcommand exists: 'decode': see \
             dewar cookie --help",
        ),
    ] {
        let said = refusal(&mut dewar(args));
        assert!(said.ends_with(wanted), "{said}");
    }
}

/// One id in 64 begins with a hyphen.
#[test]
fn a_cookie_that_begins_with_a_hyphen_is_no_option() {
    let id = "-".repeat(42) + "A";
    for (cookie, wanted) in [
        (format!("{id}.{id}"), "a session on the server"),
        ("--typd".into(), "there is no such option, and a cookie has a dot"),
    ] {
        for verb in ["decode", "verify"] {
            let said = refusal(dewar(&["cookie", verb, &cookie, "--json"]).env("SECRET_KEY", KEY));
            assert!(said.contains(wanted), "{said}");
        }
    }
}

#[test]
fn decoding_asks_for_the_whole_value_only_where_that_helps() {
    let cure = "give the whole value, without the cookie's name";
    let token = |text: &str| {
        let payload = payload::encode(text.as_bytes(), Compression::WhenSmaller);
        format!("{}.ZVPxAA.x", String::from_utf8(payload).unwrap())
    };
    let bomb = format!(r#"{{"a":"{}"}}"#, "x".repeat(2 << 20));
    for (cookie, helps) in [
        ("session=x".to_owned(), true),
        ("!.b.c".to_owned(), true),
        (token(&bomb), false),
        (token(r#"{"a":"\ud800"}"#), false),
        (token(&"[".repeat(200)), false),
        (token(&"9".repeat(5000)), false),
    ] {
        let said = refusal(&mut dewar(&["cookie", "decode", &cookie]));
        assert_eq!(said.contains(cure), helps, "{said}");
    }
}

#[test]
fn a_value_pasted_with_its_name_is_no_verdict() {
    for pasted in [
        format!("session={COOKIE}"),
        format!("{COOKIE}; Path=/"),
        format!("\"{COOKIE}\""),
        format!("Cookie: {COOKIE}"),
    ] {
        let said = refusal(dewar(&["cookie", "verify", &pasted]).env("SECRET_KEY", KEY));
        assert!(said.ends_with(": give the value alone, without the cookie's name"), "{said}");
    }
    let forged = dewar(&["cookie", "verify", "garbage"]).env("SECRET_KEY", KEY).output().unwrap();
    assert_eq!(forged.status.code(), Some(1));
    assert!(text(&forged).contains("no separator in the cookie, so"), "{}", text(&forged));
}

#[test]
fn a_typed_value_that_does_not_fit_is_named_once_with_its_rule() {
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for (json, wanted) in [
        (
            r#"{"t":"dict","v":[["a",{"t":"int","v":1}]]}"#,
            r#"key "a": the type "int" wants its digits as text, {"t":"int","v":"1"}"#,
        ),
        (
            r#"{"t":"dict","v":[["a",{"t":"list","v":[{"t":"dict","v":[["b",{"t":"bool"}]]}]}]]}"#,
            r#"key "b": the type "bool" wants true or false, {"t":"bool","v":true}"#,
        ),
        (
            r#"{"t":"dict","v":[["a",1]]}"#,
            r#"key "a": a typed value is an object, not int: give every value as {"t":type,"v":value}"#,
        ),
        (
            r#"{"t":"dict","v":{}}"#,
            r#"the type "dict" wants a list of keys with typed values, {"t":"dict","v":[["key",{"t":"null"}]]}"#,
        ),
        (&deep, "the JSON text is nested too deep at byte 128: at most 128 levels are allowed"),
    ] {
        let said = refusal(dewar(&["cookie", "sign", "--typed", json]).env("SECRET_KEY", KEY));
        assert_eq!(said, format!("dewar: {wanted}"));
    }
}

/// The command signs nothing that no server would open.
#[test]
fn a_session_beyond_what_opening_reads_is_not_signed() {
    let json = std::env::temp_dir().join(format!("dewar-messages-{}.json", std::process::id()));
    for (letters, code) in [((1 << 20) - 8, 0), ((1 << 20) - 7, 2)] {
        fs::write(&json, format!(r#"{{"a":"{}"}}"#, "x".repeat(letters))).unwrap();
        let input = fs::File::open(&json).unwrap();
        let mut command = dewar(&["cookie", "sign", "-"]);
        let output = command.env("SECRET_KEY", KEY).stdin(input).output().unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        if code == 2 {
            assert!(said.contains("needs 1048577 bytes and 1048576 are allowed"), "{said}");
            assert!(said.contains("session key \"a\" is the largest"), "{said}");
            continue;
        }
        let cookie = String::from_utf8(output.stdout).unwrap();
        let mut command = dewar(&["cookie", "verify", cookie.trim_end()]);
        assert!(command.env("SECRET_KEY", KEY).output().unwrap().status.success());
    }
    fs::remove_file(json).unwrap();
}

#[test]
fn the_help_of_signing_launders_nothing() {
    let help = dewar(&["cookie", "sign", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("set -o pipefail") && help.contains("cookie verify --typed --json"));
    assert!(!help.contains("cookie decode"), "{help}");
}

/// A field follows the message: it has to read as one.
#[test]
fn the_warning_of_the_flask_profile_ends_before_its_field() {
    let err = demo::Demo::start(&["visits", "--profile", "flask"]).interrupt().err;
    let (_, field) = err.split_once("caution with two session cookies)").expect("the warning");
    assert!(field.contains("secure") && field.contains("false"), "{err}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_takes_nothing_is_a_failure_and_no_wrong_use() {
    for args in [&["secret"][..], &["--help"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = dewar(args).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", text(&output));
    }
}

#[test]
fn the_help_of_secret_is_true_for_every_size() {
    let help = dewar(&["secret", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("two hexadecimal digits a byte"), "{help}");
    assert!(!help.contains("43 characters") && !help.contains("64 hexadecimal"), "{help}");
}
