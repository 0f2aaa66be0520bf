//! Real Flask and dewar read each other's sessions, tens of thousands of random ones.
//!
//! `DEWAR_CASES` and `DEWAR_SEED` give another number of cases each way and other chance.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod checks;

use axum::{Router, routing::get};
use checks::{
    KEY, NOW, Seen, cookies, flask,
    random::{Random, setting},
    signed, visit,
};
use dewar::{DateTime, Dict, ManualClock, Session, Value, Verdict};
use dewar_signing::{Codec, TaggedJson};
use dewar_testdata::{flask::Flask, typed};
use serde_json::{Value as Json, json};

/// Cases in each direction.
const CASES: u64 = 15_000;
const BATCH: u64 = 500;

/// Announced, so that a failure can be repeated.
fn seed_and_batches() -> (u64, u64) {
    let (seed, cases) = (setting("DEWAR_SEED", 20_231_114), setting("DEWAR_CASES", CASES));
    println!("DEWAR_SEED={seed} DEWAR_CASES={cases}");
    (seed, cases.div_ceil(BATCH))
}

#[test]
fn what_flask_made_opens_here_and_is_made_again_to_the_byte() {
    let Some(mut python) = Flask::start() else { return };
    let (seed, batches) = seed_and_batches();
    let seen = Seen::default();
    let noted = seen.clone();
    let resign = move |session: Session| async move {
        noted.note(&session);
        session.set_modified(true);
    };
    let sessions = flask("secret").max_cookie_size(0).clock(ManualClock::at_unix(NOW));
    let app = Router::new().route("/", get(resign)).layer(sessions.build().unwrap());
    let (mut opened, mut not_for_rust, mut to_the_byte) = (0, 0, 0);
    for batch in 0..batches {
        // Lone surrogates are in one batch of ten: they are all that Rust cannot hold.
        let wide = batch % 10 == 9;
        let extra = if wide { json!(["nonfinite", "surrogates"]) } else { json!(["nonfinite"]) };
        let question =
            json!({"op": "random", "seed": seed + batch, "count": BATCH, "extra": extra});
        let answer = python.ask(&question);
        let cases = answer["cases"].as_array().expect("cases");
        for (case, again) in cases.iter().zip(written_again(&mut python, cases)) {
            let cookie = case["cookie"].as_str().expect("a cookie");
            let reply = visit(&app, "/", Some(&format!("session={cookie}")));
            let (verdict, contents) = seen.take().expect("the handler ran");
            let Some(Value::Dict(expected)) = typed::value(&case["decoded"]) else {
                let surrogate = "lone surrogate";
                let refused = matches!(&verdict, Verdict::WrongFormat { reason } if reason.contains(surrogate));
                assert!(refused && contents.is_empty(), "{verdict}: {case}");
                not_for_rust += 1;
                continue;
            };
            assert!(verdict.is_live(), "{verdict}: {case}");
            assert_eq!(contents, expected, "{case}");
            // `None` is rare: two lone surrogates that the wire joins to a character.
            if let Some(value) = typed::value(&case["value"]) {
                assert_eq!(TaggedJson.write(&value).unwrap(), case["json_text"], "{case}");
            }
            opened += 1;
            let ours = reply.token().expect("every session is written again");
            if expected.is_empty() {
                assert_eq!(ours, "", "an empty session is removed");
                continue;
            }
            let theirs = again["cookie"].as_str().expect("a cookie");
            to_the_byte += u64::from(ours == theirs);
            assert!(
                cookies::same_line("secret", &line(&ours), &line(theirs)),
                "made {ours} of {case}"
            );
        }
    }
    println!("{opened} opened, {to_the_byte} made again to the byte, {not_for_rust} not for Rust");
    let cases = opened + not_for_rust;
    assert!(cases >= batches * BATCH, "{cases} cases");
    assert!(not_for_rust * 10 < cases, "{not_for_rust} sessions are not for Rust");
    // Long ones are compressed, by another zlib than Python's: their text is the same.
    assert!(to_the_byte * 10 > cases, "{to_the_byte} cookies are the same");
}

/// What Flask itself writes of what it read; years below 100 are no longer the same.
fn written_again(python: &mut Flask, cases: &[Json]) -> Vec<Json> {
    let question = |case: &Json| json!({"op": "sign", "value": case["decoded"]});
    python.ask_all(&cases.iter().map(question).collect::<Vec<_>>())
}

fn line(token: &str) -> String {
    format!("session={token}; Path=/")
}

#[test]
fn what_is_made_here_opens_in_flask() {
    let Some(mut python) = Flask::start() else { return };
    let (seed, batches) = seed_and_batches();
    let mut random = Random::new(seed);
    let mut opened = 0;
    for _ in 0..batches {
        let sessions: Vec<Dict> = (0..BATCH).map(|_| random.session()).collect();
        let question = |session: &Dict| json!({"op": "open", "cookie": made(session)});
        let questions: Vec<Json> = sessions.iter().map(question).collect();
        let answers = python.ask_all(&questions);
        for ((session, question), answer) in sessions.iter().zip(&questions).zip(answers) {
            let read = typed::value(&answer["value"]);
            let expected = as_flask_reads(Value::Dict(session.clone()));
            assert_eq!(read, Some(expected), "{session:?} as {question}: {answer}");
            opened += 1;
        }
    }
    println!("{opened} opened in Flask");
    assert!(opened >= batches * BATCH);
}

/// The cookie of a request that sets all this.
fn made(session: &Dict) -> String {
    let session = session.clone();
    let write = move |handle: Session| async move {
        for (key, value) in session.iter() {
            handle.set(key, value.clone());
        }
    };
    let sessions = flask("secret").max_cookie_size(0).clock(ManualClock::at_unix(NOW));
    let app = Router::new().route("/", get(write)).layer(sessions.build().unwrap());
    visit(&app, "/", None).token().expect("a cookie")
}

/// The wire knows one kind of time: UTC, and years below 100 are taken for the last or this
/// century by the date parser of Python.
fn as_flask_reads(value: Value) -> Value {
    let all = |items: Vec<Value>| items.into_iter().map(as_flask_reads).collect();
    match value {
        Value::DateTime(time) => {
            let utc = DateTime::from_unix(time.unix_seconds()).expect("within the years");
            let (year, month, day, hour, minute, second) = utc.civil();
            let year = match year {
                0..=68 => year + 2000,
                69..=99 => year + 1900,
                _ => year,
            };
            let civil = (year, month, day, hour, minute, second);
            // 29 February of a year that has one, in a year that has none, is no date: null.
            DateTime::from_civil(civil, Some(0)).map_or(Value::Null, Value::DateTime)
        }
        Value::List(items) => Value::List(all(items)),
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::Dict(dict) => {
            Value::Dict(dict.into_iter().map(|(key, value)| (key, as_flask_reads(value))).collect())
        }
        other => other,
    }
}

#[test]
fn a_flask_peer_carries_the_moment_a_session_began() {
    let Some(mut python) = Flask::start() else { return };
    let seen = Seen::default();
    let clock = ManualClock::at_unix(NOW);
    let sessions = signed().clock(clock.clone()).build().unwrap();
    let begin = get(async |session: Session| session.set("a", 1));
    let app = seen.router().route("/begin", begin).layer(sessions);
    let ours = visit(&app, "/begin", None).token().expect("a cookie");

    // A Flask view sets a key, 30 minutes later.
    let later = NOW + 1800;
    let read = python.ask(&json!({"op": "open", "secret": KEY, "now": later, "cookie": ours}));
    let mut session = read["value"].clone();
    assert!(session.to_string().contains("_created"), "{session}");
    session["v"].as_array_mut().unwrap().push(json!(["b", {"t": "int", "v": "2"}]));
    let answer = python.ask(&json!({"op": "sign", "secret": KEY, "now": later, "value": session}));
    let theirs = format!("session={}", answer["cookie"].as_str().expect("a cookie"));

    clock.set_unix(later);
    visit(&app, "/", Some(&theirs));
    let (verdict, contents) = seen.take().unwrap();
    assert!(verdict.is_live(), "{verdict}");
    assert_eq!(contents, Dict::from([("a", 1), ("b", 2)]));

    // Flask signs it day after day; seven days after its first day it ends all the same.
    for (at, ended) in [(NOW + 7 * 86_400, false), (NOW + 7 * 86_400 + 1, true)] {
        let again = json!({"op": "sign", "secret": KEY, "now": at, "value": session});
        let again = python.ask(&again)["cookie"].as_str().unwrap().to_owned();
        clock.set_unix(at);
        visit(&app, "/", Some(&format!("session={again}")));
        let (verdict, _) = seen.take().unwrap();
        assert_eq!(matches!(verdict, Verdict::Expired { .. }), ended, "{verdict}");
    }
}

#[test]
fn any_value_is_a_fixed_point_of_writing_and_reading() {
    let mut random = Random::new(setting("DEWAR_SEED", 20_231_114));
    for _ in 0..10_000 {
        let session = Value::Dict(random.session());
        let once = TaggedJson.write(&session).expect("writable");
        let read = TaggedJson.read(&once).expect("our own text");
        assert_eq!(read, as_flask_reads(session), "{once}");
        let twice = TaggedJson.write(&read).expect("writable");
        assert_eq!(TaggedJson.read(&twice).expect("our own text"), read, "{once}");
    }
}

/// Where two shortest forms are equally near, and at powers of two, printers of floats differ.
#[test]
fn floats_are_written_as_python_writes_them() {
    let Some(mut python) = Flask::start() else { return };
    let (seed, batches) = seed_and_batches();
    let mut random = Random::new(seed);
    for _ in 0..batches {
        let mut floats: Vec<f64> = (0..400)
            .map(|_| {
                let whole = (random.next() >> (10 + random.below(8))) as f64;
                whole / f64::from(1_u32 << random.below(8))
            })
            .collect();
        floats.extend((0..100).map(|_| 2_f64.powi(random.below(2098) as i32 - 1074)));
        let list = Value::List(floats.iter().map(|&float| float.into()).collect());
        let typed =
            |float: &f64| json!({"t": "float", "bits": format!("{:016x}", float.to_bits())});
        let typed: Vec<Json> = floats.iter().map(typed).collect();
        let answer = python.ask(&json!({"op": "sign", "value": {"t": "list", "v": typed}}));
        let (ours, theirs) =
            (TaggedJson.write(&list).unwrap(), answer["json_text"].as_str().unwrap());
        for (ours, theirs) in ours.split(',').zip(theirs.split(',')) {
            assert_eq!(ours, theirs);
        }
    }
}
