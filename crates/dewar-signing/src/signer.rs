//! Bytes ⇄ `value separator signature`.
//!
//! To verify, in this order:
//! 1. split at the last separator;
//! 2. decode the signature, strictly;
//! 3. try the keys from newest to oldest, each in constant time; the first match wins.
//!
//! Nothing of the value is read. Goes to [`crate::timed`], which adds the time.

use std::{fmt, sync::Arc};

use crate::{
    derive::{Digest, KeyDerivation, Mac, Tag},
    encoding,
    error::{BadToken, ConfigError, Reason},
    key_id::KeyId,
    keys::KeyRing,
};

/// Signs bytes, and tells signed bytes from others.
///
/// Deriving the keys happens once, when the signer is built: build it at start-up and share it.
///
/// # Example
/// ```
/// use dewar_signing::Signer;
///
/// let signer = Signer::builder("secret").salt("cookie-session").build()?;
/// let token = signer.sign(b"hello");
/// assert_eq!(token, b"hello.wEePzdEH5ehYY_GagVvBtKrZ-js");
/// assert_eq!(signer.verify(&token)?.value, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
/// A signature hides nothing: whoever holds the token can read the value. Two uses of one key
/// need two salts, or the tokens of one are good for the other.
///
/// # Flask
/// `itsdangerous.Signer`
#[derive(Clone)]
pub struct Signer {
    /// Newest first: the order in which they are tried.
    keys: Vec<(KeyId, Mac)>,
    ids: Arc<[KeyId]>,
    separator: Box<[u8]>,
}

impl Signer {
    /// Makes a signer with the defaults of itsdangerous; see [`SignerBuilder`].
    pub fn new(keys: impl Into<KeyRing>) -> Self {
        Self::builder(keys).assemble()
    }

    /// Starts a signer with settings of its own.
    pub fn builder(keys: impl Into<KeyRing>) -> SignerBuilder {
        SignerBuilder {
            keys: keys.into(),
            salt: b"itsdangerous.Signer".to_vec(),
            separator: b".".to_vec(),
            key_derivation: KeyDerivation::default(),
            digest: Digest::default(),
        }
    }

    /// Signs a value with the newest key.
    pub fn sign(&self, value: &[u8]) -> Vec<u8> {
        let mut token = Vec::with_capacity(value.len() + self.overhead());
        token.extend_from_slice(value);
        self.seal(&mut token, 0);
        token
    }

    /// The signature alone, as text.
    ///
    /// # Flask
    /// `get_signature`
    #[doc(alias = "get_signature")]
    pub fn signature(&self, value: &[u8]) -> String {
        let mut text = Vec::new();
        encoding::push_base64(&mut text, self.newest().tag(value).as_bytes());
        text.into_iter().map(char::from).collect()
    }

    /// Checks the signature and gives the value back.
    ///
    /// # Errors
    /// [`BadSignature`](crate::BadTokenKind::BadSignature) if there is no separator or no key of
    /// the ring made the signature. Treat the token as absent.
    ///
    /// # Flask
    /// `unsign`, `validate`
    #[doc(alias = "unsign")]
    #[doc(alias = "validate")]
    pub fn verify<'t>(&self, token: &'t [u8]) -> Result<Verified<'t>, BadToken> {
        let (value, signature) = self.split(token).ok_or(Reason::NoSeparator)?;
        let key = self.made_by(value, signature).ok_or_else(|| self.mismatch())?;
        Ok(Verified { value, key, newest: self.is_newest(key) })
    }

    /// Appends separator and signature to what is to be signed: to all that stands behind `from`.
    pub(crate) fn seal(&self, out: &mut Vec<u8>, from: usize) {
        let tag = self.newest().tag(out.get(from..).unwrap_or_default());
        out.extend_from_slice(&self.separator);
        encoding::push_base64(out, tag.as_bytes());
    }

    /// Splits at the last separator.
    pub(crate) fn split<'t>(&self, text: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
        let width = self.separator.len();
        let at = match *self.separator {
            [byte] => text.iter().rposition(|other| *other == byte)?,
            ref separator => text.windows(width).rposition(|window| window == separator)?,
        };
        Some((&text[..at], &text[at + width..]))
    }

    /// Finds the key that made a signature.
    pub(crate) fn made_by(&self, value: &[u8], signature: &[u8]) -> Option<KeyId> {
        let mut buffer = [0; Tag::LONGEST + 2];
        let claimed = encoding::small_base64(signature, &mut buffer)?;
        let mut keys = self.keys.iter();
        keys.find(|(_, mac)| mac.verify(value, claimed)).map(|(id, _)| *id)
    }

    /// The value of a token, whoever made it.
    pub(crate) fn insecure_value<'t>(&self, token: &'t [u8]) -> Result<&'t [u8], BadToken> {
        let (value, _) = self.split(token).ok_or(Reason::NoSeparator)?;
        Ok(value)
    }

    pub(crate) fn mismatch(&self) -> Reason {
        Reason::SignatureMismatch { tried: Arc::clone(&self.ids) }
    }

    pub(crate) fn is_newest(&self, key: KeyId) -> bool {
        self.ids.first() == Some(&key)
    }

    pub(crate) fn separator(&self) -> &[u8] {
        &self.separator
    }

    /// The most bytes a signature adds to a value, the separator included.
    pub(crate) fn overhead(&self) -> usize {
        self.separator.len() + Tag::LONGEST.div_ceil(3) * 4
    }

    fn newest(&self) -> &Mac {
        &self.keys.first().expect("a ring is never empty").1
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("keys", &self.ids).finish_non_exhaustive()
    }
}

/// A value whose signature is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified<'t> {
    /// What was signed.
    pub value: &'t [u8],
    /// The key that signed it.
    pub key: KeyId,
    /// Whether that is the newest key. If not, the token should be signed anew soon.
    pub newest: bool,
}

/// The settings of a [`Signer`] or [`TimestampSigner`](crate::TimestampSigner).
///
/// # Example
/// ```
/// use dewar_signing::{Digest, KeyDerivation, Signer};
///
/// // What Flask's session cookie is signed with.
/// let signer = Signer::builder("secret")
///     .salt("cookie-session")
///     .key_derivation(KeyDerivation::Hmac)
///     .digest(Digest::Sha1)
///     .build_timestamp()?;
/// # Ok::<(), dewar_signing::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct SignerBuilder {
    keys: KeyRing,
    salt: Vec<u8>,
    separator: Vec<u8>,
    key_derivation: KeyDerivation,
    digest: Digest,
}

impl SignerBuilder {
    /// The public text that separates one use of the key from another.
    ///
    /// - default: `itsdangerous.Signer`. An empty salt is allowed and is not the default.
    pub fn salt(mut self, salt: impl Into<Vec<u8>>) -> Self {
        self.salt = salt.into();
        self
    }

    /// What stands between value and signature.
    ///
    /// - default: `.`
    pub fn separator(mut self, separator: impl Into<Vec<u8>>) -> Self {
        self.separator = separator.into();
        self
    }

    /// How key and salt are combined.
    ///
    /// - default: [`KeyDerivation::DjangoConcat`]; Flask's sessions use [`KeyDerivation::Hmac`].
    pub fn key_derivation(mut self, key_derivation: KeyDerivation) -> Self {
        self.key_derivation = key_derivation;
        self
    }

    /// The hash function.
    ///
    /// - default: [`Digest::Sha1`]
    pub fn digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// Builds a signer without time.
    ///
    /// # Errors
    /// [`ConfigError::BadSeparator`] if the separator is empty or could occur inside a signature.
    ///
    /// # Flask
    /// itsdangerous accepts some separators made of base64 characters, `ac` for one, and then
    /// cannot read back every token it signs. Here they are refused.
    pub fn build(self) -> Result<Signer, ConfigError> {
        let in_signatures = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_=".contains(byte);
        if self.separator.iter().all(in_signatures) {
            let separator = String::from_utf8_lossy(&self.separator).into_owned();
            return Err(ConfigError::BadSeparator { separator });
        }
        Ok(self.assemble())
    }

    /// Builds without looking at the separator.
    pub(crate) fn assemble(self) -> Signer {
        let mac = |key| Mac::new(self.digest, self.key_derivation, &self.salt, key);
        let keys: Vec<_> = self.keys.iter().rev().map(|key| (key.id(), mac(key))).collect();
        let ids = keys.iter().map(|(id, _)| *id).collect();
        Signer { keys, ids, separator: self.separator.into() }
    }
}
