//! JSON → values, with the places of the outermost members.

use std::str;

use dewar_signing::{Codec, Dict, Json, Value};

use super::{Found, Member};

/// Reads one value, and nothing but white space around it.
pub(super) fn read(bytes: &[u8]) -> Result<Found, String> {
    let text = str::from_utf8(bytes).map_err(|_| "not UTF-8 text")?;
    match Json::COMPACT.read(text).map_err(|error| error.to_string())? {
        Value::Dict(dict) => members(bytes, &dict).map(Found::Mapping),
        // What Python's `json` takes beside JSON is none.
        Value::Float(number) if !number.is_finite() => Err("a number that is none".to_owned()),
        other => Ok(Found::Other(other)),
    }
}

/// The members of an object that has been read already, so it is sound.
fn members(bytes: &[u8], dict: &Dict) -> Result<Vec<Member>, String> {
    let mut scan = Scan { bytes, at: 0 };
    let mut members = Vec::new();
    scan.blank();
    scan.at += 1;
    loop {
        scan.blank();
        if scan.peek() != Some(b'"') {
            return Ok(members);
        }
        let key = scan.at;
        scan.string();
        let key = key..scan.at;
        scan.blank();
        scan.at += 1;
        scan.blank();
        let begin = scan.at;
        scan.value();
        let range = begin..scan.at;
        scan.blank();
        scan.at += 1;
        let name = match read_slice(bytes, key.clone())? {
            Value::Str(name) => name,
            other => return Err(format!("a key of type {}", other.type_name())),
        };
        // Of members with one name the last counts; where it stands is found by its own value.
        let value = match dict.get(&name) {
            Some(value) => value.clone(),
            None => return Err("a member that was not read".to_owned()),
        };
        members.push(Member { name, key, range, value });
    }
}

fn read_slice(bytes: &[u8], range: std::ops::Range<usize>) -> Result<Value, String> {
    let text = bytes.get(range).and_then(|bytes| str::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| "not UTF-8 text".to_owned())?;
    Json::COMPACT.read(text).map_err(|error| error.to_string())
}

/// Finds ends in JSON that is known to be sound; it stops at the end of the text in any case.
struct Scan<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        self.at = self.at.min(self.bytes.len());
    }

    fn value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string();
                    if depth == 0 {
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}
