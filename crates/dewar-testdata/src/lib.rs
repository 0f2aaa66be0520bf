//! The golden cases of the real libraries, as the tests read them.
//!
//! The cases lie in `testdata/vectors` and `testdata/golden`. The environment variables
//! `DEWAR_VECTORS` and `DEWAR_GOLDEN` name other folders of the same shape.

pub mod browser;
pub mod flask;
pub mod flask_session;
pub mod postgres;
pub mod proxy;
pub mod redis;
pub mod tls;
pub mod tool;
mod webdriver;

use std::{env, fs, path::PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

pub mod typed;

/// Reads every case of one vector file, for example `vectors("signer")`.
///
/// # Panics
/// If the file is missing, is not JSON, or holds another number of cases than it states: a test
/// that silently ran on nothing would prove nothing.
pub fn vectors(file: &str) -> Vec<Json> {
    let path = folder("DEWAR_VECTORS", "testdata/vectors").join(format!("{file}.json"));
    let document = read(&path);
    let cases = document["vectors"].as_array().expect("a vector file has an array `vectors`");
    assert_eq!(document["count"], cases.len(), "{} states another count", path.display());
    assert!(!cases.is_empty(), "{} holds no case", path.display());
    cases.clone()
}

/// Reads one golden transcript, for example `golden("04_two_independent_clients")`.
///
/// # Panics
/// If the file is missing or is not JSON.
pub fn golden(name: &str) -> Json {
    read(&folder("DEWAR_GOLDEN", "testdata/golden").join(format!("{name}.json")))
}

/// Reads a table of exceptions beside the transcripts, for example `table("differs")`: the rows
/// below its line of headings, split at tabs into `N` columns.
///
/// # Panics
/// If the file is missing, a row has another number of columns, or one is empty: no exception
/// goes without its reason.
pub fn table<const N: usize>(name: &str) -> Vec<[String; N]> {
    let path = folder("DEWAR_GOLDEN", "testdata/golden").join(format!("{name}.tsv"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let row = |line: &str| {
        let columns: Vec<_> = line.split('\t').map(str::to_owned).collect();
        assert!(columns.iter().all(|column| !column.is_empty()), "{}: {line}", path.display());
        columns.try_into().unwrap_or_else(|_| panic!("{}: not {N} columns: {line}", path.display()))
    };
    text.lines().skip(1).map(row).collect()
}

/// Undoes lower-case hexadecimal text.
///
/// # Panics
/// If the text is not hexadecimal.
pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.is_ascii() && text.len() % 2 == 0, "hex text has an even number of digits");
    let digits = (0..text.len()).step_by(2);
    digits.map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("a hex digit")).collect()
}

/// Turns text whose code points 0 to 255 stand for raw bytes (`*_latin1`) into those bytes.
///
/// # Panics
/// If a code point is above 255.
pub fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).expect("a code point below 256")).collect()
}

fn folder(variable: &str, default: &str) -> PathBuf {
    match env::var_os(variable) {
        Some(path) => path.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(default),
    }
}

fn read(path: &std::path::Path) -> Json {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    // One case nests 100 lists, typed values and all.
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    deserializer.disable_recursion_limit();
    Json::deserialize(&mut deserializer).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
