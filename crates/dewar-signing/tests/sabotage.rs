//! Proof that the checks bite: each machine here is broken in one way, and a check must say so.

mod common;

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use common::{Machine, Moment, Real, Recipe, Verdict};
use dewar_signing::{BadToken, payload};
use std::io::Read as _;

/// Breaks one method of the machine, runs one check, and expects a complaint.
macro_rules! sabotage {
    ($($name:ident in $check:path { $broken:item })+) => {$(
        #[test]
        fn $name() {
            struct Broken;
            impl Machine for Broken { $broken }
            let sound: Verdict = $check(&Real);
            assert_eq!(sound, Ok(()));
            let verdict: Verdict = $check(&Broken);
            assert!(verdict.is_err(), "the check did not notice");
        }
    )+};
}

sabotage! {
    a_signature_that_is_not_compared_is_noticed in common::check_signer_vectors {
        fn unsign(&self, recipe: &Recipe, token: &[u8], _: Moment) -> Result<Vec<u8>, BadToken> {
            Ok(claimed(recipe, token).0.to_vec())
        }
    }

    a_signature_compared_in_its_first_four_bytes_is_noticed in common::check_reject_vectors {
        fn unsign(&self, recipe: &Recipe, token: &[u8], at: Moment) -> Result<Vec<u8>, BadToken> {
            let (signed, signature) = claimed(recipe, token);
            let again = Recipe { timed: false, ..recipe.clone() };
            let right = Real.sign(&again, signed, 0);
            let (_, right_signature) = claimed(recipe, &right);
            // Six characters hold four bytes and a half.
            let repaired = signature.get(..6) == right_signature.get(..6);
            Real.unsign(recipe, if repaired { &right } else { token }, at)
        }
    }

    a_token_that_never_expires_is_noticed in common::check_reject_vectors {
        fn unsign(&self, recipe: &Recipe, token: &[u8], at: Moment) -> Result<Vec<u8>, BadToken> {
            Real.unsign(recipe, token, Moment { max_age: None, ..at })
        }
    }

    an_age_limit_that_is_one_second_short_is_noticed in common::check_reject_vectors {
        fn unsign(&self, recipe: &Recipe, token: &[u8], at: Moment) -> Result<Vec<u8>, BadToken> {
            let max_age = at.max_age.map(|age| age.saturating_sub(1));
            Real.unsign(recipe, token, Moment { max_age, ..at })
        }
    }

    signing_with_the_oldest_key_is_noticed in common::check_signer_vectors {
        fn sign(&self, recipe: &Recipe, value: &[u8], now: u64) -> Vec<u8> {
            let keys = recipe.keys.iter().rev().cloned().collect();
            Real.sign(&Recipe { keys, ..recipe.clone() }, value, now)
        }
    }

    forgetting_the_older_keys_is_noticed in common::check_signer_vectors {
        fn unsign(&self, recipe: &Recipe, token: &[u8], at: Moment) -> Result<Vec<u8>, BadToken> {
            let keys = recipe.keys.last().into_iter().cloned().collect();
            Real.unsign(&Recipe { keys, ..recipe.clone() }, token, at)
        }
    }

    ignoring_the_salt_is_noticed in common::check_reject_vectors {
        fn unsign(&self, recipe: &Recipe, token: &[u8], at: Moment) -> Result<Vec<u8>, BadToken> {
            let salts = ["cookie-session", "cookie-session2", "session", "itsdangerous"];
            let with = |salt: &str| Recipe { salt: salt.into(), ..recipe.clone() };
            let read = |salt: &&str| Real.unsign(&with(salt), token, at).ok();
            salts.iter().find_map(read).map_or_else(|| Real.unsign(recipe, token, at), Ok)
        }
    }

    lenient_base64_is_noticed in common::check_reject_vectors {
        fn decode(&self, payload: &[u8], limit: usize) -> Result<Vec<u8>, BadToken> {
            let config = GeneralPurposeConfig::new()
                .with_decode_allow_trailing_bits(true)
                .with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let lenient = GeneralPurpose::new(&URL_SAFE, config);
            lenient.decode(payload).or_else(|_| Real.decode(payload, limit))
        }
    }

    skipped_foreign_characters_are_noticed in common::check_reject_vectors {
        fn decode(&self, payload: &[u8], limit: usize) -> Result<Vec<u8>, BadToken> {
            let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
            Real.decode(&payload.iter().copied().filter(known).collect::<Vec<_>>(), limit)
        }
    }

    inflating_without_limit_is_noticed in common::check_inflation_limit {
        fn decode(&self, payload: &[u8], _: usize) -> Result<Vec<u8>, BadToken> {
            Real.decode(payload, usize::MAX)
        }
    }

    a_limit_that_refuses_what_fits_is_noticed in common::check_inflation_limit {
        fn decode(&self, payload: &[u8], limit: usize) -> Result<Vec<u8>, BadToken> {
            Real.decode(payload, limit - 1)
        }
    }

    ignoring_what_follows_the_zlib_stream_is_noticed in common::check_reject_vectors {
        fn decode(&self, payload: &[u8], limit: usize) -> Result<Vec<u8>, BadToken> {
            let stream = payload.strip_prefix(b".").and_then(|text| {
                base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()
            });
            let mut text = Vec::new();
            let reader = flate2::read::ZlibDecoder::new(stream.as_deref().unwrap_or_default());
            match reader.take(limit as u64).read_to_end(&mut text) {
                Ok(1..) => Ok(text),
                _ => Real.decode(payload, limit),
            }
        }
    }

    reading_compressed_payloads_as_plain_is_noticed in common::check_payload_vectors {
        fn decode(&self, payload: &[u8], limit: usize) -> Result<Vec<u8>, BadToken> {
            payload::decode(payload.strip_prefix(b".").unwrap_or(payload), limit)
        }
    }
}

/// Splits a token as the crate does, for machines that do not verify.
fn claimed<'t>(recipe: &Recipe, token: &'t [u8]) -> (&'t [u8], &'t [u8]) {
    let width = recipe.separator.len();
    match token.windows(width).rposition(|window| window == recipe.separator) {
        Some(at) => (&token[..at], &token[at + width..]),
        None => (token, b""),
    }
}
