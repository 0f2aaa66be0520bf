//! Signed tokens as itsdangerous makes them, byte for byte: what one side signs, the other opens.
//!
//! No I/O, no clock, no async: bytes and a time go in, bytes come out. Flask's session cookie,
//! links that reset a password, and form tokens are all made of this.
//!
//! # Anatomy of a token
//!
//! ```text
//!    eyJ2aXNpdHMiOjN9 . ZVPxAA . 7jLucbd_y6JULspK5LuCcsZBjCQ
//!    ───────┬────────   ───┬──   ─────────────┬─────────────
//!        payload         time             signature
//!           │              │                  │
//!           │              │                  HMAC(derived key, "payload.time")
//!           │              seconds since 1970, big-endian, no leading zero bytes
//!           {"visits":3}; after a leading dot: zlib
//! ```
//!
//! Each part is base64url without padding. Whoever holds a token can read it: a signature proves
//! who wrote the payload, and hides nothing.
//!
//! # The ladder
//!
//! Each step adds one thing to the step before it.
//!
//! | step | type | adds |
//! |--:|---|---|
//! | 1 | [`SecretKey`], [`KeyRing`] | keys, oldest to newest: the newest signs, all verify |
//! | 2 | [`Digest`], [`KeyDerivation`] | how key and salt become the key that signs |
//! | 3 | [`Signer`] | `value.signature` |
//! | 4 | [`TimestampSigner`], [`Unsigned`] | `value.time.signature`, and the question of age |
//! | 5 | [`payload`] | text in URL-safe characters, compressed if that is shorter |
//! | 6 | [`Serializer`], [`TimedSerializer`] | values instead of bytes, through a [`Codec`] |
//! | 7 | [`UrlSafeSerializer`], [`UrlSafeTimedSerializer`] | steps 5 and 6 together |
//! | 8 | [`Value`], [`Json`], [`TaggedJson`] | Python's values, plain and with Flask's type tags |
//!
//! # Example
//!
//! A cookie that Flask made, opened step by step:
//!
//! ```
//! use dewar_signing::{KeyDerivation, TimestampSigner, payload};
//!
//! let signer = TimestampSigner::builder("secret")
//!     .salt("cookie-session")
//!     .key_derivation(KeyDerivation::Hmac)
//!     .build_timestamp()?;
//!
//! let token = b"eyJ2aXNpdHMiOjN9.ZVPxAA.7jLucbd_y6JULspK5LuCcsZBjCQ";
//! let a_month = 31 * 24 * 60 * 60;
//! let unsigned = signer.verify(token)?.within(a_month, 0, 1_700_000_000)?;
//! assert_eq!(payload::decode(unsigned.value, payload::MAX_INFLATED)?, br#"{"visits":3}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Security
//!
//! - Nothing of a payload is decoded before its signature is good. Signatures are compared in
//!   constant time.
//! - A token has one spelling. itsdangerous also reads padded, non-canonical and interspersed
//!   base64, times with leading zeros, and bytes after a zlib stream; it never writes them, and
//!   here they are refused.
//! - Inflating stops at a limit.
//! - Keys never print. They, and what a [`Signer`] derives from them, are wiped from memory when
//!   dropped.
//! - Errors never carry token text.

// In floor order: each module uses only those above it.
mod key_id;
mod error;
mod keys;
mod encoding;
mod derive;
mod signer;
mod timed;
pub mod payload;
mod serializer;
mod url_safe;
mod value;
mod json;

pub use self::{
    derive::{Digest, KeyDerivation},
    error::{BadToken, BadTokenKind, ConfigError, PayloadError, Reason},
    json::{Json, LazyDict, LazyValue, MAX_DEPTH, TaggedJson},
    key_id::KeyId,
    keys::{KeyRing, SecretKey},
    serializer::{Codec, Serializer, TimedSerializer},
    signer::{Signer, SignerBuilder, Verified},
    timed::{TimestampSigner, Unsigned},
    url_safe::{UrlSafeSerializer, UrlSafeTimedSerializer},
    value::{
        BigInt, ConversionError, DateTime, Dict, FromValue, Uuid, Value, from_value, to_value,
    },
};
