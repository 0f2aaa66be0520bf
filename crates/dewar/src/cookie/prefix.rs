//! What a cookie's name promises: the prefixes of RFC 6265bis 4.1.3 and of layered cookies.
//!
//! Browsers match them in any case, so `__HOST-id` without `Secure` is a cookie they drop.

use super::CookieConfigError;

/// The attributes as far as prefixes look at them.
pub(super) struct Seen {
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) root_path: bool,
    pub(super) domain: bool,
}

/// Prefix, then whether it binds the cookie to one host, then whether it bars scripts. The longer
/// prefix stands before the one it contains.
const PREFIXES: [(&str, bool, bool); 4] = [
    ("__Host-Http-", true, true),
    ("__Host-", true, false),
    ("__Http-", false, true),
    ("__Secure-", false, false),
];

/// Refuses a prefix whose promise is not kept, and a misspelt one.
pub(super) fn check(name: &str, seen: &Seen) -> Result<(), CookieConfigError> {
    let begins = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if let Some(meant) = lookalike(name) {
        return Err(CookieConfigError::PrefixLookalike { name: name.into(), meant });
    }
    let Some(&(prefix, host, http)) = PREFIXES.iter().find(|row| begins(row.0)) else {
        return Ok(());
    };
    let needs = [
        (seen.secure, "Secure", "add secure(true)"),
        (!host || seen.root_path, "Path=/", "add path(\"/\")"),
        (!host || !seen.domain, "no Domain", "leave the domain out"),
        (!http || seen.http_only, "HttpOnly", "add http_only(true)"),
    ];
    match needs.into_iter().find(|(kept, ..)| !kept) {
        None => Ok(()),
        Some((_, need, cure)) => {
            Err(CookieConfigError::PrefixNeeds { name: name.into(), prefix, need, cure })
        }
    }
}

/// Recognises `Host__id`, `__Host_id`, `_Host-id`, `__Host%2Did` and their kin: no browser guards
/// these names, although some server, ours or the next, may take them for guarded ones
/// (WS-2022-0330, CVE-2022-31629).
fn lookalike(name: &str) -> Option<&'static str> {
    let word_at = name.bytes().take_while(|b| matches!(b, b'_' | b'.')).count();
    let (lead, rest) = name.split_at(word_at);
    let words = [("host", "__Host-"), ("http", "__Http-"), ("secure", "__Secure-")];
    let (word, meant) = words.into_iter().find(|(word, _)| {
        rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    })?;
    let (separators, tail) = split_separators(&rest[word.len()..]);
    if (lead, separators) == ("__", "-") {
        // A real prefix; the second word of `__Host-Http-` may still be misspelt.
        let inner = tail.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
        let after = split_separators(tail.get(4..).unwrap_or_default()).0;
        let misspelt = word == "host" && inner && !matches!(after, "" | "-");
        return misspelt.then_some("__Host-Http-");
    }
    // `secure_id` and `_secure_id` are honest names.
    let looks = match lead.len() {
        0 => separators.len() > 1,
        1 => separators.len() > 1 || separators == "-",
        _ => !separators.is_empty(),
    };
    looks.then_some(meant)
}

/// Cuts off what some parser turns into a dash or an underscore.
fn split_separators(text: &str) -> (&str, &str) {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let escaped = rest.get(..3).map(str::to_ascii_lowercase);
        at += match (rest.as_bytes().first(), escaped.as_deref()) {
            (_, Some("%2d" | "%5f")) => 3,
            (Some(b'-' | b'_' | b'.'), _) => 1,
            _ => break,
        };
    }
    text.split_at(at)
}
