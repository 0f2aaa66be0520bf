//! Bytes ⇄ `value separator time separator signature`, in two steps of trust.
//!
//! 1. [`TimestampSigner::verify`]: is the signature good? Gives an [`Unsigned`].
//! 2. [`Unsigned::within`]: is it of age? Needs the time of day, which this crate never asks for.
//!
//! The signature covers the time. Comes from [`crate::signer`].

use crate::{
    encoding,
    error::{BadToken, BadTokenKind, ConfigError, Reason},
    key_id::KeyId,
    keys::KeyRing,
    signer::{Signer, SignerBuilder},
};

/// Signs bytes together with the time.
///
/// # Example
/// ```
/// use dewar_signing::{BadTokenKind, TimestampSigner};
///
/// let signer = TimestampSigner::new("a long random key");
/// let token = signer.sign(b"reset alice's password", 1_700_000_000);
///
/// let unsigned = signer.verify(&token)?;
/// assert_eq!(unsigned.signed_at, 1_700_000_000);
/// assert_eq!(unsigned.within(600, 0, 1_700_000_600)?.value, b"reset alice's password");
///
/// let late = signer.verify(&token)?.within(600, 0, 1_700_000_601).unwrap_err();
/// assert_eq!(late.kind(), BadTokenKind::SignatureExpired);
/// # Ok::<(), dewar_signing::BadToken>(())
/// ```
///
/// # Flask
/// `itsdangerous.TimestampSigner`
#[derive(Clone, Debug)]
pub struct TimestampSigner {
    signer: Signer,
}

impl TimestampSigner {
    /// Makes a signer with the defaults of itsdangerous; see [`SignerBuilder`].
    pub fn new(keys: impl Into<KeyRing>) -> Self {
        Self { signer: Signer::new(keys) }
    }

    /// Starts a signer with settings of its own; ends with
    /// [`build_timestamp`](SignerBuilder::build_timestamp).
    pub fn builder(keys: impl Into<KeyRing>) -> SignerBuilder {
        Signer::builder(keys)
    }

    /// Signs a value and the time with the newest key.
    ///
    /// - `now`: whole seconds since 1970. A time after the year 9999 is signed, and refused by
    ///   [`verify`](Self::verify).
    pub fn sign(&self, value: &[u8], now: u64) -> Vec<u8> {
        const TIME_LEN: usize = 11;
        let room = self.signer.separator().len() + TIME_LEN + self.signer.overhead();
        let mut token = Vec::with_capacity(value.len() + room);
        self.sign_onto(&mut token, now, |token| token.extend_from_slice(value));
        token
    }

    /// The same for a token that is part of something longer: `write` appends the value to `out`, and
    /// it is signed where it stands. Nothing is copied.
    ///
    /// - `now`: whole seconds since 1970.
    pub fn sign_onto(&self, out: &mut Vec<u8>, now: u64, write: impl FnOnce(&mut Vec<u8>)) {
        let from = out.len();
        write(out);
        out.extend_from_slice(self.signer.separator());
        encoding::push_time(out, now);
        self.signer.seal(out, from);
    }

    /// Step one: checks the signature. Says nothing about age.
    ///
    /// # Errors
    /// In this order:
    /// - [`BadSignature`](BadTokenKind::BadSignature): no separator at all, or a bad signature
    ///   over something that holds no time;
    /// - [`BadTimeSignature`](BadTokenKind::BadTimeSignature): a bad signature over something
    ///   that might hold a time; or a good one, and the time is missing or malformed.
    ///
    /// Treat the token as absent in every case.
    ///
    /// # Flask
    /// `unsign` without `max_age`. Times with leading zero bytes or non-canonical base64 are
    /// refused; itsdangerous reads them and never writes them.
    #[doc(alias = "unsign")]
    pub fn verify<'t>(&self, token: &'t [u8]) -> Result<Unsigned<'t>, BadToken> {
        let (signed, signature) = self.signer.split(token).ok_or(Reason::NoSeparator)?;
        let parts = self.signer.split(signed);
        let Some(key) = self.signer.made_by(signed, signature) else {
            let kind = match parts {
                Some(_) => BadTokenKind::BadTimeSignature,
                None => BadTokenKind::BadSignature,
            };
            return Err(BadToken::new(kind, self.signer.mismatch()));
        };
        let (value, time) = parts.ok_or(Reason::TimestampMissing)?;
        let signed_at = encoding::time(time).ok_or(Reason::TimestampMalformed)?;
        Ok(Unsigned { value, signed_at, key, newest: self.signer.is_newest(key) })
    }

    /// Both steps at once, the second only if there is a limit.
    pub(crate) fn verify_within<'t>(
        &self,
        token: &'t [u8],
        max_age: Option<u64>,
        now: u64,
    ) -> Result<Unsigned<'t>, BadToken> {
        let unsigned = self.verify(token)?;
        match max_age {
            Some(max_age) => unsigned.within(max_age, 0, now),
            None => Ok(unsigned),
        }
    }

    /// The value of a token, whoever made it and whenever.
    pub(crate) fn insecure_value<'t>(&self, token: &'t [u8]) -> Result<&'t [u8], BadToken> {
        let (signed, _) = self.signer.split(token).ok_or(Reason::NoSeparator)?;
        let (value, _) = self.signer.split(signed).ok_or(Reason::TimestampMissing)?;
        Ok(value)
    }
}

impl From<Signer> for TimestampSigner {
    fn from(signer: Signer) -> Self {
        Self { signer }
    }
}

impl SignerBuilder {
    /// Builds a signer that signs the time along with the value.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_timestamp(self) -> Result<TimestampSigner, ConfigError> {
        self.build().map(TimestampSigner::from)
    }
}

/// A value whose signature is good and whose age nobody has looked at yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a good signature may be years old: ask `within`"]
#[non_exhaustive]
pub struct Unsigned<'t> {
    /// What was signed.
    pub value: &'t [u8],
    /// When, in whole seconds since 1970; at most the last second of the year 9999.
    pub signed_at: u64,
    /// The key that signed it.
    pub key: KeyId,
    /// Whether that is the newest key. If not, the token should be signed anew soon.
    pub newest: bool,
}

impl Unsigned<'_> {
    /// Step two: checks the age.
    ///
    /// - `max_age`: seconds. A token exactly this old is accepted.
    /// - `leeway`: how many seconds in the future it may have been signed, for machines whose
    ///   clocks differ. 0 is what itsdangerous does. It never makes a token live longer.
    /// - `now`: whole seconds since 1970.
    ///
    /// # Errors
    /// [`SignatureExpired`](BadTokenKind::SignatureExpired), with
    /// [`signed_at`](BadToken::signed_at).
    ///
    /// # Flask
    /// `unsign(…, max_age)`
    #[doc(alias = "max_age")]
    pub fn within(self, max_age: u64, leeway: u64, now: u64) -> Result<Self, BadToken> {
        let signed_at = self.signed_at;
        let ahead = signed_at.saturating_sub(now);
        if ahead > leeway {
            return Err(Reason::FromTheFuture { signed_at, ahead, leeway }.into());
        }
        let age = now.saturating_sub(signed_at);
        if age > max_age {
            return Err(Reason::Expired { signed_at, age, max_age }.into());
        }
        Ok(self)
    }
}
