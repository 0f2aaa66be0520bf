//! serde ⇄ [`Value`]: any `Serialize` type becomes a value, any value a `Deserialize` type.
//!
//! | serde | value |
//! |---|---|
//! | unit, `None` | null |
//! | sequence | list |
//! | tuple, array | tuple |
//! | struct, map with text, integer or bool keys | dict |
//! | bytes | bytes |
//! | enum | its variant's name as text, or a dict `{variant: content}` |

mod de;
mod ser;

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Expected, Unexpected},
};

use super::{DateTime, Uuid, Value};

/// A Rust value and a session value that do not fit each other.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConversionError(String);

impl serde::ser::Error for ConversionError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// serde's own messages show the value they found. That is a visitor's, and errors end in logs:
/// these name its type alone.
impl serde::de::Error for ConversionError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("invalid type: {}, expected {expected}", type_of(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("invalid value: {}, expected {expected}", type_of(found)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("unknown variant, expected one of {expected:?}"))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("unknown field, expected one of {expected:?}"))
    }
}

fn type_of(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "bool",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "int",
        Unexpected::Float(_) => "float",
        Unexpected::Char(_) | Unexpected::Str(_) => "str",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit | Unexpected::Option => "None",
        Unexpected::Seq => "list",
        Unexpected::Map => "dict",
        _ => "another type",
    }
}

/// Turns any serializable type into a [`Value`].
///
/// # Errors
/// If `T`'s own serialization fails, or a map has keys that are no text, integer or bool.
///
/// ```
/// let basket = dewar_signing::to_value(&("apple", 3))?;
/// assert_eq!(basket.to_python_text(), "('apple', 3)");
/// # Ok::<(), dewar_signing::ConversionError>(())
/// ```
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, ConversionError> {
    value.serialize(ser::ValueSerializer)
}

/// Turns a [`Value`] into any type that can be deserialized.
///
/// # Errors
/// If the value does not have the shape `T` asks for.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ConversionError> {
    T::deserialize(de::ValueDeserializer(value))
}

/// The newtype names by which [`to_value`] knows the types that serde has no word for. Every
/// other format sees their text alone.
const DATETIME: &str = "dewar_signing::DateTime";
const MARKUP: &str = "dewar_signing::Markup";
const UUID: &str = "dewar_signing::Uuid";

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Int(i) => serializer.serialize_i64(*i),
            Self::BigInt(big) => match big.as_str().parse() {
                Ok(number) => serializer.serialize_i128(number),
                Err(_) => serializer.serialize_str(big.as_str()),
            },
            Self::Float(f) => serializer.serialize_f64(*f),
            Self::Str(s) => serializer.serialize_str(s),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Markup(html) => serializer.serialize_newtype_struct(MARKUP, html),
            Self::Uuid(uuid) => uuid.serialize(serializer),
            Self::DateTime(datetime) => datetime.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Tuple(items) => {
                use serde::ser::SerializeTuple;
                let mut tuple = serializer.serialize_tuple(items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_element(item))?;
                tuple.end()
            }
            Self::Dict(dict) => serializer.collect_map(dict.iter()),
        }
    }
}

/// Reads any self-describing data. The types that serde has no word for arrive as text.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(de::AnyValue)
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(UUID, &self.to_string())
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// As text in ISO form with its offset: `2023-01-02T03:04:05+00:00`.
impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(DATETIME, &self.to_iso_with_offset('T'))
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_iso(&text).ok_or_else(|| {
            serde::de::Error::custom("not a datetime of the form 2023-01-02T03:04:05+00:00")
        })
    }
}
