//! Python's text form of values: `str()` outside, `repr()` within lists and dicts.

use super::{Value, write_float};

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Str(s) | Value::Markup(s) => s.clone(),
        Value::Uuid(uuid) => uuid.to_string(),
        Value::DateTime(datetime) => datetime.to_iso_with_offset(' '),
        other => repr(other),
    }
}

fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Int(i) => i.to_string(),
        Value::BigInt(big) => big.to_string(),
        Value::Float(f) => float(*f),
        Value::Str(s) => quoted(s),
        Value::Markup(s) => format!("Markup({})", quoted(s)),
        Value::Bytes(bytes) => byte_literal(bytes),
        Value::Uuid(uuid) => format!("UUID('{uuid}')"),
        Value::DateTime(datetime) => {
            let (year, month, day, hour, minute, second) = datetime.civil();
            let seconds = if second == 0 { String::new() } else { format!(", {second}") };
            let zone = match datetime.utc_offset() {
                None => String::new(),
                Some(0) => ", tzinfo=datetime.timezone.utc".into(),
                Some(s) => {
                    let (days, rest) = (s.div_euclid(86_400), s.rem_euclid(86_400));
                    let days = if days == 0 { String::new() } else { format!("days={days}, ") };
                    let delta = format!("datetime.timedelta({days}seconds={rest})");
                    format!(", tzinfo=datetime.timezone({delta})")
                }
            };
            format!("datetime.datetime({year}, {month}, {day}, {hour}, {minute}{seconds}{zone})")
        }
        Value::List(items) => format!("[{}]", joined(items)),
        Value::Tuple(items) if items.len() == 1 => format!("({},)", repr(&items[0])),
        Value::Tuple(items) => format!("({})", joined(items)),
        Value::Dict(dict) => {
            let members: Vec<_> =
                dict.iter().map(|(k, v)| format!("{}: {}", quoted(k), repr(v))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

fn joined(items: &[Value]) -> String {
    items.iter().map(repr).collect::<Vec<_>>().join(", ")
}

fn float(f: f64) -> String {
    if f.is_nan() {
        return "nan".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let mut text = String::new();
    write_float(&mut text, f);
    text
}

/// Single quotes, unless the text holds one and no double quote.
fn quote_for(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

fn quoted(text: &str) -> String {
    let quote = quote_for(text.contains('\''), text.contains('"'));
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            // Python escapes what is not printable; the C0 and C1 controls are what occurs.
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn byte_literal(bytes: &[u8]) -> String {
    let quote = quote_for(bytes.contains(&b'\''), bytes.contains(&b'"'));
    let mut out = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            byte if char::from(byte) == quote => out.extend(['\\', quote]),
            0x20..=0x7e => out.push(char::from(byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
    out
}
