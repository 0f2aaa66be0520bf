//! A dict that stays text until somebody asks: building values costs more than everything else
//! that a request does with its session.
//!
//! ```text
//! {"csrf":"9f86d0","price":1.50,"visits":3}
//!  └ key ┘└ text ┘        └ value └ key ──┘└ text: read by `get`, copied when written
//!                           1.5: not as Python writes it, so it was read at once
//! ```
//!
//! A member stays text only if it is [`plain`](super::plain): sound, and to the byte what writing
//! its value would give. Everything else is read at once, by the one reader there is.

use std::{fmt, ops::Range};

use super::{plain, read, tags};
use crate::{
    PayloadError,
    value::{Dict, Value},
};

/// So many members are looked through one by one.
const FEW: usize = 16;

/// A mapping from text to values in ascending order of keys, most of it still text.
///
/// It is what [`TaggedJson::read_dict`](super::TaggedJson::read_dict) gives. A look-up goes through a
/// few keys one by one and searches among many; it reads nothing, and neither does a copy.
#[derive(Clone, Default)]
pub struct LazyDict {
    /// What the members point into; what is between them does not matter.
    text: String,
    /// Keys ascend strictly, by code point.
    members: Vec<Member>,
}

#[derive(Clone)]
struct Member {
    key: Range<usize>,
    value: Held,
}

#[derive(Clone)]
enum Held {
    Text(Range<usize>),
    Value(Value),
}

/// A value of a [`LazyDict`], as it lies there.
#[derive(Clone, Copy)]
pub struct LazyValue<'d>(Lies<'d>);

#[derive(Clone, Copy)]
enum Lies<'d> {
    /// `"key":value`, with so many bytes before the value.
    Text(&'d str, usize),
    Value(&'d Value),
}

impl<'d> LazyValue<'d> {
    /// The value: read at every call if it is text, else copied.
    pub fn to_value(self) -> Value {
        match self.0 {
            Lies::Text(member, at) => plain::read(&member[at..]),
            Lies::Value(value) => value.clone(),
        }
    }

    /// Whether Python would count it as true: see [`Value::is_truthy`].
    pub fn is_truthy(self) -> bool {
        match self.0 {
            Lies::Text(..) => self.to_value().is_truthy(),
            Lies::Value(value) => value.is_truthy(),
        }
    }

    /// How many bytes it takes when it is written, if that is known without writing it.
    pub fn written_len(self) -> Option<usize> {
        match self.0 {
            Lies::Text(member, at) => Some(member.len() - at),
            Lies::Value(_) => None,
        }
    }

    /// What is to be written behind `key`; or together with it, if they stand together already.
    pub(super) fn to_write(self, key: &str) -> ToWrite<'d> {
        match self.0 {
            Lies::Text(member, at) if key.len() + 3 == at && member[1..at - 2] == *key => {
                ToWrite::Member(member)
            }
            Lies::Text(member, at) => ToWrite::Text(&member[at..]),
            Lies::Value(value) => ToWrite::Value(value),
        }
    }
}

/// What is to be written of a member.
pub(super) enum ToWrite<'d> {
    /// Key, colon and value.
    Member(&'d str),
    /// The value alone.
    Text(&'d str),
    Value(&'d Value),
}

/// Whether both are written alike.
impl PartialEq for LazyValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Lies::Text(a, at), Lies::Text(b, bt)) => a[at..] == b[bt..],
            (Lies::Value(a), Lies::Value(b)) => a == b,
            (Lies::Text(..), Lies::Value(value)) => self.to_value() == *value,
            (Lies::Value(value), Lies::Text(..)) => *value == other.to_value(),
        }
    }
}

impl Eq for LazyValue<'_> {}

impl<'d> From<&'d Value> for LazyValue<'d> {
    fn from(value: &'d Value) -> Self {
        Self(Lies::Value(value))
    }
}

/// Reads one document: a dict, or the value that it is instead.
pub(super) fn read_dict(text: String) -> Result<Result<LazyDict, Value>, PayloadError> {
    if let Some(members) = members(&text)? {
        return Ok(Ok(LazyDict { text, members }));
    }
    Ok(match read::read(&text, &mut tags::resolve)? {
        Value::Dict(dict) => Ok(dict.into()),
        other => Err(other),
    })
}

/// The members of an object whose keys are written as Flask writes them; `None` if they are not.
fn members(text: &str) -> Result<Option<Vec<Member>>, PayloadError> {
    if !text.starts_with('{') || text == "{}" {
        return Ok((text == "{}").then(Vec::new));
    }
    let bytes = text.as_bytes();
    let mut members = Vec::with_capacity(8);
    // The brace or comma before the next key, and the last one.
    let (mut before, mut last) = (0, None);
    loop {
        let Some(quote) = plain::key(bytes, before + 1, last) else { return Ok(None) };
        let (key, at) = (before + 2..quote, quote + 2);
        last = Some(&bytes[before + 2..quote]);
        match plain::value(bytes, at, 1) {
            Some(end) => {
                members.push(Member { key, value: Held::Text(at..end) });
                before = end;
            }
            None => {
                let (value, end) = read::read_at(text, at, 1, &mut tags::resolve)?;
                members.push(Member { key, value: Held::Value(value) });
                before = end;
            }
        }
        match bytes.get(before) {
            Some(b',') => {}
            Some(b'}') if before + 1 == bytes.len() => return Ok(Some(members)),
            _ => return Ok(None),
        }
    }
}

impl LazyDict {
    /// An empty mapping.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The value of `key`, as it lies here.
    pub fn get(&self, key: &str) -> Option<LazyValue<'_>> {
        self.find(key).map(|i| self.value(&self.members[i]))
    }

    /// Sets `key`.
    pub fn insert(&mut self, key: &str, value: Value) {
        match self.position(key) {
            Ok(i) => self.members[i].value = Held::Value(value),
            Err(i) => {
                let start = self.text.len();
                self.text.push_str(key);
                let member = Member { key: start..self.text.len(), value: Held::Value(value) };
                self.members.insert(i, member);
            }
        }
    }

    /// Removes `key` and gives back its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let i = self.find(key)?;
        Some(match self.members.remove(i).value {
            Held::Text(at) => plain::read(&self.text[at]),
            Held::Value(value) => value,
        })
    }

    /// The key in this place, counted from 0 in ascending order.
    pub fn key(&self, i: usize) -> Option<&str> {
        self.members.get(i).map(|member| &self.text[member.key.clone()])
    }

    /// The key and value in this place, counted from 0 in ascending order of keys.
    pub fn nth(&self, i: usize) -> Option<(&str, LazyValue<'_>)> {
        let member = self.members.get(i)?;
        Some((&self.text[member.key.clone()], self.value(member)))
    }

    /// The keys and values, with the keys in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, LazyValue<'_>)> {
        self.members.iter().map(|member| (&self.text[member.key.clone()], self.value(member)))
    }

    /// Everything, read.
    pub fn to_dict(&self) -> Dict {
        self.iter().map(|(key, value)| (key.to_owned(), value.to_value())).collect()
    }

    fn value<'d>(&'d self, member: &'d Member) -> LazyValue<'d> {
        match &member.value {
            Held::Text(at) => {
                // The quote before the key.
                let start = member.key.start - 1;
                LazyValue(Lies::Text(&self.text[start..at.end], at.start - start))
            }
            Held::Value(value) => value.into(),
        }
    }

    fn find(&self, key: &str) -> Option<usize> {
        // Among a few keys the length alone tells most apart.
        if self.members.len() <= FEW {
            let is_it = |member: &Member| {
                member.key.len() == key.len()
                    && self.text.as_bytes()[member.key.clone()] == *key.as_bytes()
            };
            return self.members.iter().position(is_it);
        }
        self.position(key).ok()
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|member| self.text[member.key.clone()].cmp(key))
    }
}

impl From<Dict> for LazyDict {
    fn from(dict: Dict) -> Self {
        let mut pairs: Vec<_> = dict.into_iter().collect();
        pairs.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut lazy = Self::new();
        for (key, value) in pairs {
            let start = lazy.text.len();
            lazy.text.push_str(&key);
            let key = start..lazy.text.len();
            lazy.members.push(Member { key, value: Held::Value(value) });
        }
        lazy
    }
}

impl PartialEq for LazyDict {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for LazyDict {}

/// How many keys there are: the contents are the visitor's.
impl fmt::Debug for LazyDict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LazyDict({} keys)", self.len())
    }
}

/// The contents are the visitor's.
impl fmt::Debug for LazyValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LazyValue(hidden)")
    }
}
