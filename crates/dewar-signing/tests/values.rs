//! Values: between Rust, serde, Python's text and JSON.

mod any;

use std::collections::BTreeMap;

use any::any_value;
use dewar_signing::{
    BigInt, Codec, DateTime, Dict, FromValue, Json, TaggedJson, Uuid, Value, from_value, to_value,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

proptest! {
    #[test]
    fn tagged_json_gives_every_value_back(value in any_value()) {
        let text = TaggedJson.write(&value)?;
        prop_assert!(text.is_ascii());
        prop_assert_eq!(TaggedJson.read(&text)?, value);
    }

    #[test]
    fn serde_gives_every_value_back_to_its_own_type(value in any_value()) {
        prop_assert_eq!(to_value(&value)?, value);
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in any::<String>(), json in "[\\[\\]{}\", tdbmu:0-9eE+.\\\\-]{0,40}") {
        for text in [text, json] {
            let _ = (TaggedJson.read(&text), Json::COMPACT.read(&text));
        }
    }

    #[test]
    fn floats_read_back_as_the_same_bits(bits in any::<u64>()) {
        let float = Value::Float(f64::from_bits(bits));
        prop_assert_eq!(Json::SPACED.read(&Json::SPACED.write(&float)?)?, float);
    }

    #[test]
    fn every_second_of_the_calendar_reads_back(s in -62_135_596_800_i64..253_402_300_800) {
        let moment = DateTime::from_unix(s).expect("in range");
        prop_assert_eq!(DateTime::from_civil(moment.civil(), Some(0)), Some(moment));
        prop_assert_eq!(DateTime::from_iso(&format!("{}Z", moment.to_iso())), Some(moment));
    }
}

#[test]
fn a_struct_becomes_a_dict_and_comes_back() {
    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    enum Plan {
        Free,
        Paid(u8),
        Team { seats: u16 },
    }

    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    struct Visitor {
        name: String,
        age: Option<u8>,
        scores: Vec<f32>,
        place: (i32, char),
        id: Uuid,
        since: DateTime,
        seen: BTreeMap<u32, bool>,
        plans: Vec<Plan>,
        huge: u64,
    }

    let visitor = Visitor {
        name: "Ada".into(),
        age: None,
        scores: vec![0.5, 2.0],
        place: (-3, 'x'),
        id: Uuid::from_bytes([7; 16]),
        since: DateTime::from_unix(1_700_000_000).unwrap(),
        seen: BTreeMap::from([(17, true)]),
        plans: vec![Plan::Free, Plan::Paid(2), Plan::Team { seats: 300 }],
        huge: u64::MAX,
    };
    let value = to_value(&visitor).unwrap();
    let text = TaggedJson.write(&value).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"age":null,"huge":18446744073709551615,"id":{" u":"07070707070707070707070707070707"},"#,
            r#""name":"Ada","place":{" t":[-3,"x"]},"#,
            r#""plans":["Free",{"Paid":2},{"Team":{"seats":300}}],"scores":[0.5,2.0],"#,
            r#""seen":{"17":true},"since":{" d":"Tue, 14 Nov 2023 22:13:20 GMT"}}"#
        )
    );
    let Value::Dict(mut dict) = TaggedJson.read(&text).unwrap() else { panic!("a dict") };
    // JSON's keys are text; a map of integers is the one thing that has to be asked for otherwise.
    dict.insert("seen", Dict::new());
    let back: Visitor = from_value(Value::Dict(dict)).unwrap();
    assert_eq!(back, Visitor { seen: BTreeMap::new(), ..visitor });
}

#[test]
fn python_text_is_what_str_prints() {
    let cases: &[(Value, &str)] = &[
        (Value::Null, "None"),
        (true.into(), "True"),
        (1e20.into(), "1e+20"),
        (1e16.into(), "1e+16"),
        (123_456_789.125.into(), "123456789.125"),
        (1e-5.into(), "1e-05"),
        ((-0.0).into(), "-0.0"),
        (f64::NAN.into(), "nan"),
        ("it's".into(), "it's"),
        (Value::List(vec!["it's".into(), "a\"b'".into(), 1.into()]), r#"["it's", 'a"b\'', 1]"#),
        (Value::Tuple(vec![Value::Null]), "(None,)"),
        (Value::Bytes(b"a\x00'\xff".to_vec()), r#"b"a\x00'\xff""#),
        (Value::List(vec![Value::Markup("<b>".into())]), "[Markup('<b>')]"),
        (Dict::from([("k", 1)]).into(), "{'k': 1}"),
        (DateTime::from_unix(0).unwrap().into(), "1970-01-01 00:00:00+00:00"),
        (Uuid::from_bytes([1; 16]).into(), "01010101-0101-0101-0101-010101010101"),
    ];
    for (value, text) in cases {
        assert_eq!(value.to_python_text(), *text);
    }
}

#[test]
fn values_are_equal_when_they_are_written_alike() {
    assert_eq!(Value::from(f64::NAN), Value::from(-f64::NAN));
    assert_ne!(Value::from(0.0), Value::from(-0.0));
    assert_ne!(Value::from(1), Value::from(1.0));
    assert_ne!(Value::from("x"), Value::Markup("x".into()));
    assert_ne!(Value::List(vec![]), Value::Tuple(vec![]));
    let (one, other) = (Dict::from([("a", 1), ("b", 2)]), Dict::from([("b", 2), ("a", 1)]));
    assert_eq!(one, other, "a mapping has no order");
    assert_eq!(u64::MAX.to_string(), Value::from(u64::MAX).to_python_text());
}

#[test]
fn a_dict_keeps_order_and_the_last_of_two_equal_keys() {
    let pairs = [("b", 1), ("a", 2), ("b", 3)].map(|(key, value)| (key.to_owned(), value.into()));
    let mut dict: Dict = pairs.into_iter().collect();
    assert_eq!(Json::COMPACT.write(&dict.clone().into()).unwrap(), r#"{"b":3,"a":2}"#);
    assert_eq!(dict.insert("a", 5), Some(2.into()));
    assert_eq!(dict.insert("c", 6), None);
    assert_eq!(dict.remove("b"), Some(3.into()));
    assert_eq!(dict.keys().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(TaggedJson.write(&dict.into()).unwrap(), r#"{"a":5,"c":6}"#);
}

#[test]
fn only_fitting_values_convert() {
    assert_eq!(i64::from_value(7.into()), Ok(7));
    assert_eq!(i64::from_value(7.0.into()), Err(7.0.into()));
    assert_eq!(i64::from_value(u64::MAX.into()), Err(u64::MAX.into()));
    assert_eq!(f64::from_value(7.into()), Ok(7.0));
    assert_eq!(Option::<bool>::from_value(Value::Null), Ok(None));
    let mixed = Value::List(vec![1.into(), "x".into()]);
    assert_eq!(Vec::<i64>::from_value(mixed.clone()), Err(mixed));
    assert!(from_value::<u8>(300.into()).is_err());
}

#[test]
fn numbers_and_dates_out_of_range_are_refused() {
    assert_eq!(BigInt::parse("12"), None, "it fits 64 bits");
    assert_eq!(BigInt::parse(&"9".repeat(4301)), None);
    assert_eq!(
        BigInt::parse("-00018446744073709551616").unwrap().as_str(),
        "-18446744073709551616"
    );
    assert_eq!(DateTime::from_civil((2023, 2, 29, 0, 0, 0), None), None);
    assert_eq!(DateTime::from_unix(253_402_300_800), None, "the year 10000");
    assert_eq!(DateTime::from_iso("2023-01-02 03:04:05"), None);
    // The first day of the calendar, east of Greenwich, is before it in UTC.
    let first = DateTime::from_civil((1, 1, 1, 0, 0, 0), Some(3600)).unwrap();
    assert_eq!(first.to_http_date(), None);
    assert!(TaggedJson.write(&first.into()).is_err());
}

#[test]
fn nesting_stops_at_the_limit_on_a_small_stack() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let work = move || {
        assert!(TaggedJson.read(&nested(dewar_signing::MAX_DEPTH)).is_ok());
        assert!(TaggedJson.read(&nested(dewar_signing::MAX_DEPTH + 1)).is_err());
        assert!(TaggedJson.read(&nested(1_000_000)).is_err());
        let deep =
            (0..dewar_signing::MAX_DEPTH).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        assert!(TaggedJson.write(&deep).is_ok());
        assert!(TaggedJson.write(&Value::List(vec![deep])).is_err());
    };
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap();
    thread.join().unwrap();
}
