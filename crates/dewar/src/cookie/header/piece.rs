//! One piece of the header: where it ends, and the cookie in it, if it holds one.

use std::borrow::Cow;

/// A cookie as it lies in the header; the value is decoded only when somebody wants it.
#[derive(Clone, Copy)]
pub(super) struct Pair<'h> {
    pub(super) name: &'h [u8],
    value: Raw<'h>,
}

/// A value as it lies in the header.
#[derive(Clone, Copy)]
enum Raw<'h> {
    /// Taken as it is.
    Bytes(&'h [u8]),
    /// Between quotes, with escapes; the quotes are cut off.
    Quoted(&'h [u8]),
    /// Text in Latin-1.
    Text(&'h [u8]),
}

impl<'h> Pair<'h> {
    pub(super) fn value(&self) -> Cow<'h, [u8]> {
        match self.value {
            Raw::Bytes(raw) => Cow::Borrowed(raw),
            Raw::Text(raw) if raw.is_ascii() => Cow::Borrowed(raw),
            Raw::Quoted(raw) if raw.is_ascii() && !raw.contains(&b'\\') => Cow::Borrowed(raw),
            Raw::Text(raw) => {
                let mut value = Vec::with_capacity(raw.len() * 2);
                raw.iter().for_each(|&byte| push_latin1(&mut value, byte));
                Cow::Owned(value)
            }
            Raw::Quoted(raw) => Cow::Owned(unescape(raw)),
        }
    }
}

/// Reads up to the next `;`, or to the end.
pub(super) fn rfc6265(header: &[u8]) -> (usize, Option<Pair<'_>>) {
    let end = find(b';', header).unwrap_or(header.len());
    let piece = &header[..end];
    let Some(equals) = piece.iter().position(|&b| b == b'=') else { return (end, None) };
    let name = trim(&piece[..equals]);
    let value = Raw::Bytes(trim(&piece[equals + 1..]));
    (end, (!name.is_empty()).then_some(Pair { name, value }))
}

/// Reads one piece as Werkzeug does; a quoted value may hold `;`.
pub(super) fn werkzeug(header: &[u8]) -> (usize, Option<Pair<'_>>) {
    match werkzeug_pair(header) {
        Some((end, pair)) => (end, Some(pair)),
        // A piece that is no cookie ends at the very first `;`, even between quotes.
        None => (find(b';', header).unwrap_or(header.len()), None),
    }
}

fn werkzeug_pair(header: &[u8]) -> Option<(usize, Pair<'_>)> {
    let start = skip_blanks(header, 0);
    let name_end = skip_to(header, start, |b| matches!(b, b' ' | b'\t' | b'=' | b';' | b'"'));
    let name = &header[start..name_end];
    let mut at = skip_blanks(header, name_end);
    let mut value = Raw::Text(&[]);
    if header.get(at) == Some(&b'=') {
        let start = skip_blanks(header, at + 1);
        if header.get(start) == Some(&b'"') {
            let quote = closing_quote(header, start + 1)?;
            value = Raw::Quoted(&header[start + 1..quote]);
            at = quote + 1;
        } else {
            at = skip_to(header, start, |b| matches!(b, b' ' | b'\t' | b';' | b'"'));
            value = Raw::Text(&header[start..at]);
        }
        at = skip_blanks(header, at);
    }
    let ended = matches!(header.get(at), None | Some(b';'));
    (ended && !name.is_empty()).then_some((at, Pair { name, value }))
}

/// Finds the quote that ends a quoted value.
///
/// A quote that opens a value follows `=` or a blank, never a backslash, so it always closes a
/// value that was left open before it: no byte is scanned here more than twice.
fn closing_quote(header: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        looked_at(1);
        match header.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Undoes `\ooo` (up to `\377`) and `\x`.
fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(raw.len() * 2);
    let mut rest = raw;
    loop {
        match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                value.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = tail;
            }
            [b'\\', byte, tail @ ..] | [byte, tail @ ..] => {
                push_latin1(&mut value, *byte);
                rest = tail;
            }
            [] => return value,
        }
    }
}

fn push_latin1(value: &mut Vec<u8>, byte: u8) {
    value.extend_from_slice(char::from(byte).encode_utf8(&mut [0; 2]).as_bytes());
}

/// Cuts off spaces and tabs, and nothing else: `str::trim` would also cut U+00A0 and its kin, and
/// make a forged name equal to ours (CVE-2026-39410).
pub(in crate::cookie) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

fn skip_blanks(header: &[u8], from: usize) -> usize {
    skip_to(header, from, |b| !matches!(b, b' ' | b'\t'))
}

fn skip_to(header: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> usize {
    let rest = header.get(from..).unwrap_or_default();
    let skipped = rest.iter().position(|&b| stop(b)).unwrap_or(rest.len());
    looked_at(skipped);
    from + skipped
}

/// Finds a byte, eight at a time: most of a `Cookie` header is other people's cookies.
fn find(needle: u8, haystack: &[u8]) -> Option<usize> {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let pattern = u64::from_ne_bytes([needle; 8]);
    let mut rest = haystack;
    while let Some(eight) = rest.first_chunk::<8>() {
        // A byte equal to the needle becomes zero, and only a zero borrows into its high bit.
        let zeros = u64::from_ne_bytes(*eight) ^ pattern;
        if zeros.wrapping_sub(LOW) & !zeros & HIGH != 0 {
            break;
        }
        rest = &rest[8..];
    }
    let skipped = haystack.len() - rest.len();
    let found = rest.iter().position(|&b| b == needle).map(|at| skipped + at);
    looked_at(found.unwrap_or(haystack.len()));
    found
}

/// Counts the bytes the scans above touch, so that a test can prove time linear without a clock.
#[cfg(test)]
pub(super) fn looked_at(bytes: usize) {
    LOOKED_AT.with(|sum| sum.set(sum.get() + bytes));
}

#[cfg(not(test))]
fn looked_at(_: usize) {}

#[cfg(test)]
thread_local! {
    pub(super) static LOOKED_AT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
