//! Tagged JSON against real Flask's text, both ways.

use dewar_signing::{Codec, TaggedJson};
use dewar_testdata::{typed, vectors};

/// What Flask accepts and dewar refuses, on purpose (COMPATIBILITY.md): id and reason.
const REFUSED: &[(&str, &str)] =
    &[("tagged_json-0264", "a lone surrogate"), ("tagged_json-0265", "a lone surrogate")];

#[test]
fn vectors_tagged_json_encodes_to_the_same_text() {
    let mut checked = 0;
    for case in vectors("tagged_json").iter().filter(|case| case["kind"] == "encode") {
        // Sets, Decimals and the like have no session value: Rust's types refuse them earlier.
        let Some(value) = typed::value(&case["value"]) else { continue };
        let text = TaggedJson.write(&value);
        assert_eq!(text.ok().as_deref(), case["text"].as_str(), "{}", case["id"]);
        checked += 1;
    }
    assert!(checked > 180, "only {checked} cases could be checked");
}

#[test]
fn vectors_tagged_json_decodes_to_equal_values() {
    for case in vectors("tagged_json") {
        // An encode case without a text is one that Flask refuses to write.
        let Some(text) = case["text"].as_str() else { continue };
        let refused = REFUSED.iter().any(|(id, _)| case["id"] == *id);
        let value = TaggedJson.read(text);
        if refused || case["error"].is_object() {
            assert!(value.is_err(), "{} must be refused", case["id"]);
            continue;
        }
        assert_eq!(value.ok(), typed::value(&case["decoded"]), "{}: {text}", case["id"]);
    }
}
