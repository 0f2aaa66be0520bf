//! Any `Serialize` type → [`Value`].

use serde::ser::{self, Error, Serialize};

use super::{ConversionError, DATETIME, MARKUP, UUID};
use crate::value::{DateTime, Dict, Value};

pub(super) struct ValueSerializer;

macro_rules! scalars {
    ($($method:ident: $type:ty),+ $(,)?) => {$(
        fn $method(self, v: $type) -> Result<Value, ConversionError> {
            Ok(v.into())
        }
    )+};
}

impl ser::Serializer for ValueSerializer {
    type Ok = Value;
    type Error = ConversionError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    scalars! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_i128: i128, serialize_u8: u8, serialize_u16: u16,
        serialize_u32: u32, serialize_u64: u64, serialize_u128: u128, serialize_f32: f32,
        serialize_f64: f64, serialize_char: char, serialize_str: &str,
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, ConversionError> {
        Ok(Value::Bytes(bytes.to_vec()))
    }

    fn serialize_none(self) -> Result<Value, ConversionError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ConversionError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, ConversionError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, ConversionError> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, ConversionError> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, ConversionError> {
        let inner = value.serialize(self)?;
        Ok(match (name, &inner) {
            (MARKUP, Value::Str(html)) => Value::Markup(html.clone()),
            (UUID, Value::Str(text)) => text.parse().map_or(inner, Value::Uuid),
            (DATETIME, Value::Str(text)) => DateTime::from_iso(text).map_or(inner, Value::DateTime),
            _ => inner,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ConversionError> {
        Ok(Value::Dict(Dict::from([(variant, value.serialize(self)?)])))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, ConversionError> {
        // The length is only a hint and may come from anywhere.
        let items = Vec::with_capacity(len.unwrap_or(0).min(64));
        Ok(Items { items, shape: Shape::List })
    }

    fn serialize_tuple(self, _len: usize) -> Result<Items, ConversionError> {
        Ok(Items { items: Vec::new(), shape: Shape::Tuple })
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<Items, ConversionError> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items, ConversionError> {
        Ok(Items { items: Vec::new(), shape: Shape::Variant(variant) })
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Members, ConversionError> {
        Ok(Members::default())
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Members, ConversionError> {
        Ok(Members::default())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Members, ConversionError> {
        Ok(Members { variant: Some(variant), ..Members::default() })
    }
}

enum Shape {
    List,
    Tuple,
    Variant(&'static str),
}

pub(super) struct Items {
    items: Vec<Value>,
    shape: Shape,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConversionError> {
        self.items.push(value.serialize(ValueSerializer)?);
        Ok(())
    }

    fn finish(self) -> Value {
        match self.shape {
            Shape::List => Value::List(self.items),
            Shape::Tuple => Value::Tuple(self.items),
            Shape::Variant(name) => Value::Dict(Dict::from([(name, Value::Tuple(self.items))])),
        }
    }
}

macro_rules! items {
    ($($trait:ident::$push:ident),+) => {$(
        impl ser::$trait for Items {
            type Ok = Value;
            type Error = ConversionError;

            fn $push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConversionError> {
                self.push(value)
            }

            fn end(self) -> Result<Value, ConversionError> {
                Ok(self.finish())
            }
        }
    )+};
}

items! {
    SerializeSeq::serialize_element, SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field, SerializeTupleVariant::serialize_field
}

#[derive(Default)]
pub(super) struct Members {
    members: Vec<(String, Value)>,
    key: Option<String>,
    variant: Option<&'static str>,
}

impl Members {
    fn finish(self) -> Value {
        let dict = Value::Dict(self.members.into_iter().collect());
        match self.variant {
            Some(variant) => Value::Dict(Dict::from([(variant, dict)])),
            None => dict,
        }
    }
}

impl ser::SerializeMap for Members {
    type Ok = Value;
    type Error = ConversionError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ConversionError> {
        self.key = Some(match key.serialize(ValueSerializer)? {
            Value::Str(key) => key,
            Value::Int(key) => key.to_string(),
            // JSON's words, as Python writes such a key.
            Value::Bool(key) => key.to_string(),
            other => {
                let name = other.type_name();
                return Err(ConversionError::custom(format!("a key must be text, not {name}")));
            }
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConversionError> {
        let value = value.serialize(ValueSerializer)?;
        let key = self.key.take();
        let key = key.ok_or_else(|| ConversionError::custom("a value came before its key"))?;
        self.members.push((key, value));
        Ok(())
    }

    fn end(self) -> Result<Value, ConversionError> {
        Ok(self.finish())
    }
}

macro_rules! fields {
    ($($trait:ident),+) => {$(
        impl ser::$trait for Members {
            type Ok = Value;
            type Error = ConversionError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), ConversionError> {
                self.members.push((key.into(), value.serialize(ValueSerializer)?));
                Ok(())
            }

            fn end(self) -> Result<Value, ConversionError> {
                Ok(self.finish())
            }
        }
    )+};
}

fields!(SerializeStruct, SerializeStructVariant);
