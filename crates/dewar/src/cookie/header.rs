//! Room 1: finds cookies in the `Cookie` header, without copying them.
//!
//! The rules, in the order they apply:
//!
//! 1. Several header lines are one list (RFC 9113 8.2.3 lets HTTP/2 split them).
//! 2. At most [`MAX_HEADER_BYTES`] and [`MAX_PAIRS`] are looked at, counted over all lines. A pair
//!    that crosses the border is dropped whole: half a value is never handed out.
//! 3. Names and values lose the spaces and tabs around them, nothing else: no percent-decoding,
//!    no case folding, no Unicode white space, no legacy `$Version` (CVE-2023-26049).
//! 4. A bad pair is skipped, the others survive, whatever bytes the bad one holds.
//! 5. A pair without a name is no cookie (CVE-2023-23934).
//!
//! Time is linear in the bytes looked at. Only a value with escapes or bytes above 0x7F, and only
//! under [`Grammar::Werkzeug`], is copied.

mod piece;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use http::HeaderValue;
use piece::Pair;
pub(super) use piece::trim;

/// How many bytes of `Cookie` header are looked at, summed over all lines: 16 KiB.
///
/// Browsers stop at 4 KiB per cookie and common servers at 8 to 32 KiB per request; what lies
/// beyond is not parsed.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// How many pairs are looked at, summed over all lines, bad ones included: 200.
///
/// Browsers keep 50 to 180 cookies per site (RFC 6265 6.1 asks for 50).
pub const MAX_PAIRS: usize = 200;

/// How pairs are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grammar {
    /// RFC 6265: split at `;`, quotes are ordinary bytes, a pair without `=` is ignored.
    Rfc6265,
    /// Werkzeug's: quoted values with escapes, a name without `=` has an empty value.
    ///
    /// Values are the UTF-8 form of the text Flask sees: bytes above 0x7F count as Latin-1, as
    /// WSGI hands them over, while octal escapes give raw bytes. A value that is not UTF-8 then
    /// shows U+FFFD in Flask; the bytes are left as they are here.
    Werkzeug,
}

/// What may still be looked at.
#[derive(Clone, Copy, Debug)]
struct Budget {
    bytes: usize,
    pairs: usize,
}

impl Budget {
    const WHOLE: Self = Self { bytes: MAX_HEADER_BYTES, pairs: MAX_PAIRS };
}

/// Yields the name and value of every cookie in one header line, in wire order.
///
/// # Example
/// ```
/// use dewar::cookie::{Grammar, pairs};
///
/// let mut found = pairs(b"theme=dark; \xFF; session=eyJhIjoxfQ", Grammar::Rfc6265);
/// assert_eq!(found.next().unwrap().0, b"theme");
/// assert_eq!(found.next().unwrap().1.as_ref(), b"eyJhIjoxfQ");
/// assert!(found.next().is_none() && !found.cut());
/// ```
///
/// # Flask
/// `werkzeug.http.parse_cookie`, with [`Grammar::Werkzeug`].
pub fn pairs(header: &[u8], grammar: Grammar) -> Pairs<'_> {
    Pairs::within(Budget::WHOLE, header, grammar)
}

/// Yields every value of the named cookie over all `Cookie` lines, in wire order.
///
/// The caller decides what two values of one name mean; a browser may well send both its own and
/// one that a sibling subdomain planted (RFC 6265 8.6).
///
/// # Example
/// ```
/// use dewar::cookie::{Grammar, values};
/// use http::{HeaderMap, HeaderValue, header::COOKIE};
///
/// let mut headers = HeaderMap::new();
/// headers.append(COOKIE, HeaderValue::from_static("theme=dark; id=7"));
/// headers.append(COOKIE, HeaderValue::from_static("id=8"));
/// let found: Vec<_> = values(headers.get_all(COOKIE).iter(), "id", Grammar::Rfc6265).collect();
/// assert_eq!(found, [b"7".as_slice(), b"8"]);
/// ```
pub fn values<'h, 'n, I>(headers: I, name: &'n str, grammar: Grammar) -> Values<'h, 'n, I::IntoIter>
where
    I: IntoIterator<Item = &'h HeaderValue>,
{
    let line = Pairs::within(Budget::WHOLE, &[], grammar);
    Values { lines: headers.into_iter(), line, name: name.as_bytes(), others: false }
}

/// The cookies of one header line: see [`pairs`].
#[derive(Clone)]
pub struct Pairs<'h> {
    rest: &'h [u8],
    grammar: Grammar,
    left: Budget,
    /// The line goes on beyond `rest`.
    clipped: bool,
    cut: bool,
}

impl<'h> Pairs<'h> {
    fn within(left: Budget, header: &'h [u8], grammar: Grammar) -> Self {
        let (rest, beyond) = header.split_at(header.len().min(left.bytes));
        let left = Budget { bytes: left.bytes - rest.len(), ..left };
        Self { rest, grammar, left, clipped: !beyond.is_empty(), cut: false }
    }

    /// Says whether something was ignored because it lay beyond a limit.
    ///
    /// Known when the iterator has ended.
    pub fn cut(&self) -> bool {
        self.cut
    }

    fn next_pair(&mut self) -> Option<Pair<'h>> {
        while !self.rest.is_empty() {
            let (end, pair) = match self.grammar {
                Grammar::Rfc6265 => piece::rfc6265(self.rest),
                Grammar::Werkzeug => piece::werkzeug(self.rest),
            };
            if end == self.rest.len() && self.clipped {
                break; // the rest of this pair lies beyond the limit
            }
            let blank = trim(&self.rest[..end]).is_empty();
            if !blank && self.left.pairs == 0 {
                self.clipped = true;
                break;
            }
            self.left.pairs -= usize::from(!blank);
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            if pair.is_some() {
                return pair;
            }
        }
        self.cut |= self.clipped;
        self.rest = &[];
        None
    }
}

impl<'h> Iterator for Pairs<'h> {
    type Item = (&'h [u8], Cow<'h, [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.next_pair().map(|pair| (pair.name, pair.value()))
    }
}

/// The values of one cookie: see [`values`].
#[derive(Clone)]
pub struct Values<'h, 'n, I> {
    lines: I,
    line: Pairs<'h>,
    name: &'n [u8],
    others: bool,
}

impl<I> Values<'_, '_, I> {
    /// Says whether something was ignored because it lay beyond a limit.
    ///
    /// Known when the iterator has ended.
    pub fn cut(&self) -> bool {
        self.line.cut
    }

    /// Says whether a cookie of another name was passed on the way.
    ///
    /// It tells "no cookie at all" from "other names only". Known when the iterator has ended.
    pub fn others(&self) -> bool {
        self.others
    }
}

impl<'h, I: Iterator<Item = &'h HeaderValue>> Iterator for Values<'h, '_, I> {
    type Item = Cow<'h, [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(pair) = self.line.next_pair() {
                if pair.name == self.name {
                    return Some(pair.value());
                }
                self.others = true;
            }
            let Pairs { left, grammar, cut, .. } = self.line;
            self.line = Pairs::within(left, self.lines.next()?.as_bytes(), grammar);
            self.line.cut |= cut;
        }
    }
}

// Cookie values are secrets: neither iterator prints what it walks over.
impl std::fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pairs")
            .field("bytes_left", &self.rest.len())
            .field("grammar", &self.grammar)
            .field("cut", &self.cut)
            .finish()
    }
}

impl<I> std::fmt::Debug for Values<'_, '_, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = String::from_utf8_lossy(self.name);
        f.debug_struct("Values").field("name", &name).field("line", &self.line).finish()
    }
}
