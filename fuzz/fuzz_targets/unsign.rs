//! Whatever arrives as a token: no panic, nothing forged is accepted, and what we sign opens.
#![no_main]

use dewar_signing::{KeyDerivation, SignerBuilder, TimestampSigner};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let timed = session_signer().build_timestamp().expect("the separator is sound");
    let plain = session_signer().build().expect("the separator is sound");
    let now = data.len() as u64;

    // What stands behind a good signature is split, and its time is read.
    let signed = plain.sign(data);
    for token in [data, &signed] {
        if let Ok(unsigned) = timed.verify(token) {
            // A token has one spelling.
            assert_eq!(timed.sign(unsigned.value, unsigned.signed_at), token);
            let _ = unsigned.within(now, 1, now);
        }
    }

    let token = timed.sign(data, now);
    let unsigned = timed.verify(&token).expect("we signed it");
    let unsigned = unsigned.within(0, 0, now).expect("we signed it now");
    assert_eq!(unsigned.value, data);
});

fn session_signer() -> SignerBuilder {
    TimestampSigner::builder("fuzz").salt("cookie-session").key_derivation(KeyDerivation::Hmac)
}
