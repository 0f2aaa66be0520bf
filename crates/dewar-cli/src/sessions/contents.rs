//! What a session holds.

use dewar::{Dict, Value};
use dewar_signing::TaggedJson;

use crate::json;

/// What the session layer keeps for itself.
const ROTATION: &str = "_rotation";

/// The contents of a record; `None` if they cannot be read.
pub(super) fn read(data: Vec<u8>) -> Option<Dict> {
    let text = String::from_utf8(data).ok()?;
    let mut dict = TaggedJson.read_dict(text).ok()?.ok()?.to_dict();
    dict.remove(ROTATION);
    Some(dict)
}

/// How large a value is, as JSON text.
pub(super) fn bytes(value: &Value) -> u64 {
    json::one_line(value).len() as u64
}
