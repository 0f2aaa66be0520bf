//! The cookie syntax of Werkzeug, read and written, case by case.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dewar::cookie::{CookieAttributes, CookieConfigError, Grammar, pairs};
use dewar_testdata::{latin1, vectors};
use serde_json::Value as Json;

/// When the cases were made.
const CLOCK: u64 = 1_700_000_000;

/// What Flask writes and dewar refuses, on purpose.
const REFUSED: [(&str, &str); 3] = [
    ("http-0078", "Unicode in the domain: the message asks for punycode"),
    ("http-0084", "an unknown SameSite: Flask refuses it, too"),
    ("http-0087", "a name that is no token: browsers drop or garble it"),
];

/// An `Expires` of free text: the type of `expires` has no room for it.
const NOT_EXPRESSIBLE: &str = "http-0073";

fn cases(kind: &str) -> Vec<Json> {
    let cases: Vec<_> = vectors("http").into_iter().filter(|case| case["kind"] == kind).collect();
    assert!(cases.len() > 50, "{kind} has {} cases", cases.len());
    cases
}

#[test]
fn vectors_parse_cookie() {
    for case in cases("parse_cookie") {
        let header = latin1(case["header_latin1"].as_str().expect("a header"));
        let mut found = pairs(&header, Grammar::Werkzeug);
        let text: Vec<_> = found
            .by_ref()
            .map(|(name, value)| {
                // WSGI reads names as Latin-1; values are UTF-8 with U+FFFD for what is not.
                let name: String = name.iter().copied().map(char::from).collect();
                serde_json::json!([name, String::from_utf8_lossy(&value)])
            })
            .collect();
        assert_eq!(Json::Array(text), case["pairs"], "{}", case["id"]);
        assert!(!found.cut(), "{}", case["id"]);
    }
}

#[test]
fn vectors_dump_cookie() {
    let mut refused = Vec::new();
    for case in cases("dump_cookie") {
        let id = case["id"].as_str().expect("an id");
        if id == NOT_EXPRESSIBLE {
            continue;
        }
        match written(&case["args"]) {
            Ok(header) => assert_eq!(header, latin1_text(&case["header"]), "{id}"),
            Err(error) => refused.push((id.to_owned(), error.to_string())),
        }
    }
    let ids: Vec<_> = refused.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, REFUSED.map(|(id, _)| id), "{refused:?}");
    assert!(refused[0].1.ends_with("write it in punycode (xn--…)"), "{refused:?}");
}

fn latin1_text(header: &Json) -> Vec<u8> {
    latin1(header.as_str().expect("a case without a header must be refused"))
}

fn written(args: &Json) -> Result<Vec<u8>, CookieConfigError> {
    let text = |name: &str| args[name].as_str().map(str::to_owned);
    let flag = |name: &str| args[name].as_bool().unwrap_or(false);
    let mut builder = CookieAttributes::flask_builder(args["key"].as_str().expect("a name"))
        .domain(text("domain"))
        .secure(flag("secure"))
        .http_only(flag("httponly"))
        .partitioned(flag("partitioned"));
    if args.get("path").is_some() {
        builder = builder.path(text("path"));
    }
    if let Some(same_site) = args["samesite"].as_str() {
        builder = builder.same_site(same_site.parse::<dewar::cookie::SameSite>()?);
    }
    let cookie = builder.build()?;
    let mut set = cookie.set(args["value"].as_str().expect("a value"));
    if let Some(expires) = expires(args) {
        set = set.expires(expires);
    }
    if let Some(age) = args["max_age"].as_u64() {
        set = set.max_age(Duration::from_secs(age));
    }
    assert_eq!(set.size(), set.to_header().len());
    Ok(set.to_header().as_bytes().to_vec())
}

fn expires(args: &Json) -> Option<SystemTime> {
    let after = |seconds: u64| Some(UNIX_EPOCH + Duration::from_secs(seconds));
    match &args["expires"] {
        // Werkzeug derives `Expires` from `Max-Age` unless told otherwise.
        Json::Null if args["sync_expires"] == false => None,
        Json::Null => args["max_age"].as_u64().and_then(|age| after(CLOCK + age)),
        Json::Number(seconds) => seconds.as_u64().and_then(after),
        date => {
            assert_eq!(date["v"], "2023-01-02T03:04:05");
            after(1_672_628_645 - date["utc_offset"].as_u64().unwrap_or(0))
        }
    }
}
