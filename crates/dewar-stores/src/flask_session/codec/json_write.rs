//! Values → JSON, byte for byte as msgspec writes it.

use base64::{Engine, engine::general_purpose::STANDARD};
use dewar_signing::{DateTime, Value};

use super::{Refused, msgpack_write::deeper};

/// Appends a value that stands `depth` levels down.
pub(super) fn value(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), Refused> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::BigInt(number) => out.extend_from_slice(number.as_str().as_bytes()),
        Value::Float(number) => float(out, *number),
        Value::Str(content) => text(out, content),
        Value::Bytes(bytes) => text(out, &STANDARD.encode(bytes)),
        Value::Uuid(uuid) => text(out, &uuid.to_string()),
        Value::DateTime(moment) => text(out, &iso(moment)),
        Value::List(items) | Value::Tuple(items) => {
            let depth = deeper(depth)?;
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                self::value(out, item, depth)?;
            }
            out.push(b']');
        }
        Value::Dict(dict) => {
            let depth = deeper(depth)?;
            out.push(b'{');
            for (i, (key, item)) in dict.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                text(out, key);
                out.push(b':');
                self::value(out, item, depth)?;
            }
            out.push(b'}');
        }
        other => return Err(Refused::Type(other.type_name())),
    }
    Ok(())
}

pub(super) fn text(out: &mut Vec<u8>, content: &str) {
    out.push(b'"');
    for byte in content.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// The shortest digits that read back; plain from 1e-5 to below 1e16, with an exponent beyond.
fn float(out: &mut Vec<u8>, number: f64) {
    if !number.is_finite() {
        return out.extend_from_slice(b"null");
    }
    let scientific = shortest(number);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let whole = exponent + 1;
    let written = match usize::try_from(whole) {
        Ok(whole @ 1..=16) if whole < digits.len() => {
            format!("{}.{}", &digits[..whole], &digits[whole..])
        }
        Ok(whole @ 1..=16) => format!("{digits:0<whole$}.0"),
        _ if (-4..=0).contains(&whole) => {
            format!("0.{}{digits}", "0".repeat(whole.unsigned_abs() as usize))
        }
        _ => format!("{mantissa}e{exponent}"),
    };
    out.extend_from_slice(sign.as_bytes());
    // Zero has no exponent of its own.
    out.extend_from_slice(if number == 0.0 { b"0.0" } else { written.as_bytes() });
}

/// Of two shortest decimals that are equally near, the even one.
fn shortest(number: f64) -> String {
    let shortest = format!("{number:e}");
    let mantissa = shortest.split('e').next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let even = format!("{number:.*e}", digits.saturating_sub(1));
    if even.parse() == Ok(number) { even } else { shortest }
}

/// `2020-01-02T03:04:05`, with its offset if it has one.
fn iso(moment: &DateTime) -> String {
    let local = moment.to_iso();
    match moment.utc_offset().map(|seconds| (seconds, seconds.unsigned_abs() / 60)) {
        None => local,
        Some((_, 0)) => local + "Z",
        Some((offset, minutes)) => {
            let sign = if offset < 0 { '-' } else { '+' };
            format!("{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    }
}
