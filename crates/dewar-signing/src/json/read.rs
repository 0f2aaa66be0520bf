//! JSON text → values, as Python's `json.loads` reads it.

use super::MAX_DEPTH;
use crate::{
    PayloadError,
    value::{BigInt, Dict, Value},
};

/// Reads one JSON document. `object` sees every finished object, innermost first, and says what
/// it stands for: the place where tags are resolved.
pub(super) fn read<F>(text: &str, object: &mut F) -> Result<Value, PayloadError>
where
    F: FnMut(Dict) -> Result<Value, PayloadError>,
{
    let mut reader = Reader { text, at: 0, depth: 0, object };
    let value = reader.value()?;
    reader.skip_blanks();
    if reader.at < text.len() { Err(reader.error("extra data")) } else { Ok(value) }
}

/// Reads the value that begins at `at`, within `depth` objects and lists; gives where it ends, too.
pub(super) fn read_at<F>(
    text: &str,
    at: usize,
    depth: usize,
    object: &mut F,
) -> Result<(Value, usize), PayloadError>
where
    F: FnMut(Dict) -> Result<Value, PayloadError>,
{
    let mut reader = Reader { text, at, depth, object };
    let value = reader.value()?;
    reader.skip_blanks();
    Ok((value, reader.at))
}

struct Reader<'t, F> {
    text: &'t str,
    /// Always on a character boundary: only ASCII is stepped over byte by byte.
    at: usize,
    depth: usize,
    object: &'t mut F,
}

impl<F: FnMut(Dict) -> Result<Value, PayloadError>> Reader<'_, F> {
    fn value(&mut self) -> Result<Value, PayloadError> {
        self.skip_blanks();
        match self.peek() {
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b'{') => self.nested(Self::members),
            Some(b'[') => self.nested(Self::items),
            Some(b'-' | b'0'..=b'9') if !self.rest().starts_with("-Infinity") => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value, PayloadError> {
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error("a value was expected"))
    }

    fn nested(
        &mut self,
        content: impl FnOnce(&mut Self) -> Result<Value, PayloadError>,
    ) -> Result<Value, PayloadError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error("nested too deep"));
        }
        self.depth += 1;
        self.at += 1;
        let value = content(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn items(&mut self) -> Result<Value, PayloadError> {
        let mut items = Vec::new();
        self.skip_blanks();
        if self.take(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_blanks();
            if self.take(b']') {
                return Ok(Value::List(items));
            }
            self.expect(b',')?;
        }
    }

    fn members(&mut self) -> Result<Value, PayloadError> {
        let mut members = Vec::new();
        self.skip_blanks();
        while !self.take(b'}') {
            if !members.is_empty() {
                self.expect(b',')?;
                self.skip_blanks();
            }
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in double quotes was expected"));
            }
            let key = self.string()?;
            self.skip_blanks();
            self.expect(b':')?;
            members.push((key, self.value()?));
            self.skip_blanks();
        }
        (self.object)(members.into_iter().collect())
    }

    fn number(&mut self) -> Result<Value, PayloadError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err(self.error("a digit was expected"));
        }
        let whole = self.at;
        // A point or an exponent without digits is not part of the number: what follows then fails.
        self.part(|reader| reader.take(b'.') && reader.digits() > 0);
        self.part(|reader| {
            let exponent = reader.take(b'e') || reader.take(b'E');
            let _sign = reader.take(b'-') || reader.take(b'+');
            exponent && reader.digits() > 0
        });
        let text = &self.text[start..self.at];
        if self.at > whole {
            let float = text.parse().map_err(|_| self.error("not a number"))?;
            return Ok(Value::Float(float));
        }
        match text.parse() {
            Ok(small) => Ok(Value::Int(small)),
            Err(_) => match BigInt::parse(text) {
                Some(big) => Ok(Value::BigInt(big)),
                None => Err(self.error("an integer has over 4300 digits")),
            },
        }
    }

    fn part(&mut self, read: impl FnOnce(&mut Self) -> bool) {
        let start = self.at;
        if !read(self) {
            self.at = start;
        }
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        count
    }

    fn string(&mut self) -> Result<String, PayloadError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.bytes().position(|b| b == b'"' || b == b'\\' || b < 0x20);
            let Some(plain) = plain else { return Err(self.error("unterminated string")) };
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.error("raw control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, PayloadError> {
        self.at += 1;
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.error("invalid escape")),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Result<char, PayloadError> {
        let first = self.code_unit()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            self.at += 1;
            units.push(self.code_unit()?);
        }
        let mut decoded = char::decode_utf16(units);
        match (decoded.next(), decoded.next()) {
            (Some(Ok(c)), None) => Ok(c),
            _ => Err(self.error("lone surrogate")),
        }
    }

    /// Reads `uXXXX`.
    fn code_unit(&mut self) -> Result<u16, PayloadError> {
        let digits = self.text.get(self.at + 1..self.at + 5);
        let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|d| u16::from_str_radix(d, 16).ok()) {
            Some(unit) => {
                self.at += 5;
                Ok(unit)
            }
            None => Err(self.error("invalid \\uXXXX escape")),
        }
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), PayloadError> {
        if self.take(byte) {
            return Ok(());
        }
        Err(self.error(&format!("`{}` was expected", char::from(byte))))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Names the place, never the text: it may hold what must not reach a log.
    fn error(&self, what: &str) -> PayloadError {
        PayloadError::new(format!("{what} at byte {}", self.at))
    }
}
