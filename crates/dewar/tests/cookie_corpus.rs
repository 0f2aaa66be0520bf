//! What attackers and odd neighbours send in `Cookie`, and what the parser must make of it.
//!
//! The corpus is one function over a parser. It runs over dewar's, which must pass, and over
//! parsers with one known fault each, which it must catch: a corpus that lets a broken parser
//! through proves nothing.

use dewar::cookie::{Grammar, MAX_HEADER_BYTES, MAX_PAIRS, pairs, values};
use http::HeaderValue;
use proptest::prelude::*;

type Values = Vec<Vec<u8>>;

const NAME: &str = "__Host-id";

/// Names that some parser in the field takes for `__Host-id` (CVE-2020-8184, CVE-2022-31629,
/// CVE-2026-39410), or that a browser guards less than it.
fn lookalikes() -> Vec<Vec<u8>> {
    let ascii = [
        "__Host%2Did",
        "__Host%2did",
        "%5F%5FHost-id",
        "%5f%5fHost-id",
        "_%5FHost-id",
        "__%48ost-id",
        "__Hos%74-id",
        "__Host-%69d",
        "__Host-i%64",
        "%5F%5F%48%6F%73%74%2D%69%64",
        "__host-id",
        "__HOST-id",
        "__Host-ID",
        "__Host-Id",
        "__hOST-iD",
        "__Host_id",
        "__Host.id",
        "__Host id",
        "__Host[id",
        "..Host-id",
        ".Host-id",
        "  _Host-id",
        "_Host-id",
        "Host-id",
        "___Host-id",
        "__Host--id",
        "__Hostid",
        "__Host-id-",
        "__Host-id.",
        "__Host-id%00",
        "__Host-id%20",
        "%20__Host-id",
        "+__Host-id",
        "__Host-id+",
        "\"__Host-id\"",
        "'__Host-id'",
        "\"__Host-id",
        "__Host-id\"",
        "[__Host-id]",
        "__Host-id[]",
        "__Host-id[0]",
        "$__Host-id",
        "\\__Host-id",
        "__Host\\-id",
        "__Host-id,",
        ",__Host-id",
        "a,__Host-id",
        "x __Host-id",
        "x\t__Host-id",
    ];
    // What Unicode, or Latin-1 read as Unicode, calls white space, and invisible neighbours of it.
    let blanks = [
        "\u{85}", "\u{a0}", "\u{1680}", "\u{2000}", "\u{2005}", "\u{200a}", "\u{200b}", "\u{2028}",
        "\u{202f}", "\u{3000}", "\u{feff}",
    ];
    let raw: [&[u8]; 4] = [b"\x85__Host-id", b"\xA0__Host-id", b"__Host-id\xA0", b"__Host-id\xFF"];
    let fullwidth = "\u{ff3f}_Host-id".to_owned();
    let mut names: Vec<Vec<u8>> = ascii.iter().map(|name| name.as_bytes().to_vec()).collect();
    names.extend(blanks.iter().map(|blank| format!("{blank}__Host-id").into_bytes()));
    names.extend(blanks.iter().map(|blank| format!("__Host-id{blank}").into_bytes()));
    names.extend(raw.iter().map(|name| name.to_vec()));
    names.push(fullwidth.into_bytes());
    names
}

/// Runs the corpus over a parser and says what it gets wrong.
fn complaints(parser: &dyn Fn(&[&[u8]], &str) -> Values) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut check = |lines: &[&[u8]], name: &str, expected: &[&[u8]]| {
        if parser(lines, name) != expected {
            let shown: Vec<_> = lines.iter().map(|line| line.escape_ascii().to_string()).collect();
            complaints.push(shown.join(" / "));
        }
    };
    for lookalike in lookalikes() {
        let forged = [lookalike.as_slice(), b"=evil"].concat();
        check(&[&forged], NAME, &[]);
        check(&[&[b"__Host-id=good; ".as_slice(), &forged].concat()], NAME, &[b"good"]);
        check(&[&[&forged, b"; __Host-id=good".as_slice()].concat()], NAME, &[b"good"]);
    }
    for nameless in [b"=v".as_slice(), b"=__Host-id=v", b" = v", b"__Host-id", b"==__Host-id=v"] {
        check(&[nameless], NAME, &[]);
        check(&[nameless], "", &[]);
        check(&[&[nameless, b"; __Host-id=good"].concat()], NAME, &[b"good"]);
    }
    for byte in (0x80..=0xFF).chain([b'"', b'\\', b',', b'\t', b'[', b'=']) {
        check(&[&[b"__Host-id=good; x=", [byte].as_slice()].concat()], NAME, &[b"good"]);
        check(&[&[b"x", [byte].as_slice(), b"; __Host-id=good"].concat()], NAME, &[b"good"]);
        check(&[&[byte], b"__Host-id=good"], NAME, &[b"good"]);
    }
    // The cookie sandwich (CVE-2023-26049): quotes must not swallow the pairs between them.
    let sandwich: &[u8] = b"$Version=1; a=\"x; __Host-id=good; $Path=/; b=y\"";
    check(&[sandwich], NAME, &[b"good"]);
    check(&[sandwich], "a", &[b"\"x"]);
    check(&[b"$Version=1; __Host-id=\"a; other=b\""], NAME, &[b"\"a"]);
    check(&[b"$Version=1; __Host-id=\"a; other=b\""], "other", &[b"b\""]);
    check(&[b"__Host-id=first; a=1; __Host-id=second"], NAME, &[b"first", b"second"]);
    check(&[b"__Host-id=first", b"a=1", b"__Host-id=second"], NAME, &[b"first", b"second"]);
    check(&[b"\t__Host-id \t=\t a=b== \t;"], NAME, &[b"a=b=="]);
    check(&[b"__Host-id=%41+b"], NAME, &[b"%41+b"]);
    check(&[b"__Host-id="], NAME, &[b""]);
    let lines: Vec<_> = (0..50).map(|i| format!("a{i}={i}; k=v{i}").into_bytes()).collect();
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    check(&lines, "a49", &[b"49"]);
    check(&lines, "a0", &[b"0"]);
    complaints
}

fn dewar(lines: &[&[u8]], name: &str) -> Values {
    let header = |line: &&[u8]| HeaderValue::from_bytes(line).expect("bytes a server lets through");
    let lines: Vec<_> = lines.iter().map(header).collect();
    values(&lines, name, Grammar::Rfc6265).map(std::borrow::Cow::into_owned).collect()
}

#[test]
fn the_corpus_passes() {
    assert!(lookalikes().len() >= 60);
    assert_eq!(complaints(&dewar), Vec::<String>::new());
}

/// One thing done wrong, each seen in a published library.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    DecodesNames,
    DropsLineAtOddByte,
    FirstLineOnly,
    FoldsCase,
    LastWins,
    QuotesSwallow,
    TakesNameless,
    TrimsUnicode,
    UnquotesNames,
}

/// The rules of RFC 6265 in their shortest form, with room for one fault.
fn plain(fault: Fault, lines: &[&[u8]], name: &str) -> Values {
    let lines = if fault == Fault::FirstLineOnly { &lines[..1] } else { lines };
    let mut found = Values::new();
    for line in lines {
        if fault == Fault::DropsLineAtOddByte && std::str::from_utf8(line).is_err() {
            continue;
        }
        let mut quoted = false;
        let pieces = line.split(|&byte| {
            quoted ^= fault == Fault::QuotesSwallow && byte == b'"';
            byte == b';' && !quoted
        });
        for piece in pieces {
            let mut halves = piece.splitn(2, |&byte| byte == b'=');
            let (first, second) = (trim(halves.next().unwrap_or_default()), halves.next());
            let Some(value) = second.map(trim) else { continue };
            let (key, value) = match (first, fault) {
                (b"", Fault::TakesNameless) => {
                    let at = value.iter().position(|&byte| byte == b'=').unwrap_or(0);
                    (&value[..at], value.get(at + 1..).unwrap_or_default())
                }
                (b"", _) => continue,
                (key, _) => (key, value),
            };
            if is_named(key, name, fault) {
                found.push(value.to_vec());
            }
        }
    }
    if fault == Fault::LastWins {
        found.drain(..found.len().saturating_sub(1));
    }
    found
}

fn is_named(key: &[u8], name: &str, fault: Fault) -> bool {
    let text = String::from_utf8_lossy(key);
    match fault {
        Fault::DecodesNames => percent_decoded(key) == name.as_bytes(),
        Fault::FoldsCase => key.eq_ignore_ascii_case(name.as_bytes()),
        Fault::TrimsUnicode => text.trim() == name,
        Fault::UnquotesNames => text.trim_matches('"') == name,
        _ => key == name.as_bytes(),
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    let inner = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let Some(start) = bytes.iter().position(inner) else { return &[] };
    &bytes[start..=bytes.iter().rposition(inner).unwrap_or(start)]
}

fn percent_decoded(mut rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, after) = match byte {
            Some(byte) if *first == b'%' => (byte, &tail[2..]),
            _ => (*first, tail),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

#[test]
fn the_corpus_catches_every_known_fault() {
    let sound = complaints(&|lines, name| plain(Fault::None, lines, name));
    assert_eq!(sound, Vec::<String>::new(), "the corpus refuses a sound parser");
    let faults = [
        Fault::DecodesNames,
        Fault::DropsLineAtOddByte,
        Fault::FirstLineOnly,
        Fault::FoldsCase,
        Fault::LastWins,
        Fault::QuotesSwallow,
        Fault::TakesNameless,
        Fault::TrimsUnicode,
        Fault::UnquotesNames,
    ];
    for fault in faults {
        let caught = complaints(&|lines, name| plain(fault, lines, name));
        assert!(!caught.is_empty(), "{fault:?} went unnoticed");
    }
}

#[test]
fn a_megabyte_of_pairs_is_cut_short() {
    let header = b"a=;".repeat(350_000);
    for grammar in [Grammar::Rfc6265, Grammar::Werkzeug] {
        let mut found = pairs(&header, grammar);
        assert_eq!((found.by_ref().count(), found.cut()), (MAX_PAIRS, true));
        let blanks = b" ;".repeat(500_000);
        let mut found = pairs(&blanks, grammar);
        assert_eq!((found.by_ref().count(), found.cut()), (0, true));
        let lines = vec![HeaderValue::from_static("a=;b;=c;;"); 10_000];
        let mut found = values(&lines, "a", grammar);
        assert!(found.by_ref().count() <= MAX_PAIRS && found.cut());
        let mut long = vec![b'x'; MAX_HEADER_BYTES];
        long.extend(b"; __Host-id=late");
        let line = HeaderValue::from_bytes(&long).expect("visible text");
        let mut found = values([&line], NAME, grammar);
        assert_eq!((found.by_ref().count(), found.cut()), (0, true));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_as_the_plain_rules_say(
        header in prop::collection::vec(
            prop_oneof![prop::sample::select(b"ab=;\" \t\\,%0".as_slice()), any::<u8>()],
            0..200,
        ),
    ) {
        for (name, _) in pairs(&header, Grammar::Werkzeug) {
            prop_assert!(!name.is_empty());
        }
        let found: Vec<_> = pairs(&header, Grammar::Rfc6265).collect();
        for name in ["a", "b", "ab", "0"] {
            let ours = found.iter().filter(|(other, _)| *other == name.as_bytes());
            let ours: Values = ours.map(|(_, value)| value.to_vec()).collect();
            prop_assert_eq!(ours, plain(Fault::None, &[&header], name));
        }
    }
}
