//! What stays text reads and writes as if it had been read.

mod any;

use any::any_value;
use dewar_signing::{Codec, Dict, LazyDict, PayloadError, TaggedJson, Value};
use dewar_testdata::vectors;
use proptest::prelude::*;

type Read = Result<Result<LazyDict, Value>, PayloadError>;
type Reader = fn(String) -> Read;

/// Compares a lazy reader with the one that reads everything; says what differs.
fn differs(read_dict: Reader, text: &str) -> Option<String> {
    let (eager, lazy) = (TaggedJson.read(text), read_dict(text.to_owned()));
    match (eager, lazy) {
        (Err(eager), Err(lazy)) if eager.to_string() == lazy.to_string() => None,
        (Ok(Value::Dict(eager)), Ok(Ok(lazy))) => members_differ(&eager, &lazy),
        (Ok(eager), Ok(Err(lazy))) if eager == lazy => None,
        (eager, lazy) => Some(format!("{eager:?}, lazily {lazy:?}")),
    }
}

fn members_differ(eager: &Dict, lazy: &LazyDict) -> Option<String> {
    let text = TaggedJson.write(&Value::Dict(eager.clone())).map_err(|error| error.to_string());
    let as_it_lies = TaggedJson.write_members(lazy.iter()).map_err(|error| error.to_string());
    let keys = (0..lazy.len()).filter_map(|i| lazy.key(i)).collect::<Vec<_>>();
    let sound = [
        ("count", lazy.len() == eager.len() && lazy.is_empty() == eager.is_empty()),
        ("order", keys.is_sorted()),
        ("values", lazy.to_dict() == *eager),
        (
            "one value",
            eager.iter().all(|(k, v)| lazy.get(k).map(|l| l.to_value()).as_ref() == Some(v)),
        ),
        ("equality", *lazy == LazyDict::from(eager.clone())),
        ("text", as_it_lies == text),
    ];
    let what = sound.iter().find(|(_, sound)| !sound)?.0;
    Some(format!("{what}: {text:?}, lazily {as_it_lies:?}"))
}

fn ours(text: String) -> Read {
    TaggedJson.read_dict(text)
}

#[track_caller]
fn judge(text: &str) {
    if let Some(difference) = differs(ours, text) {
        panic!("{text}: {difference}");
    }
}

/// Texts that are nearly as Flask writes them.
const NEARLY: &[&str] = &[
    "{}",
    " {}",
    "{} ",
    "{ }",
    "[]",
    "null",
    "",
    "{",
    "{\"",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{,}",
    "{\"a\":1}}",
    "{\"a\":1} x",
    "{\"a\":1,\"a\":2}",
    "{\"b\":1,\"a\":2}",
    "{\"\":1}",
    "{\"\":1,\"a\":2}",
    "{\"a\":1,\"\":2}",
    "{\"a\" :1}",
    "{\"a\": 1}",
    "{\"a\":1 }",
    "{\"a\":-0}",
    "{\"a\":-1}",
    "{\"a\":01}",
    "{\"a\":0}",
    "{\"a\":00}",
    "{\"a\":-}",
    "{\"a\":1.5}",
    "{\"a\":1.50}",
    "{\"a\":1.}",
    "{\"a\":1e5}",
    "{\"a\":1E+5}",
    "{\"a\":.5}",
    "{\"a\":+1}",
    "{\"a\":999999999999999999}",
    "{\"a\":9999999999999999999}",
    "{\"a\":-999999999999999999}",
    "{\"a\":true}",
    "{\"a\":nul}",
    "{\"a\":trues}",
    "{\"a\":NaN}",
    "{\"a\":-Infinity}",
    "{\"a\":nullx}",
    "{\"a\":\"\\u0041\"}",
    "{\"a\":\"\\/\"}",
    "{\"a\":\"\u{e9}\"}",
    "{\"a\":\"\u{7f}\"}",
    "{\"a\":\"\n\"}",
    "{\"a\":\"x}",
    "{\"\\u0061\":1}",
    "{\"\u{e9}\":1,\"a\":2}",
    "{\"a\":[1, 2]}",
    "{\"a\":[1,2]}",
    "{\"a\":[1,]}",
    "{\"a\":[]}",
    "{\"a\":[ ]}",
    "{\"a\":{}}",
    "{\"a\":{\"y\":1,\"x\":2}}",
    "{\"a\":{\"x\":1,\"y\":[{}]}}",
    "{\"a\":{\" t\":[1]}}",
    "{\"a\":{\" t\":1}}",
    "{\" t\":[1]}",
    "{\" t\":[1],\"a\":1}",
    "{\" di\":{\" t__\":1}}",
    "{\"a\":{\" u\":\"no\"}}",
    "{\"a\":{\" x\":1}}",
    "{\" x\":1}",
    "{\"a\":{\"\\u0020t\":[1]}}",
    "{\"a\":{\"x\":1,\"x\":2}}",
    "{\"_\":1,\"a\":1,\"~\":1}",
];

#[test]
fn what_is_nearly_as_flask_writes_it_reads_and_writes_alike() {
    NEARLY.iter().for_each(|text| judge(text));
    for text in NEARLY {
        judge(&format!("{{\"k\":{text}}}"));
        judge(&format!("{{\"k\":{text},\"z\":1}}"));
    }
    for depth in 120..135 {
        judge(&format!("{{\"k\":{}1{}}}", "[".repeat(depth), "]".repeat(depth)));
        judge(&format!("{}1{}", "{\"k\":".repeat(depth), "}".repeat(depth)));
    }
}

#[test]
fn vectors_of_tagged_json_read_and_write_alike_lazily() {
    let vectors = vectors("tagged_json");
    let texts = vectors.iter().filter_map(|case| case["text"].as_str());
    let judged = texts.inspect(|text| judge(text)).count();
    assert!(judged > 180, "only {judged}");
}

proptest! {
    #[test]
    fn any_dict_reads_and_writes_alike(members in prop::collection::vec((any::<String>(), any_value()), 0..6)) {
        let text = TaggedJson.write(&Value::Dict(members.into_iter().collect()))?;
        judge(&text);
    }

    #[test]
    fn any_soup_reads_and_writes_alike(json in "[\\[\\]{}\", tdbmu:0-9eE+.\\\\-]{0,40}") {
        judge(&json);
        judge(&format!("{{\"a\":{json}}}"));
        judge(&format!("{{\"a\":\"{json}\"}}"));
        judge(&format!("{{\"a\":1,\"{json}\":2}}"));
    }

    #[test]
    fn changes_are_those_of_a_dict(
        members in prop::collection::vec((any::<String>(), any_value()), 0..6),
        key in "[a-c]",
        value in any_value(),
    ) {
        let mut dict: Dict = members.into_iter().collect();
        let text = TaggedJson.write(&Value::Dict(dict.clone()))?;
        let mut lazy = TaggedJson.read_dict(text)?.expect("it is a dict");
        lazy.insert(&key, value.clone());
        dict.insert(key.as_str(), value);
        prop_assert_eq!(members_differ(&dict, &lazy), None);
        for key in dict.keys().map(str::to_owned).collect::<Vec<_>>() {
            prop_assert_eq!(lazy.remove(&key), dict.remove(&key));
            prop_assert_eq!(members_differ(&dict, &lazy), None);
        }
    }
}

#[test]
fn members_that_do_not_ascend_are_refused() {
    let dict = LazyDict::from(Dict::from([("a", 1), ("b", 2)]));
    let backwards = [1, 0, 0].map(|i| dict.nth(i).expect("there are two"));
    assert!(TaggedJson.write_members(backwards[..2].iter().copied()).is_err());
    assert!(TaggedJson.write_members(backwards[1..].iter().copied()).is_err());
}

#[test]
fn a_value_under_another_key_is_written_under_that() {
    let dict = TaggedJson.read_dict("{\"a\":1}".into()).expect("sound").expect("a dict");
    let (_, value) = dict.nth(0).expect("there is one");
    let text = TaggedJson.write_members([("b", value), ("cc", value)]);
    assert_eq!(text.ok().as_deref(), Some("{\"b\":1,\"cc\":1}"));
    let tag = TaggedJson.write_members([(" t", value)]);
    assert_eq!(tag.ok().as_deref(), Some("{\" di\":{\" t__\":1}}"));
}

#[test]
fn a_lazy_reader_that_is_wrong_is_noticed() {
    let wrong: [(&str, Reader); 4] = [
        ("takes what is no JSON", |text| TaggedJson.read_dict(text.trim_end_matches('x').into())),
        ("forgets a sign", |text| TaggedJson.read_dict(text.replace(":-1", ":1"))),
        ("resolves no tag", |text| TaggedJson.read_dict(text.replace("{\" t\":[1]}", "[1]"))),
        ("loses the last of two keys", |text| TaggedJson.read_dict(text.replace("1,\"a\":2", "1"))),
    ];
    for (what, read) in wrong {
        assert!(NEARLY.iter().any(|text| differs(read, text).is_some()), "{what}");
    }
}
