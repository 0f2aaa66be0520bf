//! Room 6: writes `Set-Cookie`, in the order Werkzeug does.
//!
//! ```text
//! name=value; Domain=…; Expires=…; Max-Age=…; Secure; HttpOnly; Path=…; SameSite=…; Partitioned
//! └ each ──┘  └ once ─┘ └──── each ─────────┘ └────────────────── once ──────────────────────┘
//! ```

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use dewar_signing::DateTime;
use http::{
    HeaderMap, HeaderValue,
    header::{Entry, SET_COOKIE},
};

use super::CookieAttributes;

const EXPIRES: &str = "; Expires=";
/// `Thu, 01 Jan 1970 00:00:00 GMT`
const DATE_BYTES: usize = 29;
const MAX_AGE: &str = "; Max-Age=";

impl CookieAttributes {
    /// Gives the cookie a value, for as long as the browser runs.
    ///
    /// A value with bytes outside RFC 6265's `cookie-octet` is written between quotes, with
    /// escapes, as Werkzeug does. Tokens of dewar never need that.
    pub fn set<'a>(&'a self, value: &'a str) -> SetCookie<'a> {
        SetCookie { cookie: self, value, expires: None, max_age: None }
    }

    /// The header that makes a browser forget the cookie.
    ///
    /// It repeats every attribute: a browser takes a removal with another path or domain for
    /// another cookie, and ignores one without `Secure` for a `__Host-` name. Rendered once.
    pub fn removal(&self) -> HeaderValue {
        self.removal.clone()
    }

    /// The header for a token that `write` puts into its place: nothing of it is copied. It takes
    /// about `room` bytes.
    pub(crate) fn set_token(
        &self,
        expires: Option<SystemTime>,
        room: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> HeaderValue {
        let cookie = SetCookie { expires: expires.map(Into::into), ..self.set("") };
        let mut text = Vec::with_capacity(cookie.size() + room);
        text.extend_from_slice(self.name.as_bytes());
        text.push(b'=');
        let value = text.len();
        write(&mut text);
        debug_assert!(text[value..].iter().copied().all(is_cookie_octet), "it needs no quotes");
        cookie.push_attributes(&mut text);
        sensitive(text)
    }

    pub(super) fn rendered(name: String, secure: bool, head: String, tail: String) -> Self {
        let removal = HeaderValue::from_static("");
        let cookie = Self { name, secure, head, tail, removal };
        let removal = cookie.set("").expires(UNIX_EPOCH).max_age(Duration::ZERO).to_header();
        Self { removal, ..cookie }
    }
}

/// One `Set-Cookie` header about to be written: see [`CookieAttributes::set`].
#[derive(Clone, Copy)]
#[must_use]
pub struct SetCookie<'a> {
    cookie: &'a CookieAttributes,
    value: &'a str,
    expires: Option<DateTime>,
    /// In seconds.
    max_age: Option<u64>,
}

impl SetCookie<'_> {
    /// Lets the cookie outlive the browser until this instant.
    ///
    /// Counted in whole seconds, a fraction is cut. An instant outside the years 1 to 9999 becomes
    /// the nearest one inside.
    pub fn expires(self, at: SystemTime) -> Self {
        Self { expires: Some(at.into()), ..self }
    }

    /// Lets the cookie live this long, in whole seconds. Zero removes it.
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: Some(age.as_secs()), ..self }
    }

    /// The length of the header's value in bytes: name, value and all attributes.
    ///
    /// Nothing is written to find it out. Flask measures the same against `MAX_COOKIE_SIZE`.
    pub fn size(&self) -> usize {
        let CookieAttributes { head, tail, .. } = self.cookie;
        self.cookie.name().len()
            + "=".len()
            + written_len(self.value)
            + head.len()
            + self.expires.map_or(0, |_| EXPIRES.len() + DATE_BYTES)
            + self.max_age.map_or(0, |age| MAX_AGE.len() + digits(age))
            + tail.len()
    }

    /// Writes the header's value, marked as sensitive so that it neither prints nor enters a
    /// compression table.
    pub fn to_header(&self) -> HeaderValue {
        let mut text = Vec::with_capacity(self.size());
        text.extend_from_slice(self.cookie.name().as_bytes());
        text.push(b'=');
        push_value(&mut text, self.value);
        self.push_attributes(&mut text);
        debug_assert_eq!(text.len(), self.size());
        sensitive(text)
    }

    fn push_attributes(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(self.cookie.head.as_bytes());
        if let Some(date) = self.expires.and_then(|at| at.to_http_date()) {
            text.extend_from_slice(EXPIRES.as_bytes());
            text.extend_from_slice(date.as_bytes());
        }
        if let Some(age) = self.max_age {
            text.extend_from_slice(MAX_AGE.as_bytes());
            text.extend_from_slice(age.to_string().as_bytes());
        }
        text.extend_from_slice(self.cookie.tail.as_bytes());
    }
}

fn sensitive(text: Vec<u8>) -> HeaderValue {
    let mut header = HeaderValue::try_from(text)
        .expect("a token, an escaped value and checked attributes are visible ASCII");
    header.set_sensitive(true);
    header
}

// The value is the session, or the secret that opens it.
impl fmt::Debug for SetCookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie")
            .field("name", &self.cookie.name())
            .field("size", &self.size())
            .field("expires", &self.expires)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// RFC 6265 4.1.1: what may stand in a value without quotes.
fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// How many bytes one byte takes between quotes.
fn quoted_len(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' => 2,
        b' ' => 1,
        _ if is_cookie_octet(byte) => 1,
        _ => 4,
    }
}

fn written_len(value: &str) -> usize {
    if value.bytes().all(is_cookie_octet) {
        return value.len();
    }
    2 + value.bytes().map(quoted_len).sum::<usize>()
}

fn push_value(text: &mut Vec<u8>, value: &str) {
    if value.bytes().all(is_cookie_octet) {
        return text.extend_from_slice(value.as_bytes());
    }
    text.push(b'"');
    for byte in value.bytes() {
        match quoted_len(byte) {
            1 => text.push(byte),
            2 => text.extend([b'\\', byte]),
            _ => text.extend([b'\\', octal(byte >> 6), octal(byte >> 3), octal(byte)]),
        }
    }
    text.push(b'"');
}

fn octal(bits: u8) -> u8 {
    b'0' + (bits & 7)
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Puts our `Set-Cookie` last and drops the handler's own ones of exactly this name.
///
/// RFC 6265 4.1.1 asks for one header per name and response; which of two a browser keeps is a
/// race nobody should run. All other cookies stay, in order.
pub(crate) fn replace_set_cookie(headers: &mut HeaderMap, name: &str, value: HeaderValue) {
    let Entry::Occupied(mut entry) = headers.entry(SET_COOKIE) else {
        headers.insert(SET_COOKIE, value);
        return;
    };
    if entry.iter().all(|other| name_of(other) != name.as_bytes()) {
        entry.append(value);
        return;
    }
    let mut kept: Vec<_> =
        entry.iter().filter(|other| name_of(other) != name.as_bytes()).cloned().collect();
    kept.push(value);
    let mut kept = kept.into_iter();
    if let Some(first) = kept.next() {
        entry.insert(first);
    }
    kept.for_each(|other| entry.append(other));
}

/// The name a browser finds in a `Set-Cookie` line (RFC 6265bis 5.6).
fn name_of(header: &HeaderValue) -> &[u8] {
    let pair = header.as_bytes().split(|&b| b == b';').next().unwrap_or_default();
    let equals = pair.iter().position(|&b| b == b'=').unwrap_or(0);
    super::header::trim(&pair[..equals])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(lines: &[&'static str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        replace_set_cookie(&mut headers, "id", HeaderValue::from_static("id=ours"));
        let text = |line: &HeaderValue| line.to_str().expect("visible text").to_owned();
        headers.get_all(SET_COOKIE).iter().map(text).collect()
    }

    #[test]
    fn only_the_cookie_of_exactly_this_name_is_replaced() {
        let cases: &[(&[&str], &[&str])] = &[
            (&[], &["id=ours"]),
            (&["a=1", "b=2"], &["a=1", "b=2", "id=ours"]),
            (&["id=1"], &["id=ours"]),
            (&["a=1", "id=1; Path=/", "b=2", " id\t= 2"], &["a=1", "b=2", "id=ours"]),
            (&["ID=1", "i%64=1", "\"id\"=1"], &["ID=1", "i%64=1", "\"id\"=1", "id=ours"]),
            (&["id", "x; id=1", "=id=1"], &["id", "x; id=1", "=id=1", "id=ours"]),
        ];
        for (before, expected) in cases {
            assert_eq!(replaced(before), *expected, "{before:?}");
        }
    }

    #[test]
    fn the_size_is_known_before_anything_is_written() {
        let built = CookieAttributes::builder("id").domain("shop.example".to_owned()).build();
        let cookie = built.expect("sound attributes");
        for value in ["", "eyJh.x-y", "a b", "\"\\;\u{e9}"] {
            let set = cookie.set(value);
            for age in [0, 9, 10, 99, 100, u64::MAX] {
                let set = set.max_age(Duration::from_secs(age)).expires(UNIX_EPOCH);
                assert_eq!(set.size(), set.to_header().len(), "{value:?} {age}");
            }
            assert_eq!(set.size(), set.to_header().len(), "{value:?}");
        }
    }

    #[test]
    fn an_instant_out_of_range_becomes_the_nearest_one() {
        let cookie = CookieAttributes::builder("id").build().expect("sound attributes");
        let second = Duration::from_secs(1);
        let far = Duration::from_secs(1 << 40);
        let cases = [
            (UNIX_EPOCH + second / 2, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (UNIX_EPOCH - second / 2, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (UNIX_EPOCH - second, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (UNIX_EPOCH + far, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (UNIX_EPOCH - far, "Mon, 01 Jan 0001 00:00:00 GMT"),
        ];
        for (at, date) in cases {
            let header = cookie.set("x").expires(at).to_header();
            let text = header.to_str().expect("visible text");
            assert!(text.contains(&format!("; Expires={date};")), "{text}");
        }
    }

    #[test]
    fn the_value_is_never_printed() {
        let cookie = CookieAttributes::builder("id").build().expect("sound attributes");
        let set = cookie.set("hush");
        assert!(!format!("{set:?}{:?}", set.to_header()).contains("hush"));
    }
}
