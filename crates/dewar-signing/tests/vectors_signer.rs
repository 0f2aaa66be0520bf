//! Every signature of the real library, both ways.

mod common;

use common::{Machine as _, Real, Recipe, WHENEVER, bytes, text};
use dewar_signing::{BadTokenKind, ConfigError, KeyRing, Signer};
use dewar_testdata::vectors;

#[test]
fn vectors_signed_by_itsdangerous_open_and_are_signed_alike() {
    common::check_signer_vectors(&Real).unwrap();
}

#[test]
fn vectors_refused_by_itsdangerous_are_refused_for_the_same_reason() {
    common::check_reject_vectors(&Real).unwrap();
}

#[test]
fn vectors_of_signatures_without_a_value_agree() {
    for case in vectors("signer").iter().filter(|case| case["timestamp"].is_null()) {
        let signer = Recipe::of(case).builder().build().unwrap();
        assert_eq!(
            signer.signature(&bytes(&case["value_hex"])),
            text(&case["signature_b64"]),
            "{}",
            case["id"]
        );
    }
}

#[test]
fn vectors_signed_with_older_keys_name_their_key() {
    for case in vectors("signer").iter().filter(|case| case["timestamp"].is_null()) {
        let recipe = Recipe::of(case);
        let ring = KeyRing::oldest_first(recipe.keys.clone()).unwrap();
        let signer = recipe.builder().build().unwrap();
        let newest = bytes(&case["signed_hex"]);
        let verified = signer.verify(&newest).unwrap();
        assert!(verified.newest && verified.key == ring.newest().id(), "{}", case["id"]);
        for older in case["signed_with_older_keys"].as_array().unwrap() {
            let token = bytes(&older["signed_hex"]);
            let verified = signer.verify(&token).unwrap();
            let index = older["key_index"].as_u64().unwrap() as usize;
            assert_eq!(verified.key, ring.iter().nth(index).unwrap().id(), "{}", case["id"]);
            assert!(!verified.newest, "{}", case["id"]);
        }
    }
}

#[test]
fn vectors_signed_before_rotation_open_under_flask_fallbacks() {
    for case in vectors("signer").iter().filter(|case| case["keys_hex"][1].is_string()) {
        let recipe = Recipe::of(case);
        let (newest, fallbacks) = recipe.keys.split_last().unwrap();
        let ring = KeyRing::new(newest.clone()).with_fallbacks(fallbacks.to_vec()).unwrap();
        let ids = |ring: &KeyRing| ring.iter().map(|key| key.id()).collect::<Vec<_>>();
        assert_eq!(ids(&ring), ids(&KeyRing::oldest_first(recipe.keys).unwrap()));
    }
}

#[test]
fn garbage_is_sorted_by_its_separators() {
    use BadTokenKind::{BadSignature, BadTimeSignature};
    let rows: [(&[u8], BadTokenKind); 6] = [
        (b"", BadSignature),
        (b"nothing", BadSignature),
        (b".", BadSignature),
        (b"one.dot", BadSignature),
        (b"..", BadTimeSignature),
        (b"two.dots.here", BadTimeSignature),
    ];
    for (token, kind) in rows {
        let bad = Real.unsign(&Recipe::flask("secret"), token, WHENEVER).unwrap_err();
        assert_eq!(bad.kind(), kind, "{token:?}");
    }
}

#[test]
fn separators_that_occur_in_signatures_are_refused() {
    let build = |separator: &str| Signer::builder("key").separator(separator).build();
    for separator in ["", "a", "Z", "0", "-", "_", "=", "ab", "ac", "-_="] {
        let refused = build(separator).unwrap_err();
        assert_eq!(refused, ConfigError::BadSeparator { separator: separator.into() });
    }
    for separator in [".", ":", "|", "!", "..", "/", "+", "a.", "\u{e9}"] {
        let signer = build(separator).unwrap();
        assert_eq!(signer.verify(&signer.sign(b"cart")).unwrap().value, b"cart", "{separator}");
    }
}

#[test]
fn rings_hold_one_to_sixteen_keys() {
    let ring = |count: usize| KeyRing::oldest_first((0..count).map(|n| n.to_string()));
    assert_eq!(ring(0).unwrap_err(), ConfigError::NoKey);
    assert_eq!(ring(16).unwrap().len(), 16);
    assert_eq!(ring(17).unwrap_err(), ConfigError::TooManyKeys { count: 17, limit: 16 });
    assert_eq!(
        KeyRing::new("newest").with_fallbacks(vec!["old"; 16]).unwrap_err(),
        ConfigError::TooManyKeys { count: 17, limit: 16 }
    );
}
