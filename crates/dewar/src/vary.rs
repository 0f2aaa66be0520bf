//! What caches between us and the browser may do with a response: `Vary` and `Cache-Control`.
//!
//! A cache that is not told hands one visitor's page to the next (CVE-2023-30861, CVE-2026-27205).
//! `Set-Cookie` alone does not stop it (RFC 9111 7.3).

use http::{
    HeaderMap, HeaderValue,
    header::{CACHE_CONTROL, VARY},
};

const COOKIE: &[u8] = b"Cookie";

/// Adds `Cookie` to the headers the response depends on, unless it is already there in any case.
///
/// All `Vary` lines become one, and what they list stays, `*` included.
///
/// # Flask
/// `response.vary.add("Cookie")`, which reads the first line only.
pub(crate) fn vary_on_cookie(headers: &mut HeaderMap) {
    if !headers.contains_key(VARY) {
        headers.insert(VARY, HeaderValue::from_static("Cookie"));
        return;
    }
    let listed = || headers.get_all(VARY).iter().flat_map(|line| elements(line.as_bytes()));
    if listed().any(|element| element.eq_ignore_ascii_case(COOKIE)) {
        return;
    }
    let list = listed().chain([COOKIE]).collect::<Vec<_>>().join(b", ".as_slice());
    let merged = HeaderValue::from_bytes(&list).expect("parts of header values are header values");
    headers.insert(VARY, merged);
}

/// Forbids every cache to keep the response, unless the handler already did.
///
/// A weaker `Cache-Control` of the handler gives way: it was written without knowing that the
/// response hands out a session.
pub(crate) fn forbid_caching(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(CACHE_CONTROL).iter();
    let forbidden = lines.any(|line| {
        elements(line.as_bytes()).any(|directive| directive.eq_ignore_ascii_case(b"no-store"))
    });
    if !forbidden {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
}

/// The elements of a comma-separated list (RFC 9110 5.6.1): white space around them is cut, empty
/// ones are skipped, a comma between quotes parts nothing.
fn elements(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = line.split(move |&byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => {}
        }
        byte == b',' && !quoted
    });
    parts.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(change: fn(&mut HeaderMap), name: &http::HeaderName, lines: &[&[u8]]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line).expect("a header value"));
        }
        change(&mut headers);
        let once = headers.clone();
        change(&mut headers);
        assert_eq!(headers, once, "twice is once");
        let lines = headers.get_all(name).iter();
        lines.map(|line| line.as_bytes().escape_ascii().to_string()).collect()
    }

    #[test]
    fn vary_keeps_what_is_listed_and_names_cookie_once() {
        let cases: &[(&[&[u8]], &[&str])] = &[
            (&[], &["Cookie"]),
            (&[b""], &["Cookie"]),
            (&[b" \t"], &["Cookie"]),
            (&[b","], &["Cookie"]),
            (&[b"Accept-Encoding"], &["Accept-Encoding, Cookie"]),
            (&[b"Accept, Origin"], &["Accept, Origin, Cookie"]),
            (&[b"Accept,Origin"], &["Accept, Origin, Cookie"]),
            (&[b"Accept ,\tOrigin "], &["Accept, Origin, Cookie"]),
            (&[b"Accept,, Origin,"], &["Accept, Origin, Cookie"]),
            (&[b"Accept", b"Origin"], &["Accept, Origin, Cookie"]),
            (&[b"Accept", b""], &["Accept, Cookie"]),
            (&[b"accept, Accept"], &["accept, Accept, Cookie"]),
            (&[b"*"], &["*, Cookie"]),
            (&[b"*, Accept"], &["*, Accept, Cookie"]),
            (&[b"*, Cookie"], &["*, Cookie"]),
            (&[b"Cookie"], &["Cookie"]),
            (&[b"cookie"], &["cookie"]),
            (&[b"COOKIE"], &["COOKIE"]),
            (&[b" Cookie "], &[" Cookie "]),
            (&[b"\tcOOkie\t,Accept"], &["\\tcOOkie\\t,Accept"]),
            (&[b"Accept-Encoding, COOKIE"], &["Accept-Encoding, COOKIE"]),
            (&[b"Accept ,cookie"], &["Accept ,cookie"]),
            (&[b"Accept", b"Cookie"], &["Accept", "Cookie"]),
            (&[b"Cookie", b"Accept"], &["Cookie", "Accept"]),
            (&[b"Cookie2"], &["Cookie2, Cookie"]),
            (&[b"Set-Cookie"], &["Set-Cookie, Cookie"]),
            (&[b"X-Cookie, Cookie-X"], &["X-Cookie, Cookie-X, Cookie"]),
            (&[b"Coo kie"], &["Coo kie, Cookie"]),
            (&[b"\xA0Cookie"], &["\\xa0Cookie, Cookie"]),
            (&[b"\"Cookie\""], &["\\\"Cookie\\\", Cookie"]),
        ];
        for (before, expected) in cases {
            assert_eq!(after(vary_on_cookie, &VARY, before), *expected, "{before:?}");
        }
    }

    #[test]
    fn caching_is_forbidden_unless_it_already_was() {
        let ours = ["private, no-store"].as_slice();
        let cases: &[(&[&[u8]], &[&str])] = &[
            (&[], ours),
            (&[b""], ours),
            (&[b"public, max-age=3600"], ours),
            (&[b"no-cache"], ours),
            (&[b"private"], ours),
            (&[b"x-no-store"], ours),
            (&[b"private=\"a, no-store, b\""], ours),
            (&[b"private=\"a\\\", no-store\""], ours),
            (&[b"max-age=0", b"public"], ours),
            (&[b"no-store"], &["no-store"]),
            (&[b"No-Store, max-age=0"], &["No-Store, max-age=0"]),
            (&[b"private=\"a\" , NO-STORE"], &["private=\\\"a\\\" , NO-STORE"]),
            (&[b"max-age=0", b"no-store"], &["max-age=0", "no-store"]),
        ];
        for (before, expected) in cases {
            assert_eq!(after(forbid_caching, &CACHE_CONTROL, before), *expected, "{before:?}");
        }
    }
}
