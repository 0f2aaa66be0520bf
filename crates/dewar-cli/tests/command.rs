//! The command as a person uses it: the real program, its output, its exit codes.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod answer;
mod demo;

use answer::{dewar, dewar_with};
use demo::Demo;
use dewar_testdata::vectors;
use serde_json::Value as Json;

const COOKIE: &str = "eyJ2aXNpdHMiOjN9.ZVPxAA.7jLucbd_y6JULspK5LuCcsZBjCQ";

#[test]
fn a_secret_is_long_and_new_each_time() {
    let secret = dewar(&["secret"]).out;
    assert_eq!(secret.trim_end().len(), 43);
    assert_ne!(secret, dewar(&["secret"]).out);
    let hex = dewar(&["secret", "--bytes", "16", "--format", "hex"]).out;
    assert!(hex.trim_end().len() == 32 && hex.trim_end().bytes().all(|b| b.is_ascii_hexdigit()));
}

#[test]
fn a_short_secret_is_refused_with_the_reason() {
    let answer = dewar(&["secret", "--bytes", "15"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("15 bytes can be guessed, at least 16"), "{}", answer.err);
}

#[test]
fn a_cookie_is_decoded_without_a_key_and_called_unverified() {
    let answer = dewar_with(&["cookie", "decode", COOKIE], &[], "");
    assert_eq!((answer.code, &*answer.out), (0, "{\n  \"visits\": 3\n}\n"));
    assert!(answer.err.contains("UNVERIFIED, it says of 2023-11-14T22:13:20Z"), "{}", answer.err);
    let piped = dewar_with(&["cookie", "decode", "--json", "-"], &[], &format!(" {COOKIE}\n"));
    assert_eq!(piped.out, "{\"visits\":3}\n");
}

/// It is no cookie that was cut short or forged, and neither command says so.
#[test]
fn the_cookie_of_a_session_on_the_server_is_called_what_it_is() {
    let answer = Demo::start(&["visits"]).get("/", "");
    let (_, cookie) = answer.split_once("set-cookie: session=").unwrap();
    let (id, signature) = cookie.split(';').next().unwrap().split_once('.').unwrap();
    assert_eq!((id.len(), signature.len()), (43, 43));
    for command in ["decode", "verify"] {
        let answer = dewar(&["cookie", command, &format!("{id}.{signature}")]);
        assert_eq!((answer.code, &*answer.out), (2, ""));
        let said = "dewar: this is the cookie of a session on the server: a random id";
        assert!(answer.err.starts_with(said), "{}", answer.err);
        assert_eq!(answer.err.lines().count(), 1);
    }
}

#[test]
fn decoding_prints_nothing_that_a_terminal_obeys() {
    let session = "{\"\\u001b[2J\":\"\\r\\n\\u202e\\u009b\\u007f\\u2066é\"}";
    let token = dewar(&["cookie", "sign", session]).out;
    for args in [&["--json"][..], &["--typed"], &["--typed", "--json"], &[]] {
        let args = [&["cookie", "decode", token.trim_end()], args].concat();
        let out = dewar(&args).out;
        let hidden = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{2066}".contains(c));
        assert!(!out.contains(hidden) && out.contains('é'), "{out:?}");
    }
}

#[test]
fn a_good_cookie_is_verified() {
    let answer = dewar(&["cookie", "verify", "--now", "1700000100", "--json", COOKIE]);
    assert_eq!((answer.code, &*answer.out), (0, "{\"visits\":3}\n"));
    let said = "dewar: good: signed 100 seconds ago, 2023-11-14T22:13:20Z, with key b7d1698c\n";
    assert_eq!(answer.err, said);
}

#[test]
fn a_fallback_key_verifies() {
    let variables = [("NEW", "another key"), ("OLD", "secret")];
    let args = ["cookie", "verify", "--secret-key-env", "NEW", "--now", "1700000000", COOKIE];
    assert_eq!(dewar_with(&args, &variables, "").code, 1);
    let args = [&args[..], &["--fallback-key-env", "OLD"]].concat();
    let answer = dewar_with(&args, &variables, "");
    assert_eq!(answer.code, 0);
    assert!(answer.err.contains("with the fallback key b7d1698c"), "{}", answer.err);
}

/// A bad cookie: exit code 1, the verdict on the standard error, and not a byte of its contents.
#[test]
fn a_bad_cookie_gets_its_verdict() {
    let late = "refused: cookie is 2678401 seconds old, at most 2678400 are allowed";
    let early = "refused: cookie was signed 1 seconds in the future";
    let forged = "refused: signature does not match, tried key b7d1698c";
    let forgery = COOKIE.replace("eyJ2", "eyJ3");
    for (token, now, verdict) in [
        (COOKIE, "1702678401", late),
        (COOKIE, "1699999999", early),
        (&forgery, "1700000000", forged),
        ("garbage", "1700000000", "refused: no separator in the cookie"),
    ] {
        let answer = dewar(&["cookie", "verify", "--now", now, token]);
        assert_eq!((answer.code, &*answer.out), (1, ""), "{token}");
        assert!(answer.err.starts_with(&format!("dewar: {verdict}")), "{}", answer.err);
    }
}

/// Wrong use: exit code 2 and one line that names the cure.
#[test]
fn wrong_use_is_answered_in_one_line() {
    for (args, cure) in [
        (&[][..], "see dewar --help"),
        (&["frobnicate"], "see dewar --help"),
        (&["demo", "nosuch"], "count, visits, username, login, stocks, flash"),
        (&["demo", "--port", "70000"], "from 0 to 65535"),
        (&["demo", "--secret-key-env", "NO_SUCH_KEY"], "export NO_SUCH_KEY="),
        (&["secret", "--bytes", "x"], "see dewar secret --help"),
        (&["secret", "--bytes", "99999999"], "leave --bytes away"),
        (&["cookie", "decode"], "<TOKEN>"),
        (&["cookie", "decode", ""], "give it as an argument"),
        (&["cookie", "decode", "session=\x1b[2J"], "give the whole value"),
        (&["cookie", "decode", "!.b.c"], "give the whole value"),
        (&["cookie", "verify", "--secret-key-env", "NO_SUCH_KEY", "x"], "export NO_SUCH_KEY="),
        (&["cookie", "verify", "--max-age", "-1", "x"], "see dewar cookie verify --help"),
        (&["cookie", "sign", "[1]"], "give an object"),
        (&["cookie", "sign", "{"], "give an object"),
        (&["cookie", "sign", "--typed", "{\"t\":\"set\",\"v\":[]}"], "tagged JSON"),
    ] {
        let answer = dewar(args);
        assert_eq!((answer.code, &*answer.out), (2, ""), "{args:?}");
        assert!(answer.err.starts_with("dewar: "), "{args:?}: {}", answer.err);
        assert_eq!(answer.err.lines().count(), 1, "{args:?}: {}", answer.err);
        assert!(answer.err.contains(cure), "{args:?}: {}", answer.err);
        assert!(!answer.err.contains('\x1b'), "{args:?}: {:?}", answer.err);
    }
}

#[test]
fn an_empty_key_is_no_key() {
    let answer = dewar_with(&["cookie", "verify", COOKIE], &[("SECRET_KEY", " ")], "");
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("SECRET_KEY is empty: export SECRET_KEY="), "{}", answer.err);
}

#[test]
fn help_tells_the_exit_codes() {
    for args in [&["--help"][..], &["cookie", "--help"], &["cookie", "verify", "--help"]] {
        let answer = dewar(args);
        assert_eq!((answer.code, &*answer.err), (0, ""));
        assert!(answer.out.contains("Exit codes:\n  0  "), "{}", answer.out);
    }
}

/// Every tenth recorded cookie, both ways, types included.
#[test]
fn vectors_of_flask_pass_through_the_command() {
    let cases: Vec<Json> = vectors("session_cookie").into_iter().step_by(10).collect();
    for case in &cases {
        let Some(key) = case["secret_key"].as_str().filter(|key| !key.contains('\0')) else {
            continue;
        };
        let text = |field: &str| case[field].as_str().unwrap();
        if key.trim().is_empty() {
            continue;
        }
        let now = case["timestamp"].to_string();
        let variables = [("SECRET_KEY", key)];
        let signing = ["--salt", text("salt"), "--now", &now];

        let args = [&["cookie", "verify", "--typed", "--json", "-"], &signing[..]].concat();
        let verified = dewar_with(&args, &variables, text("cookie"));
        assert_eq!(verified.code, 0, "{}: {}", case["id"], verified.err);
        let typed: Json = serde_json::from_str(&verified.out).unwrap();
        assert!(same(&typed, &case["decoded"]), "{}: {}", case["id"], verified.out);

        let args = [&["cookie", "sign", "--typed", "-"], &signing[..]].concat();
        let signed = dewar_with(&args, &variables, &verified.out);
        assert_eq!(signed.code, 0, "{}: {}", case["id"], signed.err);
        if case["decode_only_exact"] == false {
            assert_eq!(signed.out.trim_end(), text("cookie"), "{}", case["id"]);
        }
    }
    assert!(cases.len() >= 24);
}

/// Typed values are equal if they stand for equal values.
fn same(ours: &Json, recorded: &Json) -> bool {
    dewar_testdata::typed::value(ours) == dewar_testdata::typed::value(recorded)
}

/// The keys of the tutorials, pasted: each is refused with the cure.
#[test]
fn a_tutorials_own_key_is_refused_with_the_cure() {
    for key in ["secret", "BAD_SECRET_KEY", "supersecretkey", "super-secret-key"] {
        for profile in ["default", "flask"] {
            let args = ["demo", "--secret-key-env", "SECRET_KEY", "--profile", profile];
            let answer = dewar_with(&args, &[("SECRET_KEY", key)], "");
            assert_eq!((answer.code, &*answer.out), (2, ""));
            let refusal = answer.err.lines().last().unwrap();
            assert!(refusal.contains("SECRET_KEY: the secret key is published"), "{refusal}");
            assert!(refusal.ends_with("generate one with `dewar secret`"), "{refusal}");
            assert!(!refusal.contains(key) || key == "secret", "{refusal}");
        }
    }
}

#[test]
fn a_taken_port_is_named_with_the_cure() {
    let demo = Demo::start(&["visits"]);
    let answer = dewar_with(&["demo", "--port", &demo.port.to_string()], &demo.state(), "");
    assert_eq!(answer.code, 2);
    let taken = format!("dewar: port {} is taken by another program: ", demo.port);
    assert!(answer.err.starts_with(&taken) && answer.err.contains("--port"), "{}", answer.err);
}

#[test]
fn the_demo_tells_where_it_is_and_what_a_cookie_promises() {
    let demo = Demo::start(&["--mode", "cookie"]);
    let site = demo.site();
    for said in [
        format!(" * Running on {site}, open:"),
        format!("   {site}/  "),
        format!("   {site}/stocks/add_stock  "),
        String::from("demo.key"),
        String::from("whoever holds it can read it"),
        String::from("Press CTRL+C to quit"),
    ] {
        assert!(demo.said.contains(&said), "{said} in\n{}", demo.said);
    }
    let start = demo.get("/", "");
    assert!(start.starts_with("HTTP/1.1 200 OK\r\n"), "{start}");
    for link in ["/count/", "/username/set_session", "/login/login", "/stocks/stocks/", "/flash/"] {
        assert!(start.contains(&format!("href=\"{link}\"")), "{link}");
        assert!(demo.get(link, "").starts_with("HTTP/1.1 200 OK\r\n"), "{link}");
    }
    let lost = demo.get("/username", "");
    assert!(lost.starts_with("HTTP/1.1 404 ") && lost.contains("/username/get_session"), "{lost}");
}

#[test]
fn each_program_of_the_demo_has_its_own_cookie() {
    let demo = Demo::start(&[]);
    for name in ["count", "visits"] {
        let answer = demo.get(&format!("/{name}/"), "");
        let cookie = answer.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
        assert!(cookie.starts_with(&format!("set-cookie: session_{name}=")), "{cookie}");
        assert!(cookie.ends_with(&format!("; HttpOnly; Path=/{name}; SameSite=Lax")), "{cookie}");
    }
}

#[test]
fn the_flask_profile_sets_flasks_cookie() {
    let demo = Demo::start(&["visits", "--profile", "flask"]);
    let answer = demo.get("/", "");
    let cookie = answer.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    assert!(cookie.starts_with("set-cookie: session=eyJ2aXNpdHMiOjF9."), "{cookie}");
    assert!(cookie.ends_with("; HttpOnly; Path=/"), "{cookie}");
    let err = demo.interrupt().err;
    assert_eq!(err.matches("the flask profile gives up").count(), 1, "{err}");
}

#[test]
fn what_the_flask_profile_gives_up_is_said_once() {
    let err = Demo::start(&["--profile", "flask"]).interrupt().err;
    assert_eq!(err.matches("the flask profile gives up").count(), 1, "{err}");
}

#[test]
fn the_key_for_development_is_kept() {
    let demo = Demo::start(&["visits"]);
    let answer = demo.get("/", "");
    let (_, rest) = answer.split_once("set-cookie: ").unwrap();
    let cookie = rest.split(';').next().unwrap().to_owned();
    let again = demo.restart(&["visits"]);
    assert!(again.get("/", &cookie).ends_with("Visit count: 2"));
    assert!(again.get("/", "").ends_with("Visit count: 1"));
}

/// `127.0.0.1 - - [02/Jul/2021 14:03:08] "POST /add_stock HTTP/1.1" 302 -`
#[test]
fn requests_are_logged_as_the_chapter_shows() {
    let demo = Demo::start(&["stocks"]);
    let stock = "stock_symbol=AAPL&number_of_shares=15&purchase_price=302.17";
    let answer = demo.post("/add_stock", stock);
    assert!(answer.starts_with("HTTP/1.1 302 Found\r\n"), "{answer}");
    assert!(answer.contains("location: /stocks/\r\n"), "{answer}");
    demo.get("/%1b[31m?%0a", "");
    let ended = demo.interrupt();
    let lines: Vec<_> = ended.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ended.err);
    for (line, end) in lines
        .iter()
        .zip(["] \"POST /add_stock HTTP/1.1\" 302 -", "] \"GET /%1B[31m?%0A HTTP/1.1\" 404 -"])
    {
        let (start, time) = line.split_at("127.0.0.1 - - [".len());
        assert_eq!(start, "127.0.0.1 - - [");
        assert_eq!(&time[20..], end);
        let shape: String =
            time[..20].chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        let month = &shape[3..6];
        assert!("JanFebMarAprMayJunJulAugSepOctNovDec".contains(month), "{line}");
        assert_eq!(shape.replace(month, "Jul"), "00/Jul/0000 00:00:00");
    }
}

#[test]
fn verbose_tells_each_verdict() {
    let demo = Demo::start(&["visits", "--verbose"]);
    demo.get("/", "session=forged.ZVPxAA.forged");
    let err = demo.interrupt().err;
    assert!(err.contains("the signature does not match"), "{err}");
}

#[test]
fn ctrl_c_ends_the_demo_at_once() {
    let demo = Demo::start(&[]);
    // One connection that was used and is kept, one that never said a word: browsers hold both.
    let _kept = demo.keep_alive("/");
    let _silent = demo.connect();
    let ended = demo.interrupt();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.took.as_millis() < 1000, "{:?}", ended.took);
}
