use std::{collections::BTreeSet, env, fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};

use super::*;

const LIST: &str = include_str!("../../testdata/weak_keys.txt");

fn listed() -> impl Iterator<Item = &'static str> {
    LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_embedded_list_is_made_from_the_text() {
    let mut table = BTreeSet::new();
    for key in listed() {
        let forms = spellings(key.as_bytes());
        table.extend(forms.iter().flat_map(|form| variants(form)).map(|form| fingerprint(&form)));
    }
    let table: Vec<u8> = table.into_iter().flatten().collect();
    if env::var_os("DEWAR_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/weak_keys/published.bin");
        fs::write(path, &table).expect("the sources can be written");
    } else {
        assert!(table == PUBLISHED, "run this test once with DEWAR_BLESS=1, then build anew");
    }
}

#[test]
fn every_listed_key_is_refused_in_every_spelling() {
    assert!(listed().count() >= 700);
    for key in listed() {
        let bytes = key.as_bytes();
        let spellings = [
            key.to_owned(),
            format!(" {key}\n"),
            format!("\"{key}\""),
            format!("b'{key}'"),
            key.to_ascii_uppercase(),
            format!("{key}!"),
            format!("{key}123"),
            format!("'{key}2024!' "),
            hex(bytes),
            hex(bytes).to_ascii_uppercase(),
            BASE64_STANDARD.encode(bytes),
            format!("base64:{}", BASE64_STANDARD.encode(bytes)),
            BASE64_URL_SAFE_NO_PAD.encode(bytes),
            bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect(),
        ];
        for text in spellings {
            assert_eq!(examine(text.as_bytes()), Err(WeakKey::Published), "{key}: {text}");
        }
    }
}

#[test]
fn published_bytes_are_refused_as_bytes() {
    let keys: [&[u8]; 4] = [
        b"_5#y2L\"F4Q8z\n\xEC]/",
        b"\x02\x01thisismyscretkey\x01\x02\\e\\y\\y\\h",
        b"\xFD{H\xE5<\x95\xF9\xE3\x96.5\xD1\x01O<!\xD5\xA2\xA0\x9FR\"\xA1\xA8",
        b"\x90\xF1\xFE\x6C\x8C\x64\xE4\x3D\x9D\x79\x98\x88\xC5\xC6\x9A\x68",
    ];
    for key in keys {
        assert_eq!(examine(key), Err(WeakKey::Published), "{}", key.escape_ascii());
    }
}

#[test]
fn guessable_keys_are_refused_by_rule() {
    let short = |bytes| WeakKey::Short { bytes, least: LEAST_BYTES };
    let uniform = |distinct| WeakKey::Uniform { distinct, least: LEAST_DISTINCT };
    let cases: &[(&[u8], WeakKey)] = &[
        (b"", WeakKey::Missing),
        (b" \t\r\n", WeakKey::Missing),
        (b"please CHANGE-ME before going live", WeakKey::Placeholder),
        (b"Replace_Me_With_Something_Long", WeakKey::Placeholder),
        (b"put-YOUR-own-very-long-Secret-in", WeakKey::Placeholder),
        (b"the Secret Key here, thank you", WeakKey::Placeholder),
        (b"<insert 32 random bytes>", WeakKey::Placeholder),
        (b"shop.example.com session key 42", WeakKey::Placeholder),
        (b"key: TODO (ask the operators)", WeakKey::Placeholder),
        (b"XXXXXXXX-abcdefgh-12345-ijklm", WeakKey::Placeholder),
        (b"django-insecure-2h$k!8v0q@w7z^m3x5c9", WeakKey::Placeholder),
        (b"Kq3v!x8ZpT1m0aB", short(15)),
        (b"\x80\x81\x82", short(3)),
        (&[0; 32], uniform(1)),
        (b"deadbeefdeadbeefdeadbeefdeadbeef", uniform(4)),
        (b"abababababababcbabcdefabab", uniform(6)),
    ];
    for (key, expected) in cases {
        assert_eq!(examine(key).as_ref(), Err(expected), "{}", key.escape_ascii());
    }
}

#[test]
fn a_key_equal_to_something_public_is_refused() {
    let known: [(&str, &[u8]); 2] =
        [("the salt", b"shop.v2.session.cookie"), ("the application's name", b"")];
    for key in [" shop.v2.session.cookie", "'SHOP.V2.session.cookie'"] {
        let refused = examine_beside(key.as_bytes(), &known);
        assert_eq!(refused, Err(WeakKey::SameAs { what: "the salt" }));
    }
    assert_eq!(examine_beside(b"Kq3v!x8ZpT1m0aBc", &known), Ok(()));
    assert_eq!(examine_beside(b"secret", &known), Err(WeakKey::Published));
}

#[test]
fn random_keys_are_never_refused() {
    let mut state = 0x5EED_u64;
    // SplitMix64: the same keys in every run.
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let rounds = if cfg!(debug_assertions) { 1_000 } else { 100_000 };
    for _ in 0..rounds {
        let key: Vec<u8> = (0..4).flat_map(|_| next().to_le_bytes()).collect();
        assert_eq!(examine(&key), Ok(()), "{}", key.escape_ascii());
        for text in [hex(&key), BASE64_URL_SAFE_NO_PAD.encode(&key)] {
            assert_eq!((examine(text.as_bytes()), advise(text.as_bytes())), (Ok(()), None));
        }
    }
}

#[test]
fn advice_names_what_could_be_better() {
    let cases: [(&str, Option<Advice>); 6] = [
        ("Kq3v!x8ZpT1m0aBc", Some(Advice::Short { bytes: 16 })),
        ("KqwvexmZpTimoaBcKqwvexmZpTimoaBc", Some(Advice::OnlyLetters)),
        ("KqwvexmZpTimoaBcKqwvexmZpTimoaBcKqwvexmZpTi", None),
        ("7c9e6679-7425-40de-944b-e07fc1f90ae7", Some(Advice::Uuid)),
        ("7c9e6679-7425-40de-944b-e07fc1f90aeg", None),
        ("Kq3v!x8ZpT1m0aBcKq3v!x8ZpT1m0aBc", None),
    ];
    for (key, expected) in cases {
        assert_eq!(advise(key.as_bytes()), expected, "{key}");
    }
    let shown = Advice::Short { bytes: 16 }.to_string();
    assert_eq!(
        shown,
        "the secret key has 16 bytes, 32 are advised: generate one with `dewar secret`"
    );
}

#[test]
fn a_refusal_names_the_cure_and_never_the_key() {
    for key in ["swordfish", "Kq3v!x", "your own secret", "aaaaaaaaaaaaaaaaaaaa", ""] {
        let refusal = examine(key.as_bytes()).expect_err("a weak key");
        let shown = format!("{refusal} {refusal:?}");
        assert!(shown.contains("`dewar secret`"), "{shown}");
        assert!(key.is_empty() || !shown.contains(key), "{shown}");
    }
}
