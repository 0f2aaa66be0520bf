//! The real Flask answers as the vectors recorded it, so the oracle itself can be trusted.

use dewar_testdata::{flask::Flask, vectors};
use serde_json::{Value as Json, json};

#[test]
fn flask_signs_every_recorded_session_to_the_recorded_cookie() {
    let Some(mut flask) = Flask::start() else { return };
    let cases = recorded();
    let questions: Vec<Json> = cases.iter().map(|case| question("sign", case, "payload")).collect();
    for (case, answer) in cases.iter().zip(flask.ask_all(&questions)) {
        assert_eq!(answer["cookie"], case["cookie"], "{case}");
        assert_eq!(answer["json_text"], case["json_text"], "{case}");
    }
}

#[test]
fn flask_opens_every_recorded_cookie_to_the_recorded_session() {
    let Some(mut flask) = Flask::start() else { return };
    let cases = recorded();
    let questions: Vec<Json> = cases.iter().map(|case| question("open", case, "cookie")).collect();
    for (case, answer) in cases.iter().zip(flask.ask_all(&questions)) {
        assert_eq!(answer["value"], case["decoded"], "{case}");
    }
}

#[test]
fn flask_refuses_what_it_refused_and_says_what_an_application_sees() {
    let Some(mut flask) = Flask::start() else { return };
    let sent_as_text = |case: &Json| case["token_latin1"].as_str().is_some_and(str::is_ascii);
    let cases: Vec<Json> = vectors("reject").into_iter().filter(sent_as_text).collect();
    let questions: Vec<Json> = cases.iter().map(reject_question).collect();
    for (case, answer) in cases.iter().zip(flask.ask_all(&questions)) {
        assert_eq!(answer["error"], case["error"]["class"], "{case}");
        if case["result"] == "error" {
            assert_eq!(answer["flask"], case["flask"], "{case}");
        }
    }
}

#[test]
fn random_sessions_are_the_same_for_the_same_seed() {
    let Some(mut flask) = Flask::start() else { return };
    let mut cases = |seed| flask.ask(&json!({"op": "random", "seed": seed, "count": 300}));
    let first = cases(7);
    assert_eq!(first["cases"].as_array().map(Vec::len), Some(300));
    assert_eq!(first, cases(7));
    assert_ne!(first, cases(8));
}

#[test]
fn a_refused_value_is_an_answer_not_an_end() {
    let Some(mut flask) = Flask::start() else { return };
    let answer = flask.ask(&json!({"op": "sign", "value": {"t": "complex", "v": "1j"}}));
    assert_eq!(answer["error"], "TypeError");
    assert!(flask.ask(&json!({"op": "versions"}))["python"].is_string());
}

fn recorded() -> Vec<Json> {
    let text_key = |case: &Json| case["secret_key"].is_string();
    vectors("session_cookie").into_iter().filter(text_key).collect()
}

fn question(operation: &str, case: &Json, input: &str) -> Json {
    json!({
        "op": operation,
        "secret": case["secret_key"],
        "fallbacks": case["fallback_keys"],
        "now": case["timestamp"],
        "max_age": null,
        "value": case[input],
        "cookie": case[input],
    })
}

fn reject_question(case: &Json) -> Json {
    json!({
        "op": "open",
        "secret": case["secret_key"],
        "now": case["now"],
        "max_age": case["max_age"],
        "cookie": case["token_latin1"],
    })
}
