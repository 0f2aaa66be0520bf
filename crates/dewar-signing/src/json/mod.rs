//! JSON as Python writes and reads it, plain and with Flask's type tags.
//!
//! ```text
//!  Value ──write──▶ {"items":[1,2],"pair":{" t":["a",1.0]}} ──read──▶ Value
//!                    separators, key order,      └ a tag: an object with one
//!                    \u escapes, 1e+16            member that names a type
//! ```
//!
//! Writing gives the same bytes as Python. Reading takes what Python's `json.loads` takes: `NaN`
//! and the infinities, duplicate keys (the last wins), integers of up to 4,300 digits. It refuses
//! two things that Python accepts: lone surrogates (Rust text cannot hold them) and nesting
//! beyond [`MAX_DEPTH`].

mod date;
mod lazy;
mod plain;
mod read;
mod tags;
mod write;

pub use self::lazy::{LazyDict, LazyValue};
use crate::{Codec, PayloadError, Value};

/// How deep lists and dicts may nest, in levels: enough for any session, and safe on a small stack.
pub const MAX_DEPTH: usize = 128;

/// Plain JSON, the payload of itsdangerous' serializers.
///
/// # Flask
/// `json.dumps` with the separators `, ` and `: ` and ASCII escapes ([`Json::SPACED`], used by
/// `Serializer`), or with `,` and `:` and raw UTF-8 ([`Json::COMPACT`], used by the URL-safe ones).
#[derive(Clone, Copy, Debug)]
pub struct Json(write::Style);

impl Json {
    /// Separators with blanks, ASCII escapes, keys in insertion order.
    pub const SPACED: Self = Self(write::Style::SPACED);
    /// Separators without blanks, raw UTF-8, keys in insertion order.
    pub const COMPACT: Self = Self(write::Style::COMPACT);
}

impl Codec for Json {
    type Value = Value;

    fn write(&self, value: &Value) -> Result<String, PayloadError> {
        write::write(value, self.0)
    }

    fn read(&self, text: &str) -> Result<Value, PayloadError> {
        read::read(text, &mut |dict| Ok(Value::Dict(dict)))
    }
}

/// Flask's tagged JSON: compact, ASCII, keys sorted, and a tag for each type that JSON lacks.
///
/// | value | text |
/// |---|---|
/// | tuple | `{" t":[…]}` |
/// | bytes | `{" b":"<base64>"}` |
/// | markup | `{" m":"<html>"}` |
/// | UUID | `{" u":"<32 hex digits>"}` |
/// | datetime | `{" d":"<HTTP date>"}` |
/// | dict whose only key is one of these tags | `{" di":{"<key>__":…}}` |
///
/// # Flask
/// `TaggedJSONSerializer` within an application context.
///
/// ```
/// use dewar_signing::{Codec, Dict, TaggedJson, Value};
///
/// let session = Value::Dict(Dict::from([("pair", Value::Tuple(vec![1.into(), "a".into()]))]));
/// let text = TaggedJson.write(&session)?;
/// assert_eq!(text, r#"{"pair":{" t":[1,"a"]}}"#);
/// assert_eq!(TaggedJson.read(&text)?, session);
/// # Ok::<(), dewar_signing::PayloadError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TaggedJson;

impl TaggedJson {
    /// Reads a dict, and leaves what is written as Flask writes it as text until somebody asks.
    ///
    /// It takes and refuses what [`read`](Codec::read) takes and refuses, in a fraction of the time. If
    /// the text is sound and no dict, the value that it is comes back as the inner error.
    ///
    /// # Errors
    /// As [`read`](Codec::read).
    ///
    /// ```
    /// use dewar_signing::{TaggedJson, Value};
    ///
    /// let text = r#"{"theme":"dark","visits":3}"#;
    /// let session = TaggedJson.read_dict(text.to_owned())?.expect("it is a dict");
    /// let visits = session.get("visits").map(|visits| visits.to_value());
    /// assert_eq!(visits, Some(Value::Int(3)));
    /// assert_eq!(TaggedJson.write_members(session.iter())?, text);
    /// # Ok::<(), dewar_signing::PayloadError>(())
    /// ```
    pub fn read_dict(&self, text: String) -> Result<Result<LazyDict, Value>, PayloadError> {
        lazy::read_dict(text)
    }

    /// Writes the members of a dict that lie in several places, with the keys in ascending order.
    ///
    /// The same text as [`write`](Codec::write) of the [`Dict`](crate::Dict) they would make,
    /// without making it.
    ///
    /// # Errors
    /// If a value has no text form or nests too deep, or the keys do not ascend.
    pub fn write_members<'v>(
        &self,
        members: impl IntoIterator<Item = (&'v str, LazyValue<'v>)>,
    ) -> Result<String, PayloadError> {
        write::write_members(members.into_iter())
    }
}

impl Codec for TaggedJson {
    type Value = Value;

    fn write(&self, value: &Value) -> Result<String, PayloadError> {
        write::write(value, write::Style::TAGGED)
    }

    fn read(&self, text: &str) -> Result<Value, PayloadError> {
        read::read(text, &mut tags::resolve)
    }
}
