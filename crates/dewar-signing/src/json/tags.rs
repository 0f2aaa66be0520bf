//! Flask's tags: what an object with one member stands for.

use super::date;
use crate::{
    PayloadError,
    value::{Dict, Value},
};

/// Whether `key` names a tag.
pub(super) fn is_tag(key: &str) -> bool {
    matches!(key, " di" | " t" | " b" | " m" | " u" | " d")
}

/// The value a finished object stands for. Values within are resolved already.
///
/// # Errors
/// A tag over a value of the wrong type, where Flask raises an exception.
pub(super) fn resolve(mut dict: Dict) -> Result<Value, PayloadError> {
    let Some(tag) = dict.only().map(|(key, _)| key.to_owned()).filter(|key| is_tag(key)) else {
        return Ok(Value::Dict(dict));
    };
    let content = dict.remove(&tag).unwrap_or_default();
    match (tag.as_str(), content) {
        (" t", Value::List(items) | Value::Tuple(items)) => Ok(Value::Tuple(items)),
        // Python makes a tuple of anything it can iterate over.
        (" t", Value::Str(s) | Value::Markup(s)) => {
            Ok(Value::Tuple(s.chars().map(Value::from).collect()))
        }
        (" t", Value::Dict(dict)) => Ok(Value::Tuple(dict.keys().map(Value::from).collect())),
        (" t", Value::Bytes(bytes)) => {
            Ok(Value::Tuple(bytes.into_iter().map(Value::from).collect()))
        }
        (" b", Value::Str(s) | Value::Markup(s)) => decode_base64(&s).map(Value::Bytes),
        (" m", content) => Ok(Value::Markup(content.to_python_text())),
        (" u", Value::Str(s) | Value::Markup(s)) => match s.parse() {
            Ok(uuid) => Ok(Value::Uuid(uuid)),
            Err(error) => Err(PayloadError::new("tag ` u`").with_source(error)),
        },
        // Werkzeug gives `None` for a date it cannot read.
        (" d", Value::Str(s) | Value::Markup(s)) => {
            Ok(date::parse(&s).map_or(Value::Null, Value::DateTime))
        }
        (" d", Value::Null) => Ok(Value::Null),
        (" di", Value::Dict(dict)) => unescape(dict),
        (tag, content) => Err(PayloadError::new(format!(
            "tag `{tag}` over a value of type {}",
            content.type_name()
        ))),
    }
}

/// Gives the one key its own name back: the last two characters go, whatever they are.
fn unescape(dict: Dict) -> Result<Value, PayloadError> {
    let Some((key, value)) = dict.into_iter().next() else {
        return Err(PayloadError::new("tag ` di` over an empty dict"));
    };
    let kept = key.chars().count().saturating_sub(2);
    let key: String = key.chars().take(kept).collect();
    Ok(Value::Dict(Dict::from([(key, value)])))
}

/// Decodes as Python's `b64decode` does by default: bytes outside the alphabet are skipped, what
/// follows complete padding is ignored, unused bits are too. The text is signed: whoever could
/// bend it could as well write the plain form.
fn decode_base64(text: &str) -> Result<Vec<u8>, PayloadError> {
    if !text.is_ascii() {
        return Err(PayloadError::new("tag ` b` over text that is not ASCII"));
    }
    let (mut out, mut bits, mut in_group, mut pads) = (Vec::new(), 0_u32, 0, 0);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                pads += 1;
                if in_group >= 2 && in_group + pads >= 4 {
                    return Ok(out);
                }
                continue;
            }
            _ => continue,
        };
        pads = 0;
        bits = bits << 6 | u32::from(digit);
        in_group = (in_group + 1) % 4;
        if in_group != 1 {
            // The newest digit completed a byte; `in_group` tells how many of its bits are beyond.
            let beyond = [0, 0, 4, 2][in_group];
            out.push((bits >> beyond) as u8);
        }
    }
    if in_group == 0 { Ok(out) } else { Err(PayloadError::new("tag ` b`: incorrect padding")) }
}
