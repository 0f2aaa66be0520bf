//! Whatever stands behind a good signature as payload: no panic, never more than the limit, and
//! what we encode comes back.
#![no_main]

use dewar_signing::payload::{self, Compression};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 64 * 1024;

fuzz_target!(|data: &[u8]| {
    decodes_within_the_limit(data);

    // The same bytes as a zlib stream, so that the fuzzer need not learn base64 first.
    let mut stream = payload::encode(data, Compression::Never);
    stream.insert(0, b'.');
    decodes_within_the_limit(&stream);

    let encoded = payload::encode(data, Compression::WhenSmaller);
    let decoded = payload::decode(&encoded, data.len()).expect("we encoded it");
    assert_eq!(decoded, data);
});

fn decodes_within_the_limit(payload: &[u8]) {
    if let Ok(text) = payload::decode(payload, LIMIT) {
        assert!(text.len() <= LIMIT);
    }
}
