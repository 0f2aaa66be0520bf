//! Every payload of the real library, down to its text. Values are the codec's affair.

mod common;

use common::{Real, Recipe, bytes, text};
use dewar_signing::{
    Codec, PayloadError, Serializer, TimedSerializer, TimestampSigner, UrlSafeSerializer,
    UrlSafeTimedSerializer,
    payload::{self, Compression},
};
use dewar_testdata::vectors;
use serde_json::Value as Json;

/// Leaves text as it is.
struct Verbatim;

impl Codec for Verbatim {
    type Value = String;

    fn write(&self, value: &String) -> Result<String, PayloadError> {
        Ok(value.clone())
    }

    fn read(&self, text: &str) -> Result<String, PayloadError> {
        Ok(text.to_owned())
    }
}

/// One token through one of the four serializers: what we write, what we read, what we read
/// without verifying.
fn through_serializer(case: &Json, written: &str) -> (String, String, String) {
    let builder = Recipe::of(case).builder();
    let token = text(&case["token"]);
    let now = case["timestamp"].as_u64().unwrap_or(0);
    let value = written.to_owned();
    let timed = builder.clone().build_timestamp().expect("a sound recipe");
    let plain = builder.build().expect("a sound recipe");
    macro_rules! run {
        ($serializer:expr, $($now:expr, $max_age:expr)?) => {{
            let serializer = $serializer;
            (
                serializer.dump(&value, $($now)?).unwrap(),
                serializer.load(token, $($max_age, $now)?).unwrap(),
                serializer.insecure_load_unverified(token).unwrap(),
            )
        }};
    }
    match text(&case["class"]) {
        "Serializer" => run!(Serializer::with_signer(plain, Verbatim),),
        "TimedSerializer" => run!(TimedSerializer::with_signer(timed, Verbatim), now, Some(0)),
        "URLSafeSerializer" => run!(UrlSafeSerializer::with_signer(plain, Verbatim),),
        "URLSafeTimedSerializer" => {
            run!(UrlSafeTimedSerializer::with_signer(timed, Verbatim), now, Some(0))
        }
        other => panic!("class {other}"),
    }
}

#[test]
fn vectors_of_all_four_serializers_agree_in_text() {
    for case in vectors("serializer") {
        let written = text(&case["payload_text"]);
        let (token, read, unverified) = through_serializer(&case, written);
        assert_eq!(read, written, "{}", case["id"]);
        assert_eq!(unverified, written, "{}", case["id"]);
        if case["decode_only_exact"] == false {
            assert_eq!(token, text(&case["token"]), "{}", case["id"]);
        } else {
            assert!(token.starts_with('.'), "{} is not compressed", case["id"]);
        }
    }
}

#[test]
fn vectors_of_url_safe_payloads_decode_to_their_text() {
    common::check_payload_vectors(&Real).unwrap();
}

#[test]
fn vectors_of_session_cookies_open_and_are_made_alike() {
    for case in vectors("session_cookie") {
        let signer = session_signer(&case);
        let now = case["timestamp"].as_u64().unwrap();
        let json = text(&case["json_text"]).as_bytes();
        let open = |cookie: &str| {
            let unsigned = signer.verify(cookie.as_bytes()).unwrap().within(0, 0, now).unwrap();
            payload::decode(unsigned.value, payload::MAX_INFLATED).unwrap()
        };
        assert_eq!(open(text(&case["cookie"])), json, "{}", case["id"]);
        if let Some(older) = case["cookie_signed_with_fallback_0"].as_str() {
            assert_eq!(open(older), json, "{}", case["id"]);
        }

        let written = payload::encode(json, Compression::WhenSmaller);
        let cookie = String::from_utf8(signer.sign(&written, now)).unwrap();
        assert_eq!(open(&cookie), json, "{}", case["id"]);
        if case["decode_only_exact"] == false && !barely_compressed(&written, json.len()) {
            assert_eq!(cookie, text(&case["cookie"]), "{}", case["id"]);
        }
    }
}

/// Whether compression saved so little that another zlib library may have found no saving.
fn barely_compressed(payload: &[u8], text_len: usize) -> bool {
    payload.strip_prefix(b".").is_some_and(|stream| stream.len() * 3 / 4 + 4 > text_len)
}

fn session_signer(case: &Json) -> TimestampSigner {
    let newest = match case["secret_key"].as_str() {
        Some(secret) => secret.as_bytes().to_vec(),
        None => bytes(&case["secret_key_hex"]),
    };
    let fallbacks = case["fallback_keys"].as_array().into_iter().flatten();
    let mut recipe = Recipe::flask("");
    recipe.keys = fallbacks.map(|key| text(key).into()).chain([newest]).collect();
    recipe.salt = text(&case["salt"]).into();
    recipe.builder().build_timestamp().expect("a sound recipe")
}

#[test]
fn bombs_stop_at_the_limit() {
    common::check_inflation_limit(&Real).unwrap();
}

#[test]
fn payloads_are_compressed_only_if_that_saves_two_bytes() {
    for len in 0..200 {
        let text = "x".repeat(len);
        let payload = payload::encode(text.as_bytes(), Compression::WhenSmaller);
        let plain = payload::encode(text.as_bytes(), Compression::Never);
        match payload.strip_prefix(b".") {
            Some(base64url) => assert!(base64url.len() * 3 / 4 < len - 1, "{len}"),
            None => assert!(len < 20, "{len}: zlib writes such runs in a dozen bytes"),
        }
        assert!(payload.len() <= plain.len() + 1, "{len}");
        for payload in [payload, plain] {
            assert_eq!(payload::decode(&payload, len).unwrap(), text.as_bytes());
            assert_eq!(payload::decode(&payload, len.saturating_sub(1)).is_ok(), len == 0);
        }
    }
}

#[test]
fn a_token_needs_a_separator_that_is_text() {
    let signer = Recipe { separator: vec![0xff], timed: false, ..Recipe::flask("secret") };
    let serializer = Serializer::with_signer(signer.builder().build().unwrap(), Verbatim);
    assert!(serializer.dump(&"cart".into()).unwrap_err().to_string().contains("separator"));
}
