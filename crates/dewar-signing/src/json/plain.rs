//! Tagged JSON that reads and writes back to the very same bytes: told without making a value.
//!
//! | plain | not plain, though it may be sound |
//! |---|---|
//! | text of visible ASCII and blanks | escapes, `"`, anything beyond `~` |
//! | an integer of up to 18 digits | a float, `-0`, a longer integer |
//! | `true`, `false`, `null` | `NaN`, `Infinity` |
//! | a list or dict of such values | blanks between them; keys out of order |
//! | | a dict with a key that begins like a tag |
//!
//! Whoever gets `None` here asks the reader: it knows every other form, and every error.

use super::{MAX_DEPTH, read, tags};
use crate::value::Value;

/// Longer integers may not fit 64 bits.
const MAX_DIGITS: usize = 18;

/// The value that plain text stands for.
pub(super) fn read(text: &str) -> Value {
    let read = || read::read(text, &mut tags::resolve).expect("plain text is sound");
    match text.as_bytes() {
        [b'"', .., b'"'] => Value::Str(text[1..text.len() - 1].to_owned()),
        [b'-' | b'0'..=b'9', ..] => text.parse().map_or_else(|_| read(), Value::Int),
        _ => read(),
    }
}

/// The end of the plain value that begins at `at`.
pub(super) fn value(text: &[u8], at: usize, depth: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string(text, at),
        b'-' | b'0'..=b'9' => integer(text, at),
        b'[' if depth < MAX_DEPTH => list(text, at, depth + 1),
        b'{' if depth < MAX_DEPTH => dict(text, at, depth + 1),
        b't' => word(text, at, b"true"),
        b'f' => word(text, at, b"false"),
        b'n' => word(text, at, b"null"),
        _ => None,
    }
}

fn word(text: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    text[at..].starts_with(word).then_some(at + word.len())
}

fn string(text: &[u8], at: usize) -> Option<usize> {
    let content = text.get(at..)?.strip_prefix(b"\"")?;
    let len = content.iter().position(|&byte| !IS_PLAIN[usize::from(byte)])?;
    (content[len] == b'"').then_some(at + len + 2)
}

/// The bytes that stand for themselves between quotes.
const IS_PLAIN: [bool; 256] = {
    let mut is_plain = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        is_plain[byte as usize] = byte != b'"' && byte != b'\\';
        byte += 1;
    }
    is_plain
};

fn integer(text: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(text[at] == b'-');
    let digits = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sound = match text.get(start)? {
        b'0' => start == at && digits == 1,
        _ => (1..=MAX_DIGITS).contains(&digits),
    };
    let end = start + digits;
    let goes_on = matches!(text.get(end), Some(b'.' | b'e' | b'E'));
    (sound && !goes_on).then_some(end)
}

fn list(text: &[u8], at: usize, depth: usize) -> Option<usize> {
    let mut at = at + 1;
    if text.get(at) == Some(&b']') {
        return Some(at + 1);
    }
    loop {
        at = value(text, at, depth)?;
        match text.get(at)? {
            b',' => at += 1,
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}

fn dict(text: &[u8], at: usize, depth: usize) -> Option<usize> {
    let mut at = at + 1;
    if text.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    let mut last = None;
    loop {
        let end = key(text, at, last)?;
        last = Some(&text[at + 1..end]);
        at = value(text, end + 2, depth)?;
        match text.get(at)? {
            b',' => at += 1,
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Where the key that begins at `at` has its closing quote; behind it stands a colon. The key comes
/// after `last`, the one before it.
pub(super) fn key(text: &[u8], at: usize, last: Option<&[u8]>) -> Option<usize> {
    let end = string(text, at)? - 1;
    let key = &text[at + 1..end];
    // A tag begins with a blank, and stands for a value of another type.
    let is_tag = key.first() == Some(&b' ');
    let is_plain =
        !is_tag && last.is_none_or(|last| last < key) && text.get(end + 1) == Some(&b':');
    is_plain.then_some(end)
}
