//! The records of Flask-Session, read and written: the recorded cases, the real msgspec, any bytes.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    thread,
};

use dewar_signing::{Dict, Value};
use dewar_stores::flask_session::{Contents, Format, Unreadable, Unwritable, write};
use dewar_testdata::{tool, typed, unhex, vectors};
use proptest::{prelude::*, strategy::ValueTree};
use serde_json::{Value as Json, json};

const FORMATS: [(&str, Format); 2] = [("msgpack", Format::MsgPack), ("json", Format::Json)];

fn format(name: &Json) -> Format {
    FORMATS.into_iter().find(|(known, _)| name == known).unwrap().1
}

fn dict(value: Value) -> Dict {
    let Value::Dict(dict) = value else { panic!("no dict: {value:?}") };
    dict
}

/// What the wire of dewar cannot carry: fractions of a second, and types it does not know.
fn is_ours(typed: &Json) -> bool {
    match typed["t"].as_str() {
        Some("datetime") => !typed["v"].as_str().unwrap().contains('.'),
        Some("list" | "tuple") => typed["v"].as_array().unwrap().iter().all(is_ours),
        Some("dict") => typed["v"].as_array().unwrap().iter().all(|member| is_ours(&member[1])),
        Some("set" | "date" | "time" | "decimal" | "timedelta" | "complex") => false,
        _ => true,
    }
}

#[test]
fn every_recorded_session_is_written_and_read_as_flask_session_does() {
    let (mut written, mut read, mut refused, mut kept) = (0, 0, 0, 0);
    for case in vectors("flask_session") {
        if case["kind"] != "encode" {
            continue;
        }
        let (id, format) = (&case["id"], format(&case["format"]));
        let ours = typed::value(&case["value"]).filter(|_| is_ours(&case["value"])).map(dict);
        let Some(bytes) = case["bytes_hex"].as_str().map(unhex) else {
            if let Some(ours) = ours {
                write(&ours, format).expect_err("Flask-Session refuses it");
                refused += 1;
            }
            continue;
        };
        if let Some(ours) = &ours {
            let found = write(ours, format);
            assert_eq!(
                found.as_deref(),
                Ok(&bytes[..]),
                "{id}: {}",
                String::from_utf8_lossy(&bytes)
            );
            written += 1;
        }
        let contents = match Contents::read(bytes.clone(), format) {
            Ok(Some(contents)) => contents,
            // A tuple as a key: no text stands for it.
            other => {
                assert!(matches!(other, Err(Unreadable::Damaged(_))), "{id}: {other:?}");
                assert_eq!(case["value"]["v"][0][0]["t"], "tuple", "{id}");
                continue;
            }
        };
        if let Some(expected) = typed::value(&case["decoded"]) {
            assert_eq!(contents.to_dict(), dict(expected), "{id}");
            read += 1;
        }
        // Whatever dewar cannot say itself, it keeps: fractions, integer keys, the order.
        let again = contents.rewrite(&contents.to_dict(), format).unwrap();
        assert_eq!(again, bytes, "{id}");
        kept += 1;
    }
    assert!(
        written > 60 && read > 100 && refused > 15 && kept > 100,
        "{written} {read} {refused} {kept}"
    );
}

#[test]
fn every_recorded_record_is_read_or_refused_as_flask_session_does() {
    let mut pickles = 0;
    for case in vectors("flask_session").iter().filter(|case| case["kind"] == "decode") {
        let id = &case["id"];
        let found =
            Contents::read(unhex(case["bytes_hex"].as_str().unwrap()), format(&case["format"]));
        if case["pickle"] == true {
            let error = found.unwrap_err();
            assert_eq!(error, Unreadable::Pickle, "{id}");
            assert!(error.to_string().contains("let Flask-Session 0.8"), "{error}");
            pickles += 1;
            continue;
        }
        match (case["decoded"]["t"].as_str(), found) {
            (None, Err(Unreadable::Damaged(_)))
            | (Some("int" | "list"), Err(Unreadable::NoMapping(_)))
            | (Some("null"), Ok(None)) => {}
            (Some("list"), Ok(Some(contents))) => {
                assert_eq!(case["decoded"]["v"], json!([]), "{id}");
                assert!(contents.to_dict().is_empty(), "{id}");
            }
            (Some("dict"), Ok(Some(contents))) => {
                let expected = typed::value(&case["decoded"]).unwrap();
                assert_eq!(contents.to_dict(), dict(expected), "{id}");
            }
            (_, found) => panic!("{id}: {found:?}"),
        }
    }
    assert_eq!(pickles, 4);
}

#[test]
fn what_does_not_change_keeps_its_bytes_and_its_place() {
    // {"z": 1.5 s after an epoch, 5: "five", "a": [1]}
    let bytes = unhex("83a17ad7ff773594000000000105a466697665a1619101");
    let contents = Contents::read(bytes, Format::MsgPack).unwrap().unwrap();
    let mut session = contents.to_dict();
    assert_eq!(session.get("5"), Some(&Value::from("five")));
    session.insert("a", Value::List(vec![1.into(), 2.into()]));
    session.insert("5", "5");
    session.insert("new", true);
    let found = contents.rewrite(&session, Format::MsgPack).unwrap();
    assert_eq!(found, unhex("84a17ad7ff773594000000000105a135a161920102a36e6577c3"));
    session.remove("z");
    let found = contents.rewrite(&session, Format::MsgPack).unwrap();
    assert_eq!(found, unhex("8305a135a161920102a36e6577c3"));
    let json = contents.rewrite(&session, Format::Json).unwrap();
    assert_eq!(json, br#"{"5":"5","a":[1,2],"new":true}"#);
}

#[test]
fn what_flask_session_refuses_is_refused_and_named() {
    let big = Dict::from([("n", Value::BigInt("18446744073709551616".parse_big()))]);
    let error = write(&big, Format::MsgPack).unwrap_err();
    assert!(matches!(error, Unwritable::Integer { .. }), "{error}");
    assert!(error.to_string().contains("\"n\""), "{error}");
    let markup = Dict::from([("html", Value::Markup("<b>".to_owned()))]);
    for (_, format) in FORMATS {
        let error = write(&markup, format).unwrap_err().to_string();
        assert!(error.contains("Markup") && error.contains("html") && !error.contains("<b>"));
    }
}

trait ParseBig {
    fn parse_big(&self) -> dewar_signing::BigInt;
}

impl ParseBig for str {
    fn parse_big(&self) -> dewar_signing::BigInt {
        dewar_signing::BigInt::parse(self).unwrap()
    }
}

#[test]
fn a_length_is_not_believed_and_depth_has_an_end() {
    for bomb in
        ["dfffffffff", "ddffffffff", "dbffffffff", "c6ffffffff", "c9ffffffffff", "81a161dfffffffff"]
    {
        let found = Contents::read(unhex(bomb), Format::MsgPack);
        assert!(matches!(found, Err(Unreadable::Damaged(_))), "{bomb}: {found:?}");
    }
    for deep in [vec![0x91; 1 << 20], vec![b'['; 1 << 20], [0x81, 0xa0].repeat(1 << 19)] {
        for (_, format) in FORMATS {
            let found = Contents::read(deep.clone(), format);
            assert!(matches!(found, Err(Unreadable::Damaged(_))), "{found:?}");
        }
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-70_000..70_000_i64).prop_map(Value::Int),
        (i64::MAX as u64 + 1..=u64::MAX).prop_map(|n| Value::BigInt(n.to_string().parse_big())),
        any::<f64>().prop_map(Value::Float),
        (0_u64..2047, 0_u64..1 << 52)
            .prop_map(|(exponent, digits)| Value::Float(f64::from_bits(exponent << 52 | digits))),
        (-10_000_000..10_000_000_i32).prop_map(|n| Value::Float(f64::from(n) / 64.0)),
        ".{0,40}".prop_map(Value::Str),
        "[a-z\"\\\\\u{0}-\u{20}]{0,300}".prop_map(Value::Str),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
        any::<[u8; 16]>().prop_map(|b| Value::Uuid(dewar_signing::Uuid::from_bytes(b))),
        (-62_135_596_800..253_402_300_799_i64)
            .prop_map(|s| Value::DateTime(dewar_signing::DateTime::from_unix(s).unwrap())),
    ];
    leaf.prop_recursive(4, 60, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::List),
            prop::collection::vec((".{0,12}", inner), 0..20)
                .prop_map(|pairs| Value::Dict(pairs.into_iter().collect())),
        ]
    })
}

fn sessions() -> impl Strategy<Value = Dict> {
    prop::collection::vec((".{0,12}", values()), 0..8).prop_map(|pairs| pairs.into_iter().collect())
}

/// Reads what it is given with msgspec, and writes it again: two formats, one line of hex each.
const MSGSPEC: &str = r"
import sys, msgspec
for line in sys.stdin:
    kind, hexed = line.split()
    codec = msgspec.msgpack if kind == 'msgpack' else msgspec.json
    print(codec.encode(codec.decode(bytes.fromhex(hexed))).hex() or '-', flush=True)
";

#[test]
fn msgspec_reads_what_is_written_and_writes_the_same_bytes() {
    let Some(python) = tool::find(tool::PYTHON) else { return };
    let mut python = Command::new(python)
        .args(["-c", MSGSPEC])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut asked = Vec::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..300 {
        let session = sessions().new_tree(&mut runner).unwrap().current();
        for (name, format) in FORMATS {
            asked.push((name, format, write(&session, format).unwrap()));
        }
    }
    let mut pipe = python.stdin.take().unwrap();
    let mut answers = BufReader::new(python.stdout.take().unwrap()).lines();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines: String =
        asked.iter().map(|(name, _, bytes)| format!("{name} {}\n", hex(bytes))).collect();
    let writer = thread::spawn(move || pipe.write_all(lines.as_bytes()).unwrap());
    for (name, format, bytes) in asked {
        let answer = unhex(&answers.next().expect("msgspec answers").unwrap());
        assert_eq!(hex(&answer), hex(&bytes), "{name}: {}", String::from_utf8_lossy(&bytes));
        let contents = Contents::read(bytes.clone(), format).unwrap().unwrap();
        assert_eq!(contents.rewrite(&contents.to_dict(), format).unwrap(), bytes);
    }
    writer.join().unwrap();
    python.wait().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_written_is_read(session in sessions()) {
        let bytes = write(&session, Format::MsgPack).unwrap();
        let read = Contents::read(bytes, Format::MsgPack).unwrap().unwrap().to_dict();
        prop_assert_eq!(read.keys().collect::<Vec<_>>(), session.keys().collect::<Vec<_>>());
        let again = write(&read, Format::MsgPack).unwrap();
        prop_assert_eq!(again, write(&session, Format::MsgPack).unwrap());
    }

    #[test]
    fn no_bytes_make_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, format) in FORMATS {
            if let Ok(Some(contents)) = Contents::read(bytes.clone(), format) {
                let _ = contents.rewrite(&contents.to_dict(), format);
            }
        }
    }

    #[test]
    fn no_damage_makes_a_panic(session in sessions(), at in any::<prop::sample::Index>(), byte: u8) {
        for (_, format) in FORMATS {
            let mut bytes = write(&session, format).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Contents::read(bytes.clone(), format);
            bytes.truncate(at);
            let _ = Contents::read(bytes, format);
        }
    }
}
