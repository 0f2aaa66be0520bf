//! The signer that Flask makes, from what was asked for.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use dewar_signing::{
    Digest, KeyDerivation, KeyRing, TaggedJson, TimestampSigner, UrlSafeTimedSerializer,
};

use crate::{args::Signing, variable};

/// The signer of Flask's session cookies.
pub(super) fn signer(signing: &Signing, fallbacks: &[String]) -> anyhow::Result<TimestampSigner> {
    let older: Vec<_> = fallbacks
        .iter()
        .map(|name| variable::key("--fallback-key-env", name))
        .collect::<Result<_, _>>()?;
    let ring = KeyRing::new(variable::key(variable::NEWEST, &signing.secret_key_env)?)
        .with_fallbacks(older)?;
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
