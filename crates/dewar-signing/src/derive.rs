//! Digests, key derivations, and the one function that uses them.
//!
//! A signature is `HMAC(derived key, message)`. The derived key depends on secret key and salt
//! alone, so it is made once, and what remains of it is an HMAC that has already read its key.
//!
//! | derivation | derived key, with `D` the digest |
//! |---|---|
//! | [`KeyDerivation::None`] | the secret key |
//! | [`KeyDerivation::Concat`] | `D(salt ‖ key)` |
//! | [`KeyDerivation::DjangoConcat`] | `D(salt ‖ "signer" ‖ key)` |
//! | [`KeyDerivation::Hmac`] | `HMAC-D(key, salt)` |

use hmac::{EagerHash, Hmac, KeyInit, Mac as _, digest};
use zeroize::Zeroize;

use crate::keys::SecretKey;

/// The hash function below the signature, for deriving the key and for signing alike.
///
/// - default: SHA-1, as itsdangerous and Flask. HMAC does not need what SHA-1 has lost
///   (collision resistance), but a new application is free to choose SHA-256.
///
/// # Flask
/// `digest_method`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[doc(alias = "digest_method")]
pub enum Digest {
    /// 16 bytes. Only for reading what older programs signed.
    Md5,
    /// 20 bytes.
    #[default]
    Sha1,
    /// 28 bytes.
    Sha224,
    /// 32 bytes.
    Sha256,
    /// 48 bytes.
    Sha384,
    /// 64 bytes.
    Sha512,
}

/// How the secret key and the salt become the key that signs.
///
/// - default: [`DjangoConcat`](Self::DjangoConcat), as itsdangerous. Flask's session cookie uses
///   [`Hmac`](Self::Hmac).
///
/// # Security
/// Only `Hmac` keeps salt and key apart for certain: the concatenations give salt `ab` with key
/// `c` the same signatures as salt `a` with key `bc`, and `None` ignores the salt.
///
/// # Flask
/// `key_derivation`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[doc(alias = "key_derivation")]
pub enum KeyDerivation {
    /// `D(salt ‖ key)`; `concat` in itsdangerous.
    Concat,
    /// `D(salt ‖ "signer" ‖ key)`; `django-concat` in itsdangerous.
    #[default]
    DjangoConcat,
    /// `HMAC-D(key, salt)`; `hmac` in itsdangerous.
    Hmac,
    /// The secret key itself, whatever the salt; `none` in itsdangerous.
    None,
}

/// An HMAC that has read its key and waits for a message.
#[derive(Clone)]
pub(crate) enum Mac {
    Md5(Hmac<md5::Md5>),
    Sha1(Hmac<sha1::Sha1>),
    Sha224(Hmac<sha2::Sha224>),
    Sha256(Hmac<sha2::Sha256>),
    Sha384(Hmac<sha2::Sha384>),
    Sha512(Hmac<sha2::Sha512>),
}

impl Mac {
    pub(crate) fn new(
        digest: Digest,
        derivation: KeyDerivation,
        salt: &[u8],
        key: &SecretKey,
    ) -> Self {
        match digest {
            Digest::Md5 => Self::Md5(derive(derivation, salt, key)),
            Digest::Sha1 => Self::Sha1(derive(derivation, salt, key)),
            Digest::Sha224 => Self::Sha224(derive(derivation, salt, key)),
            Digest::Sha256 => Self::Sha256(derive(derivation, salt, key)),
            Digest::Sha384 => Self::Sha384(derive(derivation, salt, key)),
            Digest::Sha512 => Self::Sha512(derive(derivation, salt, key)),
        }
    }

    /// Whether `claimed` is the tag of a message, in a time that depends on the lengths alone, which
    /// are public.
    pub(crate) fn verify(&self, message: &[u8], claimed: &[u8]) -> bool {
        match self {
            Self::Md5(mac) => verify(mac.clone(), message, claimed),
            Self::Sha1(mac) => verify(mac.clone(), message, claimed),
            Self::Sha224(mac) => verify(mac.clone(), message, claimed),
            Self::Sha256(mac) => verify(mac.clone(), message, claimed),
            Self::Sha384(mac) => verify(mac.clone(), message, claimed),
            Self::Sha512(mac) => verify(mac.clone(), message, claimed),
        }
    }

    /// Computes the tag of a message.
    pub(crate) fn tag(&self, message: &[u8]) -> Tag {
        match self {
            Self::Md5(mac) => tag(mac.clone(), message),
            Self::Sha1(mac) => tag(mac.clone(), message),
            Self::Sha224(mac) => tag(mac.clone(), message),
            Self::Sha256(mac) => tag(mac.clone(), message),
            Self::Sha384(mac) => tag(mac.clone(), message),
            Self::Sha512(mac) => tag(mac.clone(), message),
        }
    }
}

/// The raw bytes of a signature. Deliberately without `PartialEq`.
pub(crate) struct Tag {
    bytes: [u8; Self::LONGEST],
    len: usize,
}

impl Tag {
    /// The longest tag of any digest.
    pub(crate) const LONGEST: usize = 64;

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn derive<D: EagerHash + digest::Digest>(
    derivation: KeyDerivation,
    salt: &[u8],
    key: &SecretKey,
) -> Hmac<D> {
    let key = key.as_bytes();
    let hash = <D as digest::Digest>::new().chain_update(salt);
    match derivation {
        KeyDerivation::Concat => keyed_and_wiped(&mut hash.chain_update(key).finalize()),
        KeyDerivation::DjangoConcat => {
            keyed_and_wiped(&mut hash.chain_update(b"signer").chain_update(key).finalize())
        }
        KeyDerivation::Hmac => {
            let mac = keyed::<D>(key).chain_update(salt);
            keyed_and_wiped(&mut mac.finalize().into_bytes())
        }
        KeyDerivation::None => keyed(key),
    }
}

fn keyed_and_wiped<D: EagerHash>(derived: &mut [u8]) -> Hmac<D> {
    let mac = keyed(derived);
    derived.zeroize();
    mac
}

fn keyed<D: EagerHash>(key: &[u8]) -> Hmac<D> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn verify<M: hmac::Mac>(mac: M, message: &[u8], claimed: &[u8]) -> bool {
    mac.chain_update(message).verify_slice(claimed).is_ok()
}

fn tag<M: hmac::Mac>(mac: M, message: &[u8]) -> Tag {
    let output = mac.chain_update(message).finalize().into_bytes();
    let mut tag = Tag { bytes: [0; Tag::LONGEST], len: output.len() };
    tag.bytes[..output.len()].copy_from_slice(&output);
    tag
}
