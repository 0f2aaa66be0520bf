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

use std::ops::Range;

use super::MAX_DEPTH;

/// Longer integers may not fit 64 bits.
const MAX_DIGITS: usize = 18;

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
    let mut keys = Keys::default();
    loop {
        at = value(text, keys.next(text, at)?.1, depth)?;
        match text.get(at)? {
            b',' => at += 1,
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// The keys of one object, which must ascend.
#[derive(Default)]
pub(super) struct Keys(Option<Range<usize>>);

impl Keys {
    /// Where the key that begins at `at` stands, without its quotes, and where its value begins.
    pub(super) fn next(&mut self, text: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
        let end = string(text, at)?;
        let key = at + 1..end - 1;
        let ascends = self.0.take().is_none_or(|last| text[last] < text[key.clone()]);
        // A tag begins with a blank, and stands for a value of another type.
        let is_plain = ascends && text[key.start] != b' ' && text.get(end) == Some(&b':');
        self.0 = Some(key.clone());
        is_plain.then_some((key, end + 1))
    }
}
