//! The signer that Flask makes, from what was asked for.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use dewar_signing::{
    Digest, KeyDerivation, KeyRing, SecretKey, TaggedJson, TimestampSigner, UrlSafeTimedSerializer,
};

use crate::args::Signing;

/// The key of an environment variable.
pub(super) fn key(name: &str) -> anyhow::Result<SecretKey> {
    let key = dewar::key_from_env(name)?;
    ensure!(
        !key.as_bytes().trim_ascii().is_empty(),
        "the environment variable {name} is empty: export {name}=\"$(dewar secret)\""
    );
    Ok(key)
}

/// The signer of Flask's session cookies.
pub(super) fn signer(signing: &Signing, fallbacks: &[String]) -> anyhow::Result<TimestampSigner> {
    let older: Vec<_> = fallbacks.iter().map(|name| key(name)).collect::<Result<_, _>>()?;
    let ring = KeyRing::new(key(&signing.secret_key_env)?).with_fallbacks(older)?;
    let signer = TimestampSigner::builder(ring)
        .salt(signing.salt.as_bytes())
        .key_derivation(KeyDerivation::Hmac)
        .digest(Digest::Sha1)
        .build_timestamp()?;
    Ok(signer)
}

/// The signer with the form of what it signs.
pub(super) fn serializer(signer: TimestampSigner) -> UrlSafeTimedSerializer<TaggedJson> {
    UrlSafeTimedSerializer::with_signer(signer, TaggedJson)
}

/// The time to go by.
pub(super) fn now(signing: &Signing) -> anyhow::Result<u64> {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs());
    let now = signing.now.map_or_else(clock, Ok);
    now.context("the clock of this machine is before 1970: set it, or give --now")
}
