//! The typed form of values, `{"t": type, "v": value}`: JSON that keeps Python's types.
//!
//! It is the form of `testdata/vectors`, and described there.

use anyhow::{anyhow, bail};
use dewar_signing::{BigInt, DateTime, Dict, Value};

/// The value in the typed form.
pub(super) fn with_types(value: &Value) -> Value {
    let list = |items: &[Value]| Value::List(items.iter().map(with_types).collect());
    let (name, plain) = match value {
        Value::Null => return Value::Dict(Dict::from([("t", "null")])),
        Value::Bool(b) => ("bool", Value::Bool(*b)),
        Value::Int(_) | Value::BigInt(_) => ("int", value.to_python_text().into()),
        Value::Float(_) => ("float", value.to_python_text().into()),
        Value::Str(text) => ("str", text.as_str().into()),
        Value::Bytes(bytes) => ("bytes", hex(bytes).into()),
        Value::Markup(html) => ("markup", html.as_str().into()),
        Value::Uuid(uuid) => ("uuid", uuid.to_string().into()),
        Value::DateTime(datetime) => ("datetime", datetime.to_iso().into()),
        Value::List(items) => ("list", list(items)),
        Value::Tuple(items) => ("tuple", list(items)),
        Value::Dict(dict) => {
            let member =
                |(key, value): (&str, &Value)| Value::List(vec![key.into(), with_types(value)]);
            ("dict", Value::List(dict.iter().map(member).collect()))
        }
        other => (other.type_name(), other.to_python_text().into()),
    };
    let mut typed = Dict::from([("t", name.into()), ("v", plain)]);
    match value {
        Value::Float(f) => {
            typed.insert("bits", format!("{:016x}", f.to_bits()));
        }
        Value::DateTime(datetime) => {
            typed.insert("utc_offset", datetime.utc_offset());
        }
        _ => {}
    }
    Value::Dict(typed)
}

/// The value that a typed form stands for.
pub(super) fn without_types(typed: &Value) -> anyhow::Result<Value> {
    read(typed, None)
}

/// - `key`: the nearest one above the value, for the message.
fn read(typed: &Value, key: Option<&str>) -> anyhow::Result<Value> {
    let place = key.map_or_else(String::new, |key| format!("key {key:?}: "));
    let cure = "give every value as {\"t\":type,\"v\":value}";
    let Value::Dict(typed) = typed else {
        bail!("{place}a typed value is an object, not {}: {cure}", typed.type_name());
    };
    let Some(Value::Str(name)) = typed.get("t") else {
        bail!("{place}a typed value without its type: {cure}");
    };
    let plain = typed.get("v").unwrap_or(&Value::Null);
    let items =
        |items: &[Value]| items.iter().map(|item| read(item, key)).collect::<Result<_, _>>();
    let value = match (&**name, plain) {
        ("list", Value::List(list)) => Some(Value::List(items(list)?)),
        ("tuple", Value::List(list)) => Some(Value::Tuple(items(list)?)),
        ("dict", Value::List(members)) => dict(members)?,
        _ => leaf(name, plain, typed),
    };
    value.ok_or_else(|| match rule(name) {
        Some(rule) => anyhow!("{place}the type {name:?} wants {rule}"),
        None => anyhow!(
            "{place}a session cannot hold {name:?}: it holds what Flask's tagged JSON knows, \
             null, bool, int, float, str, bytes, markup, uuid, datetime, list, tuple and dict"
        ),
    })
}

/// What the value of a type looks like; `None` if there is no such type.
fn rule(name: &str) -> Option<&'static str> {
    Some(match name {
        "null" => r#"no value, {"t":"null"}"#,
        "bool" => r#"true or false, {"t":"bool","v":true}"#,
        "int" => r#"its digits as text, {"t":"int","v":"1"}"#,
        "float" => {
            r#"its digits as text, {"t":"float","v":"0.5"}, its bits as 16 hexadecimal ones"#
        }
        "str" => r#"a text, {"t":"str","v":"text"}"#,
        "markup" => r#"a text, {"t":"markup","v":"<b>text</b>"}"#,
        "bytes" => r#"two hexadecimal digits a byte, {"t":"bytes","v":"00ff"}"#,
        "uuid" => r#"its digits as text, {"t":"uuid","v":"00000000-0000-0000-0000-000000000000"}"#,
        "datetime" => r#"ISO 8601, {"t":"datetime","v":"2023-11-14T22:13:20"}"#,
        "list" => r#"a list of typed values, {"t":"list","v":[]}"#,
        "tuple" => r#"a list of typed values, {"t":"tuple","v":[]}"#,
        "dict" => r#"a list of keys with typed values, {"t":"dict","v":[["key",{"t":"null"}]]}"#,
        _ => return None,
    })
}

/// A value that holds no others; `None` if it does not fit the type, or there is no such type.
fn leaf(name: &str, plain: &Value, typed: &Dict) -> Option<Value> {
    match (name, plain) {
        ("null", Value::Null) => Some(Value::Null),
        ("bool", Value::Bool(b)) => Some(Value::Bool(*b)),
        ("int", Value::Str(digits)) => match digits.parse() {
            Ok(small) => Some(Value::Int(small)),
            Err(_) => BigInt::parse(digits).map(Value::BigInt),
        },
        ("float", Value::Str(number)) => float(number, typed.get("bits")),
        ("str", Value::Str(text)) => Some(text.as_str().into()),
        ("markup", Value::Str(html)) => Some(Value::Markup(html.clone())),
        ("bytes", Value::Str(digits)) => unhex(digits).map(Value::Bytes),
        ("uuid", Value::Str(uuid)) => uuid.parse().ok().map(Value::Uuid),
        ("datetime", Value::Str(iso)) => datetime(iso, typed.get("utc_offset")),
        _ => None,
    }
}

/// `None` if a member is no pair of a key and a value.
fn dict(members: &[Value]) -> anyhow::Result<Option<Value>> {
    let mut dict = Dict::new();
    for member in members {
        let Value::List(pair) = member else { return Ok(None) };
        let [Value::Str(key), value] = &pair[..] else { return Ok(None) };
        dict.insert(key.clone(), read(value, Some(key))?);
    }
    Ok(Some(Value::Dict(dict)))
}

/// The bits decide, if they are given: text may round.
fn float(number: &str, bits: Option<&Value>) -> Option<Value> {
    Some(Value::Float(match bits {
        None => number.parse().ok()?,
        Some(Value::Str(bits)) => f64::from_bits(u64::from_str_radix(bits, 16).ok()?),
        Some(_) => return None,
    }))
}

fn datetime(iso: &str, offset: Option<&Value>) -> Option<Value> {
    let offset = match offset {
        None | Some(Value::Null) => None,
        Some(Value::Int(seconds)) => Some(i32::try_from(*seconds).ok()?),
        // Python counts offsets in fractions of a second; the wire has none.
        Some(Value::Float(seconds)) if seconds.fract() == 0.0 => Some(*seconds as i32),
        Some(_) => return None,
    };
    let naive = DateTime::from_iso(iso.get(..19)?)?;
    DateTime::from_civil(naive.civil(), offset).map(Value::DateTime)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let is_hex = digits.len() % 2 == 0 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| digits.as_bytes().chunks(2).map(pair).collect())?
}
