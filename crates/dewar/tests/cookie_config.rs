//! Cookies that must never leave the server: injected attributes, lying prefixes, odd names.

use dewar::cookie::{
    CookieAttributes, CookieAttributesBuilder, CookieConfigError, Grammar, SameSite, pairs,
};
use proptest::prelude::*;

/// What must not get into an attribute (SEC-005: CVE-2024-47764, CVE-2026-3644).
const INJECTIONS: [&str; 16] = [
    "a; Domain=evil.example",
    "/; HttpOnly",
    "/; Domain=evil.example",
    "x\r\ny",
    "/x\r\nSet-Cookie: a=b",
    "x\ny",
    "/\r",
    "/\0",
    "/\u{7f}",
    "/\t",
    "a b",
    "a\tb",
    "a,b",
    "a;",
    ";",
    "\u{85}",
];

fn safe(name: &str) -> CookieAttributesBuilder {
    CookieAttributes::builder(name)
}

#[test]
fn attributes_cannot_be_injected() {
    for text in INJECTIONS {
        let owned = || Some(text.to_owned());
        for builder in [safe(text), CookieAttributes::flask_builder(text)] {
            let refused = matches!(builder.build(), Err(CookieConfigError::NameNotToken { .. }));
            assert!(refused, "name {text:?}");
        }
        assert!(safe("id").domain(owned()).build().is_err(), "domain {text:?}");
        let lenient = CookieAttributes::flask_builder("id").domain(owned()).build();
        assert!(lenient.is_err(), "domain {text:?}");
        // Where Flask percent-encodes, so do we: whatever comes out is one attribute.
        for path in [text.to_owned(), format!("/{text}")] {
            for (builder, attributes) in
                [(safe("id"), 4), (CookieAttributes::flask_builder("id"), 2)]
            {
                let Ok(cookie) = builder.path(path.clone()).build() else { continue };
                let header = cookie.set("v").to_header();
                let header = header.to_str().expect("visible text");
                assert_eq!(header.matches(';').count(), attributes, "{header}");
                assert_eq!(header.matches("; ").count(), attributes, "{header}");
            }
        }
    }
    for path in ["/; HttpOnly", "/a;b", "/x\r\ny", "/\0", "", "relative"] {
        assert!(safe("id").path(path.to_owned()).build().is_err(), "path {path:?}");
    }
}

#[test]
fn domains_are_host_names() {
    let label = "a".repeat(64);
    let long = ["a"; 128].join(".");
    let refused = [
        "",
        ".",
        "..",
        ":80",
        "a..b",
        "a.b.",
        "a/b",
        "http://a.b",
        "a@b",
        "*.a.b",
        "[::1]",
        "a b",
        "a.b:port",
        "a.b:80:90",
        "b\u{fc}cher.example",
        "\u{a0}a.b",
        &label,
        &long,
    ];
    for domain in refused {
        let built = safe("id").domain(domain.to_owned()).build();
        assert!(built.is_err(), "{domain:?}");
    }
    let accepted = [
        ("shop.example", "shop.example"),
        (".shop.example", "shop.example"),
        ("Shop.example:8080", "Shop.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a_b.example", "a_b.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
    ];
    for (domain, written) in accepted {
        let cookie = safe("id").domain(domain.to_owned()).build().expect("a host name");
        let header = cookie.set("v").to_header();
        let expected = format!("id=v; Domain={written}; Secure; HttpOnly; Path=/; SameSite=Lax");
        assert_eq!(header, expected);
    }
}

/// Forty configurations whose name promises what a browser will not keep (SEC-002).
fn lying() -> Vec<(String, CookieAttributesBuilder)> {
    type Change = fn(CookieAttributesBuilder) -> CookieAttributesBuilder;
    let open: Change = |cookie| cookie.secure(false);
    let scripted: Change = |cookie| cookie.http_only(false);
    let deep: Change = |cookie| cookie.path("/app".to_owned());
    let pathless: Change = |cookie| cookie.path(None);
    let wide: Change = |cookie| cookie.domain("shop.example".to_owned());
    let none: Change = |cookie| cookie;
    let mut lying = Vec::new();
    let mut add = |names: &[&str], changes: &[Change]| {
        for name in names {
            lying.extend(changes.iter().map(|change| ((*name).to_owned(), change(safe(name)))));
        }
    };
    add(&["__Host-id", "__HOST-id", "__host-id", "__hOsT-"], &[open, deep, pathless, wide]);
    add(&["__Host-Http-id", "__host-HTTP-id"], &[open, scripted, deep, wide]);
    add(&["__Http-id", "__http-id"], &[open, scripted]);
    add(&["__Secure-id", "__SECURE-id"], &[open]);
    let misspelt = [
        "Host__id",
        "__Host_id",
        "_Host-id",
        "___Host-id",
        "Host--id",
        "host-_id",
        "__Host.id",
        "..Host-id",
        "__Host%2Did",
        "__Host%2did",
        "__Host%5Fid",
        "__Secure_id",
        "Secure__id",
        "_Secure-id",
        "__Http_id",
        "HTTP__id",
        "__Host-Http_id",
    ];
    add(&misspelt, &[none]);
    lying
}

#[test]
fn names_that_lie_are_refused() {
    let lying = lying();
    assert!(lying.len() >= 40, "{}", lying.len());
    for (name, builder) in lying {
        let error = builder.clone().build().expect_err(&name);
        let kind = matches!(
            error,
            CookieConfigError::PrefixNeeds { .. } | CookieConfigError::PrefixLookalike { .. }
        );
        assert!(kind && error.to_string().contains(&name), "{name}: {error}");
        assert!(builder.insecure_accept_prefix_violations().build().is_ok(), "{name}");
    }
}

#[test]
fn attributes_that_need_secure_are_refused_without_it() {
    let open = || safe("id").secure(false);
    for builder in [open().partitioned(true), open().same_site(SameSite::None)] {
        let error = builder.clone().build().expect_err("no Secure");
        assert!(matches!(error, CookieConfigError::SecureMissing { .. }));
        assert!(error.to_string().ends_with("add secure(true)"), "{error}");
        assert!(builder.secure(true).build().is_ok());
    }
}

#[test]
fn messages_begin_in_lower_case_and_end_without_a_stop() {
    let owned = |text: &str| Some(text.to_owned());
    let errors = [
        safe("").build().err(),
        safe("__Host_x").build().err(),
        safe("__Host-x").secure(false).build().err(),
        safe("x").domain(owned("\u{e9}")).build().err(),
        safe("x").domain(owned("a b")).build().err(),
        safe("x").domain(owned("")).build().err(),
        safe("x").path(owned("x")).build().err(),
        safe("x").secure(false).partitioned(true).build().err(),
        "lux".parse::<SameSite>().err(),
    ];
    for error in errors {
        let text = error.expect("refused").to_string();
        assert!(text.starts_with("cookie ") && !text.ends_with('.'), "{text}");
        assert!(text.contains(": "), "no cure: {text}");
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back_as_the_same_pair(
        name in prop_oneof!["[!-~]{0,12}", any::<String>()],
        value in prop_oneof!["[!-~]{0,24}", "[ -~]{0,24}", any::<String>()],
    ) {
        let Ok(cookie) = safe(&name).build() else { return Ok(()) };
        let set = cookie.set(&value);
        let header = set.to_header();
        let bytes = header.as_bytes();
        prop_assert_eq!(bytes.len(), set.size());
        let (read_name, read_value) = pairs(bytes, Grammar::Werkzeug).next().expect("a pair");
        prop_assert_eq!((read_name, &*read_value), (name.as_bytes(), value.as_bytes()));
        let octet = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        let written = &bytes[name.len() + 1..bytes.len() - cookie.set("").size() + name.len() + 1];
        if value.bytes().all(octet) {
            prop_assert_eq!(written, value.as_bytes());
        }
        // Quoted or not: nothing that ends a value or a header line, nothing beyond ASCII.
        let foul = |byte: &u8| matches!(byte, 0..=0x1F | b';' | b',' | 0x7F..);
        prop_assert!(!written.iter().any(foul), "{}", written.escape_ascii());
    }
}
