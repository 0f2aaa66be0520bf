//! Typed values: the vectors' form of Python values, `{"t": type, "v": …}`.

use dewar_signing::{BigInt, DateTime, Dict, Value};
use serde_json::Value as Json;

use crate::unhex;

/// The value a typed value stands for; `None` if no session value can hold it (a set, a Decimal,
/// a lone surrogate, a dict with keys that are no text).
///
/// # Panics
/// If the typed value breaks its own form.
pub fn value(typed: &Json) -> Option<Value> {
    let v = &typed["v"];
    let text = || v.as_str().expect("`v` is text").to_owned();
    let items = || v.as_array().expect("`v` is an array").iter().map(value).collect::<Option<_>>();
    Some(match typed["t"].as_str().expect("`t` is text") {
        "null" => Value::Null,
        "bool" => Value::Bool(v.as_bool().expect("`v` is a bool")),
        "int" => integer(&text()),
        "float" => {
            let bits = typed["bits"].as_str().expect("a float has `bits`");
            Value::Float(f64::from_bits(u64::from_str_radix(bits, 16).expect("16 hex digits")))
        }
        "str" => Value::Str(text()),
        "bytes" => Value::Bytes(unhex(&text())),
        "uuid" => Value::Uuid(text().parse().expect("a UUID")),
        "markup" => Value::Markup(text()),
        "datetime" => Value::DateTime(datetime(&text(), &typed["utc_offset"])?),
        "list" => Value::List(items()?),
        "tuple" => Value::Tuple(items()?),
        "dict" => {
            let members = v.as_array().expect("`v` is an array").iter();
            let members = members.map(|member| Some((key(&member[0])?, value(&member[1])?)));
            Value::Dict(members.collect::<Option<Dict>>()?)
        }
        _ => return None,
    })
}

fn key(key: &Json) -> Option<String> {
    // Integer keys become text in every JSON; the vectors test how they are sorted before that.
    key.as_str().map(str::to_owned)
}

fn integer(text: &str) -> Value {
    match text.parse() {
        Ok(small) => Value::Int(small),
        Err(_) => Value::BigInt(BigInt::parse(text).expect("decimal digits")),
    }
}

/// A fraction of a second is cut off: the wire carries none.
fn datetime(iso: &str, offset: &Json) -> Option<DateTime> {
    let naive = DateTime::from_iso(&iso[..19]).expect("an ISO datetime");
    let offset = offset.as_f64().map(|seconds| seconds as i32);
    DateTime::from_civil(naive.civil(), offset)
}
