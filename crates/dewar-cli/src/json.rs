//! Contents as text that a terminal can show: JSON, in which nothing is hidden.
//!
//! Characters that a terminal would obey, hide or reorder are escaped, so the text is safe to
//! print, and what was escaped is still the same JSON.

use dewar_signing::{Dict, Value};

use crate::terminal::is_hidden;

/// One line of JSON.
pub(crate) fn one_line(value: &Value) -> String {
    write(value, Style { lines: false, words: false })
}

/// Indented, and with a word before each value of a type that JSON lacks: `tuple [1, 2]`.
pub(crate) fn for_people(value: &Value) -> String {
    write(value, Style { lines: true, words: true })
}

/// The same JSON as in one line, indented.
pub(crate) fn indented(value: &Value) -> String {
    write(value, Style { lines: true, words: false })
}

fn write(value: &Value, style: Style) -> String {
    let mut writer = Writer { out: String::new(), style, depth: 0 };
    writer.value(value);
    writer.out
}

#[derive(Clone, Copy)]
struct Style {
    /// Each member stands in a line of its own.
    lines: bool,
    /// A word says which type a value has that JSON lacks.
    words: bool,
}

struct Writer {
    out: String,
    style: Style,
    depth: usize,
}

impl Writer {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            // JSON has no NaN and no infinity.
            Value::Float(f) if !f.is_finite() && !self.style.words => self.out.push_str("null"),
            Value::Int(_) | Value::BigInt(_) | Value::Float(_) => {
                self.out.push_str(&value.to_python_text());
            }
            Value::Str(text) => self.text(text),
            Value::Bytes(bytes) => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                self.word(value);
                self.text(&hex);
            }
            Value::List(items) | Value::Tuple(items) => {
                self.word(value);
                self.list(items);
            }
            Value::Dict(dict) => self.dict(dict),
            // Markup, a UUID, a datetime, and whatever comes: as Python prints it.
            other => {
                self.word(value);
                self.text(&other.to_python_text());
            }
        }
    }

    fn word(&mut self, value: &Value) {
        if self.style.words && !matches!(value, Value::List(_)) {
            self.out.push_str(value.type_name());
            self.out.push(' ');
        }
    }

    fn list(&mut self, items: &[Value]) {
        self.members('[', ']', items.iter(), |writer, item| writer.value(item));
    }

    fn dict(&mut self, dict: &Dict) {
        self.members('{', '}', dict.iter(), |writer, (key, value)| {
            writer.text(key);
            writer.out.push_str(if writer.style.lines { ": " } else { ":" });
            writer.value(value);
        });
    }

    fn members<T>(
        &mut self,
        open: char,
        close: char,
        members: impl ExactSizeIterator<Item = T>,
        write: impl Fn(&mut Self, T),
    ) {
        let last = members.len().checked_sub(1);
        self.out.push(open);
        self.depth += 1;
        for (i, member) in members.enumerate() {
            self.line();
            write(self, member);
            if Some(i) != last {
                self.out.push(',');
            }
        }
        self.depth -= 1;
        if last.is_some() {
            self.line();
        }
        self.out.push(close);
    }

    fn line(&mut self) {
        if self.style.lines {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", self.depth));
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c if is_hidden(c) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        self.out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Value {
        Value::Dict(Dict::from([
            ("pair", Value::Tuple(vec![1.into(), Value::Float(f64::NAN)])),
            ("raw", Value::Bytes(vec![0, 255])),
            ("text", "é\x1b\u{202e}\u{e0041}\n\"".into()),
            ("none", Value::List(vec![])),
        ]))
    }

    #[test]
    fn people_see_types_and_nothing_hidden() {
        let expected = r#"{
  "pair": tuple [
    1,
    nan
  ],
  "raw": bytes "00ff",
  "text": "é\u001b\u202e\udb40\udc41\n\"",
  "none": []
}"#;
        assert_eq!(for_people(&session()), expected);
    }

    #[test]
    fn one_line_is_json() {
        let line = one_line(&session());
        let expected =
            r#"{"pair":[1,null],"raw":"00ff","text":"é\u001b\u202e\udb40\udc41\n\"","none":[]}"#;
        assert_eq!(line, expected);
        let read: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(read["text"], "é\x1b\u{202e}\u{e0041}\n\"");
    }
}
