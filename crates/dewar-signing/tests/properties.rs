//! What holds for every key, value and token, tried on random ones.

mod common;

use common::{Machine as _, Moment, Real, Recipe, WHENEVER};
use dewar_signing::{
    BadTokenKind, Digest, KeyDerivation, TimestampSigner,
    payload::{self, Compression},
};
use proptest::{collection::vec, prelude::*, sample::select};

const LAST_SECOND: u64 = 253_402_300_799;

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=most)
}

fn recipe() -> impl Strategy<Value = Recipe> {
    use {Digest::*, KeyDerivation::*};
    (
        vec(bytes(80), 1..=4),
        bytes(20),
        select(vec![".", ":", "::", "|", "a.", "\u{e9}"]),
        select(vec![None, Concat, DjangoConcat, Hmac]),
        select(vec![Md5, Sha1, Sha224, Sha256, Sha384, Sha512]),
        any::<bool>(),
    )
        .prop_map(|(keys, salt, separator, derivation, digest, timed)| Recipe {
            keys,
            salt,
            separator: separator.into(),
            derivation,
            digest,
            timed,
        })
}

/// Values that hold separators more often than chance would have it.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![bytes(40), "[a.:|]{0,20}".prop_map(String::into_bytes)]
}

fn opens(recipe: &Recipe, token: &[u8]) -> bool {
    Real.unsign(recipe, token, WHENEVER).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_signed_opens(recipe in recipe(), value in value(), now in 0..=LAST_SECOND) {
        let token = Real.sign(&recipe, &value, now);
        let opened = Real.unsign(&recipe, &token, Moment { now, max_age: Some(0) });
        prop_assert_eq!(opened.ok(), Some(value));
    }

    #[test]
    fn what_an_older_key_signed_opens(recipe in recipe(), value in value()) {
        for key in &recipe.keys {
            let older = Recipe { keys: vec![key.clone()], ..recipe.clone() };
            prop_assert!(opens(&recipe, &Real.sign(&older, &value, 0)));
        }
    }

    #[test]
    fn no_changed_bit_goes_unnoticed(recipe in recipe(), value in value(), now in 0..=LAST_SECOND) {
        let token = Real.sign(&recipe, &value, now);
        let signer = recipe.builder().build().unwrap();
        for bit in 0..token.len() * 8 {
            let mut changed = token.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(signer.verify(&changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn no_cut_or_added_byte_goes_unnoticed(recipe in recipe(), value in value(), added: u8) {
        let token = Real.sign(&recipe, &value, 0);
        for at in 0..=token.len() {
            prop_assert!(at == token.len() || !opens(&recipe, &token[..at]), "cut at {at}");
            let longer = [&token[..at], &[added], &token[at..]].concat();
            prop_assert!(!opens(&recipe, &longer), "added at {at}");
        }
    }

    #[test]
    fn another_salt_does_not_open(recipe in recipe(), value in value(), salt in bytes(20)) {
        prop_assume!(recipe.derivation == KeyDerivation::Hmac && salt != recipe.salt);
        let other = Recipe { salt, ..recipe.clone() };
        prop_assert!(!opens(&recipe, &Real.sign(&other, &value, 0)));
    }

    #[test]
    fn random_tokens_are_refused_calmly(recipe in recipe(), token in bytes(200), limit: usize) {
        prop_assert!(!opens(&recipe, &token));
        let _ = payload::decode(&token, limit);
    }

    #[test]
    fn random_streams_are_refused_calmly(stream in bytes(200), limit in 0_usize..5000) {
        let zlib = [&[0x78, 0x9c], &stream[..]].concat();
        for stream in [stream, zlib] {
            let mut payload = payload::encode(&stream, Compression::Never);
            payload.insert(0, b'.');
            if let Ok(text) = payload::decode(&payload, limit) {
                prop_assert!(text.len() <= limit);
            }
        }
    }

    #[test]
    fn payloads_come_back(text in bytes(300), run in 0_usize..5000) {
        let text = [text, vec![b' '; run]].concat();
        let plain = payload::encode(&text, Compression::Never);
        let shorter = payload::encode(&text, Compression::WhenSmaller);
        prop_assert!(shorter.len() <= plain.len() + 1);
        for payload in [plain, shorter] {
            prop_assert_eq!(&payload::decode(&payload, text.len()).unwrap(), &text);
            if !text.is_empty() {
                prop_assert!(payload::decode(&payload, text.len() - 1).is_err());
            }
        }
    }

    #[test]
    fn a_plain_payload_has_one_spelling(payload in "[A-Za-z0-9+/_=-]{0,12}") {
        if let Ok(text) = payload::decode(payload.as_bytes(), 100) {
            prop_assert_eq!(payload::encode(&text, Compression::Never), payload.into_bytes());
        }
    }

    #[test]
    fn times_come_back_up_to_the_year_9999(bits in 0_u32..64, noise: u64) {
        let now = noise >> bits;
        let signer = TimestampSigner::new("secret");
        match signer.verify(&signer.sign(b"cart", now)) {
            Ok(unsigned) => prop_assert!(unsigned.signed_at == now && now <= LAST_SECOND),
            Err(bad) => {
                prop_assert_eq!(bad.kind(), BadTokenKind::BadTimeSignature);
                prop_assert!(now > LAST_SECOND);
            }
        }
    }

    #[test]
    fn age_is_as_itsdangerous_counts_it(
        signed_at in 0..=LAST_SECOND,
        drift in -100_i64..100,
        max_age in 0_u64..100,
        leeway in 0_u64..100,
    ) {
        let signer = TimestampSigner::new("secret");
        let token = signer.sign(b"cart", signed_at);
        let now = signed_at.saturating_add_signed(drift);
        let age = i128::from(now) - i128::from(signed_at);
        let outcome = signer.verify(&token).unwrap().within(max_age, leeway, now);
        prop_assert_eq!(outcome.is_ok(), (-i128::from(leeway)..=i128::from(max_age)).contains(&age));
        if let Err(bad) = outcome {
            prop_assert_eq!((bad.kind(), bad.signed_at()), (BadTokenKind::SignatureExpired, Some(signed_at)));
        }
    }

    #[test]
    fn extreme_clocks_are_survived(signed_at: u64, now: u64, max_age: u64, leeway: u64) {
        let signer = TimestampSigner::new("secret");
        let token = signer.sign(b"cart", signed_at);
        let _ = signer.verify(&token).and_then(|unsigned| unsigned.within(max_age, leeway, now));
    }
}

/// One- and two-character changes at every place of one token: none opens.
#[test]
fn every_small_edit_of_a_token_is_refused() {
    let recipe = Recipe::flask("secret");
    let signer = recipe.builder().build_timestamp().unwrap();
    let token = b"eyJ2aXNpdHMiOjN9.ZVPxAA.7jLucbd_y6JULspK5LuCcsZBjCQ";
    assert!(signer.verify(token).is_ok());
    for at in 0..token.len() {
        for byte in 0..=u8::MAX {
            let (before, after) = token.split_at(at);
            if byte != token[at] {
                let replaced = [before, &[byte], &after[1..]].concat();
                assert!(signer.verify(&replaced).is_err(), "{byte} for the byte at {at}");
            }
            let inserted = [before, &[byte], after].concat();
            assert!(signer.verify(&inserted).is_err(), "{byte} before the byte at {at}");
        }
        let removed = [&token[..at], &token[at + 1..]].concat();
        assert!(signer.verify(&removed).is_err(), "without the byte at {at}");
    }
}
