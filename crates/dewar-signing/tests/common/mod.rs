//! One door to the crate for all tests.
//!
//! [`Machine`] does what the crate does. The checks below take any machine, so that `sabotage.rs`
//! can run them on broken ones and see them fail.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of the door")]

use dewar_signing::{
    BadToken, BadTokenKind, Digest, KeyDerivation, KeyRing, SignerBuilder, TimestampSigner, payload,
};
use dewar_testdata::{latin1, unhex, vectors};
use serde_json::Value as Json;

/// How a token is signed.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub keys: Vec<Vec<u8>>,
    pub salt: Vec<u8>,
    pub separator: Vec<u8>,
    pub derivation: KeyDerivation,
    pub digest: Digest,
    pub timed: bool,
}

impl Recipe {
    /// What Flask signs its session cookie with.
    pub fn flask(secret: &str) -> Self {
        Self {
            keys: vec![secret.into()],
            salt: b"cookie-session".to_vec(),
            separator: b".".to_vec(),
            derivation: KeyDerivation::Hmac,
            digest: Digest::Sha1,
            timed: true,
        }
    }

    pub fn of(case: &Json) -> Self {
        let keys = case["keys_hex"].as_array().expect("keys").iter().map(bytes).collect();
        Self {
            keys,
            salt: bytes(&case["salt_hex"]),
            separator: case["sep_hex"].as_str().map_or(b".".to_vec(), unhex),
            derivation: match text(&case["key_derivation"]) {
                "none" => KeyDerivation::None,
                "concat" => KeyDerivation::Concat,
                "django-concat" => KeyDerivation::DjangoConcat,
                "hmac" => KeyDerivation::Hmac,
                other => panic!("derivation {other}"),
            },
            digest: match text(&case["digest"]) {
                "md5" => Digest::Md5,
                "sha1" => Digest::Sha1,
                "sha224" => Digest::Sha224,
                "sha256" => Digest::Sha256,
                "sha384" => Digest::Sha384,
                "sha512" => Digest::Sha512,
                other => panic!("digest {other}"),
            },
            timed: case["timestamp"].is_number(),
        }
    }

    pub fn builder(&self) -> SignerBuilder {
        let ring = KeyRing::oldest_first(self.keys.iter().cloned()).expect("a ring of few keys");
        TimestampSigner::builder(ring)
            .salt(self.salt.clone())
            .separator(self.separator.clone())
            .key_derivation(self.derivation)
            .digest(self.digest)
    }
}

/// When a token is read, and how old it may be.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: u64,
    pub max_age: Option<u64>,
}

/// Any time, any age.
pub const WHENEVER: Moment = Moment { now: 0, max_age: None };

/// What the crate does. A saboteur overrides one method.
pub trait Machine {
    fn sign(&self, recipe: &Recipe, value: &[u8], now: u64) -> Vec<u8> {
        if recipe.timed {
            recipe.builder().build_timestamp().expect("a sound recipe").sign(value, now)
        } else {
            recipe.builder().build().expect("a sound recipe").sign(value)
        }
    }

    fn unsign(&self, recipe: &Recipe, token: &[u8], at: Moment) -> Result<Vec<u8>, BadToken> {
        if !recipe.timed {
            let signer = recipe.builder().build().expect("a sound recipe");
            return Ok(signer.verify(token)?.value.to_vec());
        }
        let signer = recipe.builder().build_timestamp().expect("a sound recipe");
        let unsigned = signer.verify(token)?;
        Ok(match at.max_age {
            Some(max_age) => unsigned.within(max_age, 0, at.now)?.value.to_vec(),
            None => unsigned.value.to_vec(),
        })
    }

    fn decode(&self, payload: &[u8], limit: usize) -> Result<Vec<u8>, BadToken> {
        payload::decode(payload, limit)
    }
}

/// The crate itself.
pub struct Real;

impl Machine for Real {}

pub type Verdict = Result<(), String>;

/// signer.json, both ways.
pub fn check_signer_vectors(machine: &impl Machine) -> Verdict {
    vectors("signer").iter().try_for_each(|case| {
        let recipe = Recipe::of(case);
        let value = bytes(&case["value_hex"]);
        let now = case["timestamp"].as_u64().unwrap_or(0);
        let signed = bytes(&case["signed_hex"]);
        let opens = |token: &[u8]| {
            machine.unsign(&recipe, token, WHENEVER).is_ok_and(|opened| opened == value)
        };

        ensure(case, "signs alike", machine.sign(&recipe, &value, now) == signed)?;
        ensure(case, "ends in the signature", {
            signed.ends_with(text(&case["signature_b64"]).as_bytes())
        })?;
        ensure(case, "opens", opens(&signed))?;
        for older in case["signed_with_older_keys"].as_array().expect("older keys") {
            ensure(case, "opens what older keys signed", opens(&bytes(&older["signed_hex"])))?;
        }
        let forged = machine.unsign(&recipe, &bytes(&case["must_be_rejected_hex"]), WHENEVER);
        ensure(case, "refuses the forgery", forged.is_err())
    })
}

/// reject.json, as far as this floor reads: signature, time, base64, zlib.
pub fn check_reject_vectors(machine: &impl Machine) -> Verdict {
    vectors("reject").iter().try_for_each(|case| {
        let recipe = Recipe::flask(text(&case["secret_key"]));
        let at =
            Moment { now: case["now"].as_u64().expect("now"), max_age: case["max_age"].as_u64() };
        let read = machine
            .unsign(&recipe, &latin1(text(&case["token_latin1"])), at)
            .and_then(|payload| machine.decode(&payload, payload::MAX_INFLATED))
            .map_err(|bad| bad.kind());
        match expected(case) {
            Expected::Text => ensure(case, &format!("accepted, not {read:?}"), read.is_ok()),
            Expected::Refused => ensure(case, "refused as lenient", read.is_err()),
            Expected::Kind(kind) => {
                ensure(case, &format!("{kind:?}, not {read:?}"), read.err() == Some(kind))
            }
            Expected::NotByThisFloor => ensure(
                case,
                &format!("left to the codec, not {read:?}"),
                read.is_ok() || read.err() == Some(BadTokenKind::BadPayload),
            ),
        }
    })
}

enum Expected {
    Text,
    Refused,
    Kind(BadTokenKind),
    NotByThisFloor,
}

fn expected(case: &Json) -> Expected {
    use BadTokenKind::{BadPayload, BadSignature, BadTimeSignature, SignatureExpired};
    match text(&case["id"]) {
        // A time in a non-canonical form: read by itsdangerous, and then found too old.
        "reject-0253" | "reject-0255" => return Expected::Kind(BadTimeSignature),
        // Signed as the byte 0xff; itsdangerous was handed text and verified its UTF-8 bytes.
        "reject-0277" => return Expected::Refused,
        // Had nothing to replace, and so is the valid token itself.
        "reject-0350" => return Expected::Text,
        // Over a limit that itsdangerous does not have.
        "reject-0416" | "reject-0417" => return Expected::Kind(BadPayload),
        _ => {}
    }
    let error = &case["error"];
    match error["class"].as_str() {
        None if case["lenient"] == true => Expected::Refused,
        None => Expected::Text,
        Some("BadSignature") => Expected::Kind(BadSignature),
        // The second and third escape from itsdangerous for times beyond the year 9999.
        Some("BadTimeSignature" | "OverflowError" | "ValueError") => {
            Expected::Kind(BadTimeSignature)
        }
        Some("SignatureExpired") => Expected::Kind(SignatureExpired),
        Some("BadPayload") => match error["original_class"].as_str() {
            Some("BadData" | "error") => Expected::Kind(BadPayload),
            _ => Expected::NotByThisFloor,
        },
        Some(other) => panic!("class {other}"),
    }
}

/// The payloads of the URL-safe serializers give exactly the vector's text.
pub fn check_payload_vectors(machine: &impl Machine) -> Verdict {
    let cases = vectors("serializer");
    let url_safe = cases.iter().filter(|case| text(&case["class"]).starts_with("URLSafe"));
    url_safe.into_iter().try_for_each(|case| {
        let token = text(&case["token"]).as_bytes();
        let opened = machine
            .unsign(&Recipe::of(case), token, WHENEVER)
            .and_then(|payload| machine.decode(&payload, payload::MAX_INFLATED));
        let expected = text(&case["payload_text"]).as_bytes();
        ensure(case, "decodes to the text", opened.is_ok_and(|opened| opened == expected))
    })
}

/// A bomb stops at the limit, and a payload that just fits does not.
pub fn check_inflation_limit(machine: &impl Machine) -> Verdict {
    let bomb = payload::encode(&vec![b'x'; 1 << 20], payload::Compression::WhenSmaller);
    for (limit, fits) in [(1, false), (65_536, false), ((1 << 20) - 1, false), (1 << 20, true)] {
        let read = machine.decode(&bomb, limit);
        let outcome = read.as_ref().map_or_else(|bad| bad.to_string(), |_| "accepted".into());
        let ok = if fits { read.is_ok() } else { outcome.contains(&limit.to_string()) };
        if !ok {
            return Err(format!("1 MiB under a limit of {limit}: {outcome}"));
        }
    }
    Ok(())
}

pub fn ensure(case: &Json, what: &str, holds: bool) -> Verdict {
    holds.then_some(()).ok_or_else(|| format!("{} ({}): {what}", case["id"], case["note"]))
}

pub fn text(json: &Json) -> &str {
    json.as_str().expect("text")
}

pub fn bytes(json: &Json) -> Vec<u8> {
    unhex(text(json))
}
