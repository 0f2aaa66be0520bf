//! msgpack → values, within bounds.
//!
//! A length is never believed before the bytes are there, so that no record takes more memory than a
//! small multiple of its own size.

use std::{collections::HashSet, str};

use dewar_signing::{BigInt, DateTime, Dict, Value};

use super::{Found, MAX_DEPTH, Member, key_text};

/// Reads one value, and nothing after it.
pub(super) fn read(bytes: &[u8]) -> Result<Found, String> {
    let mut input = Input { bytes, at: 0 };
    let found = match input.map_head() {
        Some(count) => Found::Mapping(input.members(count?)?),
        None => Found::Other(input.value(1)?),
    };
    match bytes.len() - input.at {
        0 => Ok(found),
        left => Err(format!("{left} bytes too many")),
    }
}

struct Input<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Input<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| "it ends too early".to_owned())?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// An unsigned number of so many bytes, at most 8.
    fn number(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, bytes: usize) -> Result<usize, String> {
        usize::try_from(self.number(bytes)?).map_err(|_| "a length beyond memory".to_owned())
    }

    /// How many members follow, if a mapping begins here.
    fn map_head(&mut self) -> Option<Result<usize, String>> {
        let first = *self.bytes.get(self.at)?;
        let wide = match first {
            0x80..=0x8f => 0,
            0xde => 2,
            0xdf => 4,
            _ => return None,
        };
        self.at += 1;
        Some(if wide == 0 { Ok(usize::from(first & 0x0f)) } else { self.length(wide) })
    }

    fn members(&mut self, count: usize) -> Result<Vec<Member>, String> {
        let mut members: Vec<Member> = Vec::new();
        let mut names = Names::default();
        for _ in 0..count {
            let key = self.at;
            let name = names.take(&self.value(2)?)?;
            let begin = self.at;
            let value = self.value(2)?;
            members.push(Member { name, key: key..begin, range: begin..self.at, value });
        }
        Ok(members)
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        if let Some(count) = self.map_head() {
            return self.dict(count?, depth + 1);
        }
        let first = self.take(1)?[0];
        Ok(match first {
            0x00..=0x7f => Value::Int(first.into()),
            0x90..=0x9f => self.list(usize::from(first & 0x0f), depth + 1)?,
            0xa0..=0xbf => self.text(usize::from(first & 0x1f))?,
            0xc0 => Value::Null,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            0xc4..=0xc6 => {
                let length = self.length(1 << (first - 0xc4))?;
                Value::Bytes(self.take(length)?.to_vec())
            }
            0xc7..=0xc9 => {
                let length = self.length(1 << (first - 0xc7))?;
                self.extension(length)?
            }
            0xca => {
                let bits = self.number(4)?;
                Value::Float(f32::from_bits(u32::try_from(bits).unwrap_or_default()).into())
            }
            0xcb => Value::Float(f64::from_bits(self.number(8)?)),
            0xcc..=0xcf => unsigned(self.number(1 << (first - 0xcc))?),
            0xd0 => Value::Int((self.number(1)? as u8 as i8).into()),
            0xd1 => Value::Int((self.number(2)? as u16 as i16).into()),
            0xd2 => Value::Int((self.number(4)? as u32 as i32).into()),
            0xd3 => Value::Int(self.number(8)? as i64),
            0xd4..=0xd8 => self.extension(1 << (first - 0xd4))?,
            0xd9..=0xdb => {
                let length = self.length(1 << (first - 0xd9))?;
                self.text(length)?
            }
            0xdc => {
                let count = self.length(2)?;
                self.list(count, depth + 1)?
            }
            0xdd => {
                let count = self.length(4)?;
                self.list(count, depth + 1)?
            }
            0xe0..=0xff => Value::Int((first as i8).into()),
            other => return Err(format!("the byte {other:#04x} begins nothing")),
        })
    }

    fn text(&mut self, length: usize) -> Result<Value, String> {
        let text = str::from_utf8(self.take(length)?).map_err(|_| "text that is not UTF-8")?;
        Ok(Value::Str(text.to_owned()))
    }

    fn list(&mut self, count: usize, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.value(depth)?);
        }
        Ok(Value::List(items))
    }

    fn dict(&mut self, count: usize, depth: usize) -> Result<Value, String> {
        let mut members = Vec::new();
        let mut names = Names::default();
        for _ in 0..count {
            let name = names.take(&self.value(depth)?)?;
            members.push((name, self.value(depth)?));
        }
        Ok(Value::Dict(members.into_iter().collect::<Dict>()))
    }

    /// Of extensions there is one: a moment. A fraction of a second is cut off; it stays in the record
    /// as long as nobody changes the value.
    fn extension(&mut self, length: usize) -> Result<Value, String> {
        let kind = self.take(1)?[0];
        if kind != 0xff {
            return Err(format!("an extension of type {}", kind as i8));
        }
        let (nanoseconds, seconds) = match length {
            4 => (0, self.number(4)? as i64),
            8 => {
                let number = self.number(8)?;
                (number >> 34, (number & ((1 << 34) - 1)) as i64)
            }
            12 => (self.number(4)?, self.number(8)? as i64),
            _ => return Err(format!("a timestamp of {length} bytes")),
        };
        let moment = DateTime::from_unix(seconds).filter(|_| nanoseconds < 1_000_000_000);
        moment.map(Value::DateTime).ok_or_else(|| "a moment beyond the year 9999".to_owned())
    }
}

/// The keys of one mapping, as text.
#[derive(Default)]
struct Names {
    text: HashSet<String>,
    others: HashSet<String>,
}

impl Names {
    /// Of two members with one key the last counts. But `1` and `"1"` are two keys, and neither may be
    /// taken for the other.
    fn take(&mut self, key: &Value) -> Result<String, String> {
        let unfit = || format!("a key of type {}, which has no text", key.type_name());
        let name = key_text(key).ok_or_else(unfit)?;
        let (same, other) = match key {
            Value::Str(_) => (&mut self.text, &self.others),
            _ => (&mut self.others, &self.text),
        };
        if other.contains(&name) {
            return Err("two keys have one text".to_owned());
        }
        same.insert(name.clone());
        Ok(name)
    }
}

fn unsigned(number: u64) -> Value {
    match i64::try_from(number) {
        Ok(number) => Value::Int(number),
        Err(_) => BigInt::parse(&number.to_string()).map_or(Value::Null, Value::BigInt),
    }
}
