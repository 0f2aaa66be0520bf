//! [`Value`] → any `Deserialize` type, and any data → [`Value`].

use std::fmt;

use serde::{
    Deserializer,
    de::{
        Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::ConversionError;
use crate::value::{Dict, Value};

pub(super) struct ValueDeserializer(pub(super) Value);

impl IntoDeserializer<'_, ConversionError> for ValueDeserializer {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

type Members = MapDeserializer<
    'static,
    std::iter::Map<
        <Dict as IntoIterator>::IntoIter,
        fn((String, Value)) -> (String, ValueDeserializer),
    >,
    ConversionError,
>;

fn members(dict: Dict) -> Members {
    MapDeserializer::new(dict.into_iter().map(|(key, value)| (key, ValueDeserializer(value))))
}

impl<'de> Deserializer<'de> for ValueDeserializer {
    type Error = ConversionError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(b),
            Value::Int(i) => visitor.visit_i64(i),
            Value::BigInt(big) => match (big.as_str().parse(), big.as_str().parse()) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i128(number),
                _ => visitor.visit_string(big.to_string()),
            },
            Value::Float(f) => visitor.visit_f64(f),
            Value::Str(s) | Value::Markup(s) => visitor.visit_string(s),
            Value::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Value::Uuid(uuid) => visitor.visit_string(uuid.to_string()),
            Value::DateTime(datetime) => visitor.visit_string(datetime.to_iso_with_offset('T')),
            Value::List(items) | Value::Tuple(items) => {
                let mut access = SeqDeserializer::new(items.into_iter().map(ValueDeserializer));
                let value = visitor.visit_seq(&mut access)?;
                access.end().map(|()| value)
            }
            Value::Dict(dict) => {
                let mut access = members(dict);
                let value = visitor.visit_map(&mut access)?;
                access.end().map(|()| value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConversionError> {
        visitor.visit_newtype_struct(self)
    }

    /// A variant's name alone, or a dict `{variant: content}`.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConversionError> {
        match self.0 {
            Value::Str(variant) => visitor.visit_enum(variant.into_deserializer()),
            Value::Dict(dict) if dict.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(members(dict)))
            }
            other => Err(ConversionError::custom(format!(
                "an enum is text or a dict with one key, not {}",
                other.type_name()
            ))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Takes whatever a format holds.
pub(super) struct AnyValue;

macro_rules! scalars {
    ($($method:ident: $type:ty),+ $(,)?) => {$(
        fn $method<E: Error>(self, v: $type) -> Result<Value, E> {
            Ok(v.into())
        }
    )+};
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value a session can hold")
    }

    scalars! {
        visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128,
        visit_f64: f64, visit_str: &str, visit_string: String, visit_byte_buf: Vec<u8>,
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.to_vec()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry::<String, Value>()? {
            members.push(member);
        }
        Ok(Value::Dict(Dict::from_iter(members)))
    }
}
