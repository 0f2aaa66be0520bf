//! Signed tokens as itsdangerous makes them.

// In floor order: each module uses only those above it, but for the builder in `signer`, which
// also ends in a `TimestampSigner`.
mod keys;

mod error;

mod encoding;

mod derive;

mod signer;

mod timed;

pub mod payload;

pub use self::{
    derive::{Digest, KeyDerivation},
    error::{BadToken, BadTokenKind, ConfigError, PayloadError, Reason},
    keys::{KeyId, KeyRing, SecretKey},
    signer::{Signer, SignerBuilder, Verified},
    timed::{TimestampSigner, Unsigned},
};
