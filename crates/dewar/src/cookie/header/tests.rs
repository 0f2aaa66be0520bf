use super::{piece::LOOKED_AT, *};

/// A header, and the names and values to be found in it.
type Case<'a> = (&'a [u8], &'a [(&'a str, &'a str)]);

fn read(header: &[u8], grammar: Grammar) -> (Vec<(String, String)>, bool) {
    let mut pairs = pairs(header, grammar);
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let found = pairs.by_ref().map(|(name, value)| (text(name), text(&value))).collect();
    (found, pairs.cut())
}

#[track_caller]
fn check(header: &[u8], grammar: Grammar, expected: &[(&str, &str)]) {
    let (found, cut) = read(header, grammar);
    let found: Vec<_> = found.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(found, expected, "{}", header.escape_ascii());
    assert!(!cut, "{}", header.escape_ascii());
}

#[test]
fn rfc6265_splits_at_semicolons_only() {
    let cases: &[Case<'_>] = &[
        (b"", &[]),
        (b";;; ;\t", &[]),
        (b"a=1", &[("a", "1")]),
        (b"a=1;b=2; c = 3 \t;", &[("a", "1"), ("b", "2"), ("c", "3")]),
        (b"a=b=c; d==", &[("a", "b=c"), ("d", "=")]),
        (b"a; =v; ==v; b=", &[("b", "")]),
        (b"a=\"x;y\"; b=2", &[("a", "\\\"x"), ("b", "2")]),
        (b"a=x y; b,c=2", &[("a", "x y"), ("b,c", "2")]),
        (b"a=\xFF; b=2", &[("a", "\\xff"), ("b", "2")]),
        (b"$Version=1; a=2", &[("$Version", "1"), ("a", "2")]),
        (b"a%3Db=1; A=2", &[("a%3Db", "1"), ("A", "2")]),
        (
            b"long-name-here=0123456789abcdef; b=2",
            &[("long-name-here", "0123456789abcdef"), ("b", "2")],
        ),
    ];
    for (header, expected) in cases {
        check(header, Grammar::Rfc6265, expected);
    }
}

#[test]
fn werkzeug_undoes_quotes() {
    let cases: &[Case<'_>] = &[
        (b"a=\"x;y\"; b", &[("a", "x;y"), ("b", "")]),
        (b"a=\"x;y; b=1", &[("y", ""), ("b", "1")]),
        (b"a=\"\\303\\251\\\"\\\\\\400\"", &[("a", "\\xc3\\xa9\\\"\\\\400")]),
        (b"a=\"\xE9\\\xE9\"; b=\xE9", &[("a", "\\xc3\\xa9\\xc3\\xa9"), ("b", "\\xc3\\xa9")]),
        // A nameless piece ends at the first `;`, even between quotes.
        (b"=\"x; b=1; \" ;c=2", &[("b", "1"), ("c", "2")]),
        (b"a=\"x\\", &[]),
    ];
    for (header, expected) in cases {
        check(header, Grammar::Werkzeug, expected);
    }
}

#[test]
fn plain_values_are_borrowed() {
    for grammar in [Grammar::Rfc6265, Grammar::Werkzeug] {
        let header = b"a=eyJh.x-y_z; b=\"quoted\"; c=";
        assert!(pairs(header, grammar).all(|(_, value)| matches!(value, Cow::Borrowed(_))));
    }
}

#[test]
fn a_pair_that_crosses_the_byte_limit_is_dropped_whole() {
    for grammar in [Grammar::Rfc6265, Grammar::Werkzeug] {
        let mut header = b"a=1; b=".to_vec();
        header.resize(MAX_HEADER_BYTES, b'x');
        assert_eq!(read(&header, grammar).0.len(), 2, "exactly at the limit");
        assert!(!read(&header, grammar).1);
        header.push(b'x');
        assert_eq!(read(&header, grammar), (vec![("a".into(), "1".into())], true));
        // What looks like a pair inside a quoted value that was cut is not one.
        let mut header = b"a=\"; b=1;".to_vec();
        header.resize(MAX_HEADER_BYTES, b'x');
        header.push(b'"');
        let (found, cut) = read(&header, grammar);
        assert!(cut && found.iter().all(|(_, value)| !value.contains('x')));
    }
}

#[test]
fn the_201st_pair_is_not_read() {
    for grammar in [Grammar::Rfc6265, Grammar::Werkzeug] {
        let header = "a=1; ".repeat(MAX_PAIRS);
        assert_eq!(read(header.as_bytes(), grammar).0.len(), MAX_PAIRS);
        assert!(!read(header.as_bytes(), grammar).1, "blanks after the last pair are no pair");
        let (found, cut) = read(format!("{header}b=2").as_bytes(), grammar);
        assert!(cut && found.len() == MAX_PAIRS && found.iter().all(|(name, _)| name == "a"));
    }
}

#[test]
fn limits_hold_over_all_lines_together() {
    let line = |text: String| HeaderValue::try_from(text).expect("visible text");
    let count = |lines: &[HeaderValue]| {
        let mut found = values(lines, "s", Grammar::Rfc6265);
        (found.by_ref().count(), found.cut(), found.others())
    };
    let lines: Vec<_> = (0..50).map(|i| line(format!("a{i}=1; s={i}"))).collect();
    assert_eq!(count(&lines), (50, false, true));
    let many: Vec<_> = (0..=MAX_PAIRS).map(|i| line(format!("s={i}"))).collect();
    assert_eq!(count(&many), (MAX_PAIRS, true, false));
    let long = [line(format!("a={}", "x".repeat(MAX_HEADER_BYTES - 8))), line("s=123; s=4".into())];
    assert_eq!(count(&long), (1, true, true), "six bytes were left for the second line");
    assert_eq!(count(&[]), (0, false, false));
}

#[test]
fn work_grows_with_the_bytes_only() {
    let shapes: [&[u8]; 12] = [
        b"a=;",
        b";",
        b" ",
        b"=",
        b"\"",
        b"a=\"",
        b"a=\";",
        b"\\",
        b"a=\"\\\";",
        b"a=\\\"",
        b"\xFF",
        b"a= \"x;",
    ];
    for grammar in [Grammar::Rfc6265, Grammar::Werkzeug] {
        for shape in shapes {
            let header = shape.repeat(1_000_000 / shape.len() + 1);
            for bytes in [1_000, 2_000, 4_000, 8_000, 1_000_000] {
                LOOKED_AT.set(0);
                pairs(&header[..bytes], grammar).for_each(drop);
                let looked_at = bytes.min(MAX_HEADER_BYTES);
                assert!(LOOKED_AT.get() <= 4 * looked_at, "{} {bytes}", shape.escape_ascii());
            }
        }
    }
}

#[test]
fn nothing_of_a_value_is_printed() {
    let header = HeaderValue::from_static("s=hush");
    let found = values([&header], "s", Grammar::Rfc6265);
    assert!(!format!("{found:?}{:?}", pairs(b"s=hush", Grammar::Rfc6265)).contains("hush"));
}
