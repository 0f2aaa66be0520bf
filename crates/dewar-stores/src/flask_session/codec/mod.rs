//! Between the bytes of a record and the values of a session.
//!
//! ```text
//!  stored bytes ──read──▶ Contents: name ─ value ─ where its bytes stand
//!                            └── to_dict ──▶ the session ── changed ──▶ rewrite ──▶ stored bytes
//!                                                                        └ what did not change keeps
//!                                                                          its bytes and its place
//! ```
//!
//! Flask-Session keeps the order of insertion, fractions of a second and integers as keys; a session
//! of dewar has none of them. So a record is never written anew from the session alone.

mod json_read;
mod json_write;
mod msgpack_read;
mod msgpack_write;

use std::{ops::Range, str};

use dewar_signing::{Dict, Value};

/// How deep lists and dicts may nest: as in tagged JSON.
const MAX_DEPTH: usize = dewar_signing::MAX_DEPTH;

/// How Flask-Session writes a record.
///
/// # Flask-Session
/// `SESSION_SERIALIZATION_FORMAT`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// MessagePack: `msgpack`. The default.
    #[default]
    MsgPack,
    /// Plain JSON: `json`. Bytes and moments come back as text.
    Json,
}

/// Why stored bytes are no session. They are left as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// A record of Flask-Session 0.7 or older. Whoever decodes a pickle runs the code in it, so it is
    /// never decoded.
    #[error(
        "a pickled record, which is never decoded: let Flask-Session 0.8 open and save the session \
         once, it then writes msgpack"
    )]
    Pickle,
    /// Neither msgpack nor JSON.
    #[error("neither msgpack nor JSON ({0})")]
    Damaged(String),
    /// Some value that is no mapping.
    #[error("a mapping is expected, found {0}")]
    NoMapping(&'static str),
}

/// Why a session cannot be written as Flask-Session would read it. It refuses the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unwritable {
    /// A type that Flask-Session refuses too.
    #[error("Flask-Session cannot keep {type_name} (key {key:?}): store its text instead")]
    Type {
        /// The key of the session under which it stands.
        key: String,
        /// Its type, by Python's name.
        type_name: &'static str,
    },
    /// An integer beyond 64 bits.
    #[error(
        "msgpack keeps integers from -2^63 to 2^64 - 1, and the one under the key {key:?} is beyond: \
         store its text instead"
    )]
    Integer {
        /// The key of the session under which it stands.
        key: String,
    },
    /// Nested too deep, or larger than the format can say.
    #[error("the value under the key {key:?} nests deeper than {MAX_DEPTH} levels: flatten it")]
    Depth {
        /// The key of the session under which it stands.
        key: String,
    },
}

/// Why one value cannot be written.
enum Refused {
    Type(&'static str),
    Integer,
    Depth,
}

impl Refused {
    fn under(self, key: &str) -> Unwritable {
        let key = key.to_owned();
        match self {
            Self::Type(type_name) => Unwritable::Type { key, type_name },
            Self::Integer => Unwritable::Integer { key },
            Self::Depth => Unwritable::Depth { key },
        }
    }
}

/// What a record holds, and where.
#[derive(Clone, Debug)]
pub struct Contents {
    format: Format,
    bytes: Vec<u8>,
    members: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Member {
    name: String,
    key: Range<usize>,
    range: Range<usize>,
    value: Value,
}

/// A value as a reader found it.
enum Found {
    Mapping(Vec<Member>),
    Other(Value),
}

impl Contents {
    /// Reads a record: as `format`, and if it is not that, as the other one. `None` for what
    /// Flask-Session counts as no session: no bytes at all, or nil.
    ///
    /// # Errors
    /// If it is pickled, is neither, or is no mapping.
    pub fn read(bytes: Vec<u8>, format: Format) -> Result<Option<Self>, Unreadable> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let (format, found) = match (read_as(&bytes, format), read_as(&bytes, format.other())) {
            (Ok(found), _) => (format, found),
            (Err(_), Ok(found)) => (format.other(), found),
            (Err(_), Err(_)) if looks_pickled(&bytes) => return Err(Unreadable::Pickle),
            (Err(reason), Err(_)) => return Err(Unreadable::Damaged(reason)),
        };
        match found {
            Found::Mapping(members) => Ok(Some(Self { format, bytes, members: last_of(members) })),
            Found::Other(Value::Null) => Ok(None),
            Found::Other(Value::List(items)) if items.is_empty() => {
                Ok(Some(Self { format, bytes: Vec::new(), members: Vec::new() }))
            }
            Found::Other(other) => Err(Unreadable::NoMapping(other.type_name())),
        }
    }

    /// The session, in the order of the record.
    pub fn to_dict(&self) -> Dict {
        self.members.iter().map(|member| (member.name.clone(), member.value.clone())).collect()
    }

    /// The record of `session`, which came from this one: what did not change keeps its bytes and its
    /// place, what is new comes after it.
    ///
    /// # Errors
    /// If Flask-Session would refuse a value, too.
    pub fn rewrite(&self, session: &Dict, format: Format) -> Result<Vec<u8>, Unwritable> {
        let kept: Vec<&Member> =
            self.members.iter().filter(|member| session.contains_key(&member.name)).collect();
        let mut out = Output::begin(format, session.len());
        for member in &kept {
            let value = session.get(&member.name).unwrap_or(&Value::Null);
            let same = self.format == format;
            out.next();
            match same {
                true => out.bytes.extend_from_slice(&self.bytes[member.key.clone()]),
                false => out.key(&member.name),
            }
            out.colon();
            if same && *value == member.value {
                out.bytes.extend_from_slice(&self.bytes[member.range.clone()]);
            } else {
                out.value(value).map_err(|refused| refused.under(&member.name))?;
            }
        }
        let known = |name: &str| kept.iter().any(|member| member.name == name);
        for (name, value) in session.iter().filter(|(name, _)| !known(name)) {
            out.member(name, value)?;
        }
        Ok(out.end())
    }
}

/// The record of a session that is new.
///
/// # Errors
/// If Flask-Session would refuse a value, too.
pub fn write(session: &Dict, format: Format) -> Result<Vec<u8>, Unwritable> {
    let mut out = Output::begin(format, session.len());
    for (name, value) in session.iter() {
        out.member(name, value)?;
    }
    Ok(out.end())
}

/// A mapping that is being written.
struct Output {
    format: Format,
    bytes: Vec<u8>,
    first: bool,
}

impl Output {
    fn begin(format: Format, members: usize) -> Self {
        let mut bytes = Vec::new();
        match format {
            Format::MsgPack => msgpack_write::map_head(&mut bytes, members),
            Format::Json => bytes.push(b'{'),
        }
        Self { format, bytes, first: true }
    }

    fn next(&mut self) {
        if self.format == Format::Json && !self.first {
            self.bytes.push(b',');
        }
        self.first = false;
    }

    fn key(&mut self, name: &str) {
        match self.format {
            Format::MsgPack => msgpack_write::text(&mut self.bytes, name),
            Format::Json => json_write::text(&mut self.bytes, name),
        }
    }

    fn colon(&mut self) {
        if self.format == Format::Json {
            self.bytes.push(b':');
        }
    }

    fn value(&mut self, value: &Value) -> Result<(), Refused> {
        match self.format {
            Format::MsgPack => msgpack_write::value(&mut self.bytes, value, 1),
            Format::Json => json_write::value(&mut self.bytes, value, 1),
        }
    }

    fn member(&mut self, name: &str, value: &Value) -> Result<(), Unwritable> {
        self.next();
        self.key(name);
        self.colon();
        self.value(value).map_err(|refused| refused.under(name))
    }

    fn end(mut self) -> Vec<u8> {
        if self.format == Format::Json {
            self.bytes.push(b'}');
        }
        self.bytes
    }
}

impl Format {
    fn other(self) -> Self {
        match self {
            Self::MsgPack => Self::Json,
            Self::Json => Self::MsgPack,
        }
    }
}

fn read_as(bytes: &[u8], format: Format) -> Result<Found, String> {
    match format {
        Format::MsgPack => msgpack_read::read(bytes),
        Format::Json => json_read::read(bytes),
    }
}

/// Of members with one name the last value stays, in the place of the first: Python's rule.
fn last_of(members: Vec<Member>) -> Vec<Member> {
    let mut places = std::collections::HashMap::with_capacity(members.len());
    let mut unique: Vec<Member> = Vec::with_capacity(members.len());
    for member in members {
        match places.get(&member.name) {
            Some(&at) => unique[at] = member,
            None => {
                places.insert(member.name.clone(), unique.len());
                unique.push(member);
            }
        }
    }
    unique
}

/// Whether bytes that are nothing else begin and end as a pickle does: a protocol from 2 on with its
/// number, an older one with the mark or the opcode of a dict; each with a full stop.
fn looks_pickled(bytes: &[u8]) -> bool {
    let begins = match bytes {
        [0x80, version, ..] => (2..=5).contains(version),
        [first, ..] => matches!(first, b'(' | b'}' | b'c'),
        [] => false,
    };
    begins && bytes.len() > 2 && bytes.last() == Some(&b'.')
}

/// A key that is no text, as JSON writes it: Python's `json` turns it into text too.
fn key_text(key: &Value) -> Option<String> {
    match key {
        Value::Str(text) => Some(text.clone()),
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) => Some(key.to_python_text()),
        Value::Bool(true) => Some("true".to_owned()),
        Value::Bool(false) => Some("false".to_owned()),
        Value::Null => Some("null".to_owned()),
        _ => None,
    }
}
