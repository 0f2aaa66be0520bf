//! What must not come out, and what must stay the same.

mod common;

use common::{Machine as _, Moment, Real, Recipe, text};
use dewar_signing::{
    BadToken, ConfigError, KeyRing, PayloadError, SecretKey, Signer, TimestampSigner, payload,
};
use dewar_testdata::{latin1, vectors};

#[test]
fn keys_do_not_print() {
    let secret = "correct horse battery staple";
    let ring = || KeyRing::new(secret).with_fallbacks([secret]).unwrap();
    let printed = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        SecretKey::from(secret),
        ring(),
        Signer::builder(ring()),
        Signer::new(ring()),
        TimestampSigner::new(ring()).verify(b"a.b.c"),
    );
    for word in secret.split(' ') {
        assert!(!printed.contains(word), "{printed}");
    }
    assert!(printed.contains(&ring().newest().id().to_string()), "{printed}");
}

#[test]
fn key_ids_are_the_same_everywhere() {
    // SHA-256 of `dewar.key-id.v1`, a zero byte, and the key.
    assert_eq!(SecretKey::from("secret").id().to_string(), "b7d1698c");
    assert_eq!(SecretKey::new("secret").id(), SecretKey::from(b"secret").id());
    assert_ne!(SecretKey::from("secret").id(), SecretKey::from("secret ").id());
}

#[test]
fn vectors_that_are_refused_leave_no_trace_in_the_error() {
    for case in vectors("reject") {
        let token = latin1(text(&case["token_latin1"]));
        let at = Moment { now: case["now"].as_u64().unwrap(), max_age: case["max_age"].as_u64() };
        let read = Real
            .unsign(&Recipe::flask(text(&case["secret_key"])), &token, at)
            .and_then(|payload| Real.decode(&payload, payload::MAX_INFLATED));
        let Err(bad) = read else { continue };
        let printed = format!("{bad} {bad:?}");
        // Shorter parts occur in words.
        for part in token.split(|byte| *byte == b'.').filter(|part| part.len() > 5) {
            let part = String::from_utf8_lossy(part);
            assert!(!printed.contains(&*part), "{}: {printed}", case["id"]);
        }
    }
}

#[test]
fn everything_can_be_shared_and_boxed() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    shared::<SecretKey>();
    shared::<KeyRing>();
    shared::<Signer>();
    shared::<TimestampSigner>();
    error::<BadToken>();
    error::<ConfigError>();
    error::<PayloadError>();
}
