//! Values → JSON text, byte for byte as Python writes it.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{LazyValue, MAX_DEPTH, lazy::ToWrite, tags};
use crate::{
    PayloadError,
    value::{Value, write_float},
};

/// What differs between the JSON dialects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    item_separator: &'static str,
    key_separator: &'static str,
    ascii: bool,
    /// Sort the keys, and tag the types that JSON lacks.
    tagged: bool,
}

impl Style {
    pub(super) const SPACED: Self =
        Self { item_separator: ", ", key_separator: ": ", ascii: true, tagged: false };
    pub(super) const COMPACT: Self =
        Self { item_separator: ",", key_separator: ":", ascii: false, tagged: false };
    pub(super) const TAGGED: Self =
        Self { item_separator: ",", key_separator: ":", ascii: true, tagged: true };
}

pub(super) fn write(value: &Value, style: Style) -> Result<String, PayloadError> {
    let mut writer = Writer { out: String::with_capacity(128), style, depth: 0 };
    writer.value(value)?;
    Ok(writer.out)
}

/// Writes one tagged dict.
pub(super) fn write_members<'v>(
    members: impl Iterator<Item = (&'v str, LazyValue<'v>)>,
) -> Result<String, PayloadError> {
    let mut writer = Writer { out: String::with_capacity(128), style: Style::TAGGED, depth: 1 };
    let (mut only, mut last) = (None, None);
    writer.out.push('{');
    for (key, value) in members {
        match last.replace(key) {
            Some(last) if last >= key => return Err(PayloadError::new("keys that do not ascend")),
            Some(_) => {
                only = None;
                writer.out.push(',');
            }
            None => only = Some((key, value)),
        }
        writer.member(key, value)?;
    }
    writer.out.push('}');
    match only {
        // It is escaped; that it is the only one is known at the end.
        Some((key, value)) if tags::is_tag(key) => {
            let mut writer = Writer { out: String::new(), style: Style::TAGGED, depth: 0 };
            // As a value, so that its depth counts.
            writer.sorted_members(std::iter::once((key, &value.to_value())))?;
            Ok(writer.out)
        }
        _ => Ok(writer.out),
    }
}

struct Writer {
    out: String,
    style: Style,
    depth: usize,
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), PayloadError> {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Int(i) => self.integer(*i),
            Value::BigInt(big) => self.out.push_str(big.as_str()),
            Value::Float(f) => self.float(*f),
            Value::Str(s) => self.string(s),
            Value::List(items) => self.list(items)?,
            Value::Dict(dict) if !self.style.tagged => self.members(dict.iter())?,
            Value::Dict(dict) => self.sorted_members(dict.sorted())?,
            // Python's plain JSON knows a tuple as a list and markup as text, and nothing more.
            Value::Tuple(items) if !self.style.tagged => self.list(items)?,
            Value::Markup(s) if !self.style.tagged => self.string(s),
            _ if !self.style.tagged => {
                let name = value.type_name();
                return Err(PayloadError::new(format!("{name} is not JSON serializable")));
            }
            Value::Tuple(items) => self.tag(" t", |w| w.list(items))?,
            Value::Markup(s) => self.tag_text(" m", s)?,
            Value::Bytes(bytes) => self.tag_text(" b", &STANDARD.encode(bytes))?,
            Value::Uuid(uuid) => self.tag_text(" u", &uuid.simple())?,
            Value::DateTime(datetime) => match datetime.to_http_date() {
                Some(date) => self.tag_text(" d", &date)?,
                None => {
                    return Err(PayloadError::new("a datetime outside the years 1 to 9999 in UTC"));
                }
            },
        }
        Ok(())
    }

    fn tag(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut Self) -> Result<(), PayloadError>,
    ) -> Result<(), PayloadError> {
        self.nested('{', '}', |writer| {
            writer.string(name);
            writer.out.push_str(writer.style.key_separator);
            content(writer)
        })
    }

    fn tag_text(&mut self, name: &str, text: &str) -> Result<(), PayloadError> {
        self.tag(name, |writer| {
            writer.string(text);
            Ok(())
        })
    }

    fn list(&mut self, items: &[Value]) -> Result<(), PayloadError> {
        self.nested('[', ']', |writer| {
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    writer.out.push_str(writer.style.item_separator);
                }
                writer.value(item)?;
            }
            Ok(())
        })
    }

    /// A tagged dict: if its only key is a tag, that key is escaped.
    fn sorted_members<'v>(
        &mut self,
        mut members: impl Iterator<Item = (&'v str, impl Into<LazyValue<'v>>)>,
    ) -> Result<(), PayloadError> {
        match (members.next(), members.next()) {
            (Some((key, value)), None) if tags::is_tag(key) => {
                let escaped = format!("{key}__");
                self.tag(" di", |w| w.members([(&*escaped, value)].into_iter()))
            }
            (first, second) => self.members(first.into_iter().chain(second).chain(members)),
        }
    }

    fn members<'k, 'v>(
        &mut self,
        members: impl Iterator<Item = (&'k str, impl Into<LazyValue<'v>>)>,
    ) -> Result<(), PayloadError> {
        self.nested('{', '}', |writer| {
            for (i, (key, value)) in members.enumerate() {
                if i > 0 {
                    writer.out.push_str(writer.style.item_separator);
                }
                writer.member(key, value.into())?;
            }
            Ok(())
        })
    }

    fn member(&mut self, key: &str, value: LazyValue<'_>) -> Result<(), PayloadError> {
        let to_write = value.to_write(key);
        if let ToWrite::Member(member) = to_write {
            self.out.push_str(member);
            return Ok(());
        }
        self.string(key);
        self.out.push_str(self.style.key_separator);
        match to_write {
            ToWrite::Member(text) | ToWrite::Text(text) => self.out.push_str(text),
            ToWrite::Value(value) => self.value(value)?,
        }
        Ok(())
    }

    fn nested(
        &mut self,
        open: char,
        close: char,
        content: impl FnOnce(&mut Self) -> Result<(), PayloadError>,
    ) -> Result<(), PayloadError> {
        if self.depth == MAX_DEPTH {
            return Err(PayloadError::new(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        self.out.push(open);
        content(self)?;
        self.out.push(close);
        self.depth -= 1;
        Ok(())
    }

    fn integer(&mut self, i: i64) {
        use std::fmt::Write;
        // Writing to a `String` cannot fail.
        let _ = write!(self.out, "{i}");
    }

    fn float(&mut self, f: f64) {
        match f {
            f if f.is_nan() => self.out.push_str("NaN"),
            f64::INFINITY => self.out.push_str("Infinity"),
            f64::NEG_INFINITY => self.out.push_str("-Infinity"),
            f => write_float(&mut self.out, f),
        }
    }

    fn string(&mut self, text: &str) {
        // Python's raw form escapes the C0 controls alone; its ASCII form also DEL and above.
        let last_plain = if self.style.ascii { b'~' } else { u8::MAX };
        let is_plain = |byte| (b' '..=last_plain).contains(&byte) && !b"\"\\".contains(&byte);
        let mut rest = text;
        self.out.push('"');
        loop {
            let plain = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
            self.out.push_str(&rest[..plain]);
            let Some(c) = rest[plain..].chars().next() else { break };
            rest = &rest[plain + c.len_utf8()..];
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| self.escape(*unit)),
            }
        }
        self.out.push('"');
    }

    fn escape(&mut self, unit: u16) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.out.push_str("\\u");
        for shift in [12, 8, 4, 0] {
            self.out.push(char::from(HEX[usize::from(unit >> shift & 0xf)]));
        }
    }
}
