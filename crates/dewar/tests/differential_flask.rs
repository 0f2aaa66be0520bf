//! Real Flask and dewar read each other's sessions, tens of thousands of random ones.
//!
//! `DEWAR_CASES` and `DEWAR_SEED` give another number of cases each way and other chance.

mod checks;

use axum::{Router, routing::get};
use checks::{
    KEY, NOW, Real, Seen, cookies, flask,
    random::{Random, setting},
    signed, visit,
};
use dewar::{DateTime, Dict, KeyRing, ManualClock, Session, Value, Verdict};
use dewar_signing::{Codec, TaggedJson};
use dewar_testdata::{flask::Flask, typed};
use serde_json::{Value as Json, json};

/// Cases in each direction.
const CASES: u64 = 10_500;
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
        let extra = if batch % 10 == 9 { json!(["nonfinite", "surrogates"]) } else { json!(["nonfinite"]) };
        let question = json!({"op": "random", "seed": seed + batch, "count": BATCH, "extra": extra});
        for case in python.ask(&question)["cases"].as_array().expect("cases") {
            let cookie = case["cookie"].as_str().expect("a cookie");
            let reply = visit(&app, "/", Some(&format!("session={cookie}")));
            let (verdict, contents) = seen.take().expect("the handler ran");
            let Some(Value::Dict(expected)) = typed::value(&case["decoded"]) else {
                let refused = matches!(&verdict, Verdict::WrongFormat { reason } if reason.contains("surrogate"));
                assert!(refused && contents.is_empty(), "{verdict}: {case}");
                not_for_rust += 1;
                continue;
            };
            assert!(verdict.is_live(), "{verdict}: {case}");
            assert_eq!(contents, expected, "{case}");
            opened += 1;
            let Some(again) = reply.token().filter(|token| !token.is_empty()) else {
                assert!(expected.is_empty(), "not written again: {case}");
                continue;
            };
            // What Flask read is what it would write: only then the text is the same again.
            let (ours, _) = cookies::opened("secret", &again).expect("our own token");
            assert_eq!(ours, rewritten(&expected), "{case}");
            if again == cookie {
                to_the_byte += 1;
            } else {
                assert!(excused(case, cookie, &again, &ours), "made {again} of {case}");
            }
        }
    }
    println!("{opened} opened, {to_the_byte} made again to the byte, {not_for_rust} not for Rust");
    let cases = opened + not_for_rust;
    assert!(cases >= batches * BATCH && not_for_rust * 50 < cases && to_the_byte * 10 > cases * 7);
}
