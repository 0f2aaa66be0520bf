//! The values a token can carry: what Python's JSON and Flask's tagged JSON know.
//!
//! Two values are equal when they are written alike: `1` differs from `1.0`, `-0.0` from `0.0`,
//! and `NaN` equals itself. A session is saved when what it holds *differs*, so this is the
//! equality it needs.

mod convert;
mod datetime;
mod dict;
mod number;
mod python;
mod serde;
mod uuid;

pub use convert::FromValue;
pub use datetime::DateTime;
pub use dict::Dict;
pub use number::BigInt;
pub(crate) use number::write_float;
pub use serde::{ConversionError, from_value, to_value};
pub use uuid::Uuid;

/// One value of a session or a token.
///
/// # Flask
/// `None`, `bool`, `int`, `float`, `str`, `bytes`, `Markup`, `UUID`, `datetime`, `list`, `tuple`
/// and `dict`. Plain JSON ([`Json`](crate::Json)) writes a tuple as a list and refuses bytes,
/// UUIDs and datetimes; [`TaggedJson`](crate::TaggedJson) keeps every type.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Value {
    /// `None`.
    #[default]
    Null,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of up to 64 bits with its sign.
    Int(i64),
    /// An integer beyond 64 bits, up to 4,300 digits as in Python.
    BigInt(BigInt),
    /// A 64-bit float; `NaN` and the infinities included.
    Float(f64),
    /// Text.
    Str(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// Text that is already safe HTML: templates do not escape it again.
    Markup(String),
    /// A UUID.
    Uuid(Uuid),
    /// A date with a time, to the second.
    DateTime(DateTime),
    /// A list.
    List(Vec<Self>),
    /// A tuple: a list that Flask gives back as a tuple.
    Tuple(Vec<Self>),
    /// A mapping with text as its keys.
    Dict(Dict),
}

impl Value {
    /// The Python name of this value's type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "None",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::BigInt(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::Markup(_) => "Markup",
            Self::Uuid(_) => "UUID",
            Self::DateTime(_) => "datetime",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
        }
    }

    /// Whether Python would count this value as true: not empty, not zero, not `None`.
    ///
    /// # Flask
    /// `bool(value)`; decides `session.permanent`.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(b) => *b,
            Self::Int(i) => *i != 0,
            Self::Float(f) => *f != 0.0,
            Self::Str(s) | Self::Markup(s) => !s.is_empty(),
            Self::Bytes(b) => !b.is_empty(),
            Self::List(items) | Self::Tuple(items) => !items.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
            Self::BigInt(_) | Self::Uuid(_) | Self::DateTime(_) => true,
        }
    }

    /// The text Python's `str()` gives for this value.
    ///
    /// # Flask
    /// What a template prints for it: `None`, `True`, `1e+20`, `[1, 'x']`.
    pub fn to_python_text(&self) -> String {
        python::text(self)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::BigInt(a), Self::BigInt(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => {
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
            }
            (Self::Str(a), Self::Str(b)) | (Self::Markup(a), Self::Markup(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Uuid(a), Self::Uuid(b)) => a == b,
            (Self::DateTime(a), Self::DateTime(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}
