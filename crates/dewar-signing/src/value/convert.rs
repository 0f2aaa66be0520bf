//! Between Rust's types and [`Value`].

use std::time::SystemTime;

use super::{BigInt, DateTime, Dict, Uuid, Value};

/// A Rust type that a session value can be read as.
///
/// Of the integers only `i64` is one: `session.get("visits").unwrap_or(0)` then means `i64`, and a
/// counter that outgrew a smaller type is never mistaken for a missing one.
pub trait FromValue: Sized {
    /// What to call this type in a message, in Python's words.
    const EXPECTED: &'static str;

    /// Turns `value` into this type.
    ///
    /// # Errors
    /// The untouched value, if it is of another type.
    fn from_value(value: Value) -> Result<Self, Value>;
}

macro_rules! from_value {
    ($($type:ty, $expected:literal, $($pattern:pat => $result:expr),+;)+) => {$(
        impl FromValue for $type {
            const EXPECTED: &'static str = $expected;

            fn from_value(value: Value) -> Result<Self, Value> {
                match value {
                    $($pattern => Ok($result),)+
                    #[allow(unreachable_patterns)]
                    other => Err(other),
                }
            }
        }
    )+};
}

from_value! {
    Value, "any value", value => value;
    bool, "bool", Value::Bool(b) => b;
    i64, "int of 64 bits", Value::Int(i) => i;
    f64, "float", Value::Float(f) => f, Value::Int(i) => i as Self;
    String, "str", Value::Str(s) => s, Value::Markup(s) => s;
    Vec<u8>, "bytes", Value::Bytes(bytes) => bytes;
    Uuid, "UUID", Value::Uuid(uuid) => uuid;
    DateTime, "datetime", Value::DateTime(datetime) => datetime;
    Dict, "dict", Value::Dict(dict) => dict;
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    const EXPECTED: &'static str = "list or tuple";

    fn from_value(value: Value) -> Result<Self, Value> {
        match value {
            Value::List(items) | Value::Tuple(items) => items
                .iter()
                .map(|item| T::from_value(item.clone()))
                .collect::<Result<_, _>>()
                .map_err(|_| Value::List(items)),
            other => Err(other),
        }
    }
}

macro_rules! into_value {
    ($($type:ty, $value:ident => $result:expr;)+) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $result
            }
        }
    )+};
}

into_value! {
    (), _unit => Self::Null;
    bool, b => Self::Bool(b);
    i8, i => Self::Int(i.into());
    i16, i => Self::Int(i.into());
    i32, i => Self::Int(i.into());
    i64, i => Self::Int(i);
    u8, i => Self::Int(i.into());
    u16, i => Self::Int(i.into());
    u32, i => Self::Int(i.into());
    u64, i => integer(i64::try_from(i).ok(), &i);
    usize, i => integer(i64::try_from(i).ok(), &i);
    i128, i => integer(i64::try_from(i).ok(), &i);
    u128, i => integer(i64::try_from(i).ok(), &i);
    f32, f => Self::Float(f.into());
    f64, f => Self::Float(f);
    char, c => Self::Str(c.into());
    &str, s => Self::Str(s.into());
    String, s => Self::Str(s);
    Vec<u8>, bytes => Self::Bytes(bytes);
    BigInt, big => Self::BigInt(big);
    Uuid, uuid => Self::Uuid(uuid);
    DateTime, datetime => Self::DateTime(datetime);
    SystemTime, time => Self::DateTime(time.into());
    Dict, dict => Self::Dict(dict);
    Vec<Value>, items => Self::List(items);
}

fn integer(small: Option<i64>, big: &impl ToString) -> Value {
    match small {
        Some(i) => Value::Int(i),
        None => {
            Value::BigInt(BigInt::parse(&big.to_string()).expect("more than 64 bits are needed"))
        }
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(option: Option<T>) -> Self {
        option.map_or(Self::Null, Into::into)
    }
}
