//! What a `Set-Cookie` line says, read by floor 1 alone.

use dewar::Dict;
use dewar_signing::{
    Codec, Digest, KeyDerivation, KeyRing, TaggedJson, TimestampSigner, Value,
    payload::{Compression, MAX_INFLATED, decode, encode},
};

/// Flask's session signer.
pub fn signer(keys: impl Into<KeyRing>) -> TimestampSigner {
    TimestampSigner::builder(keys)
        .salt("cookie-session")
        .key_derivation(KeyDerivation::Hmac)
        .digest(Digest::Sha1)
        .build_timestamp()
        .expect("a sound recipe")
}

/// Signs any text as a session.
pub fn sign(key: &str, json: &str, at: u64) -> String {
    let payload = encode(json.as_bytes(), Compression::WhenSmaller);
    String::from_utf8(signer(key).sign(&payload, at)).expect("tokens are text")
}

/// `name=token; attributes` → `token`
pub fn token(line: &str) -> &str {
    let pair = line.split(';').next().unwrap_or_default();
    pair.split_once('=').unwrap_or_default().1
}

/// `name=token; attributes` → `name` and `attributes`
fn frame(line: &str) -> (&str, &str) {
    let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
    (pair.split_once('=').unwrap_or_default().0, attributes)
}

/// The JSON text of a token and when it was signed.
pub fn opened(key: &str, token: &str) -> Option<(String, u64)> {
    let signer = signer(key);
    let unsigned = signer.verify(token.as_bytes()).ok()?;
    let text = decode(unsigned.value, MAX_INFLATED).ok()?;
    Some((String::from_utf8(text).ok()?, unsigned.signed_at))
}

/// The contents of a token.
pub fn contents(key: &str, token: &str) -> Option<Dict> {
    match TaggedJson.read(&opened(key, token)?.0).ok()? {
        Value::Dict(dict) => Some(dict),
        _ => None,
    }
}

/// Whether compression saved so little that another zlib library may have found no saving.
pub fn barely_compressed(token: &str, text_len: usize) -> bool {
    let payload = token.split('.').nth(1).unwrap_or_default();
    token.starts_with('.') && payload.len() * 3 / 4 + 4 > text_len
}

/// Whether our `Set-Cookie` line is the expected one: to the byte, unless zlib had a part in it.
/// Then text, time, name and attributes must agree.
pub fn same_line(key: &str, ours: &str, expected: &str) -> bool {
    if ours == expected {
        return true;
    }
    let (Some(left), Some(right)) = (opened(key, token(ours)), opened(key, token(expected))) else {
        return false;
    };
    let excused = token(expected).starts_with('.') || barely_compressed(token(ours), left.0.len());
    excused && left == right && frame(ours) == frame(expected)
}
