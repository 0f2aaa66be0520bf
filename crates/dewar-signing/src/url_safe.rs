//! Value ⇄ token that may stand in a URL or a cookie.
//!
//! ```text
//! value ──codec──▶ text ──payload──▶ base64url, maybe compressed ──sign──▶ token
//! ```
//!
//! Comes from [`crate::serializer`], with [`crate::payload`] in between.

use crate::{
    error::{BadToken, PayloadError},
    keys::KeyRing,
    payload::{self, Compression},
    serializer::{self, Codec},
    signer::Signer,
    timed::TimestampSigner,
};

/// Turns values into signed tokens of URL-safe characters and back.
///
/// # Flask
/// `itsdangerous.URLSafeSerializer`
#[derive(Clone, Debug)]
#[doc(alias = "URLSafeSerializer")]
pub struct UrlSafeSerializer<C> {
    signer: Signer,
    body: Body<C>,
}

impl<C: Codec> UrlSafeSerializer<C> {
    /// Makes a serializer with the defaults of itsdangerous: salt `itsdangerous`, and otherwise
    /// as [`Signer::new`].
    pub fn new(keys: impl Into<KeyRing>, codec: C) -> Self {
        Self::with_signer(serializer::default_signer(keys), codec)
    }

    /// Makes a serializer around a signer with settings of its own, its salt included.
    pub fn with_signer(signer: Signer, codec: C) -> Self {
        Self { signer, body: Body::new(codec) }
    }

    /// Whether payloads may be compressed.
    ///
    /// - default: [`Compression::WhenSmaller`]
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.body.compression = compression;
        self
    }

    /// The most bytes of text a token may hold.
    ///
    /// - default: [`payload::MAX_INFLATED`]
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.body.limit = limit;
        self
    }

    /// Writes, encodes and signs a value.
    ///
    /// # Errors
    /// If the codec cannot write the value, or the separator is not UTF-8 text.
    #[doc(alias = "dumps")]
    pub fn dump(&self, value: &C::Value) -> Result<String, PayloadError> {
        serializer::token_text(self.signer.sign(&self.body.write(value)?))
    }

    /// Verifies a token and reads its value.
    ///
    /// # Errors
    /// [`BadToken`]: treat the token as absent.
    #[doc(alias = "loads")]
    pub fn load(&self, token: impl AsRef<[u8]>) -> Result<C::Value, BadToken> {
        self.body.read(self.signer.verify(token.as_ref())?.value)
    }

    /// Reads a token's value without asking who made it: for debugging only.
    ///
    /// # Errors
    /// [`BadToken`] if there is no readable value.
    ///
    /// # Security
    /// The value is whatever the sender wrote.
    #[doc(alias = "loads_unsafe")]
    pub fn insecure_load_unverified(&self, token: impl AsRef<[u8]>) -> Result<C::Value, BadToken> {
        self.body.read(self.signer.insecure_value(token.as_ref())?)
    }
}

/// Turns values into signed tokens of URL-safe characters with a time, and back.
///
/// This is the token of Flask's session cookie, and the usual one for links that expire.
///
/// # Example
/// ```
/// use dewar_signing::{BadTokenKind, UrlSafeTimedSerializer};
/// # use dewar_signing::{Codec, PayloadError};
/// # struct Text;
/// # impl Codec for Text {
/// #     type Value = String;
/// #     fn write(&self, value: &String) -> Result<String, PayloadError> { Ok(value.clone()) }
/// #     fn read(&self, text: &str) -> Result<String, PayloadError> { Ok(text.into()) }
/// # }
///
/// let links = UrlSafeTimedSerializer::new("a long random key", Text);
/// let token = links.dump(&"alice".into(), 1_700_000_000)?;
///
/// assert_eq!(links.load(&token, Some(600), 1_700_000_599)?, "alice");
/// let late = links.load(&token, Some(600), 1_700_000_601).unwrap_err();
/// assert_eq!(late.kind(), BadTokenKind::SignatureExpired);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Flask
/// `itsdangerous.URLSafeTimedSerializer`
#[derive(Clone, Debug)]
#[doc(alias = "URLSafeTimedSerializer")]
pub struct UrlSafeTimedSerializer<C> {
    signer: TimestampSigner,
    body: Body<C>,
}

impl<C: Codec> UrlSafeTimedSerializer<C> {
    /// Makes a serializer with the defaults of itsdangerous: salt `itsdangerous`, and otherwise
    /// as [`TimestampSigner::new`].
    pub fn new(keys: impl Into<KeyRing>, codec: C) -> Self {
        Self::with_signer(serializer::default_signer(keys).into(), codec)
    }

    /// Makes a serializer around a signer with settings of its own, its salt included.
    pub fn with_signer(signer: TimestampSigner, codec: C) -> Self {
        Self { signer, body: Body::new(codec) }
    }

    /// Whether payloads may be compressed.
    ///
    /// - default: [`Compression::WhenSmaller`]
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.body.compression = compression;
        self
    }

    /// The most bytes of text a token may hold.
    ///
    /// - default: [`payload::MAX_INFLATED`]
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.body.limit = limit;
        self
    }

    /// Writes and encodes a value, and signs it with the time.
    ///
    /// - `now`: whole seconds since 1970.
    ///
    /// # Errors
    /// As [`UrlSafeSerializer::dump`].
    #[doc(alias = "dumps")]
    pub fn dump(&self, value: &C::Value, now: u64) -> Result<String, PayloadError> {
        serializer::token_text(self.signer.sign(&self.body.write(value)?, now))
    }

    /// Verifies a token and its age, and reads its value.
    ///
    /// - `max_age`: seconds; `None` accepts any age, the future included.
    /// - `now`: whole seconds since 1970; not looked at without `max_age`.
    ///
    /// # Errors
    /// [`BadToken`]: treat the token as absent.
    #[doc(alias = "loads")]
    pub fn load(
        &self,
        token: impl AsRef<[u8]>,
        max_age: Option<u64>,
        now: u64,
    ) -> Result<C::Value, BadToken> {
        self.load_with_timestamp(token, max_age, now).map(|(value, _)| value)
    }

    /// As [`load`](Self::load), and says when the token was signed, in Unix seconds.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    #[doc(alias = "return_timestamp")]
    pub fn load_with_timestamp(
        &self,
        token: impl AsRef<[u8]>,
        max_age: Option<u64>,
        now: u64,
    ) -> Result<(C::Value, u64), BadToken> {
        let unsigned = self.signer.verify_within(token.as_ref(), max_age, now)?;
        Ok((self.body.read(unsigned.value)?, unsigned.signed_at))
    }

    /// Reads a token's value without asking who made it or when: for debugging only.
    ///
    /// # Errors
    /// [`BadToken`] if there is no readable value.
    ///
    /// # Security
    /// The value is whatever the sender wrote.
    #[doc(alias = "loads_unsafe")]
    pub fn insecure_load_unverified(&self, token: impl AsRef<[u8]>) -> Result<C::Value, BadToken> {
        self.body.read(self.signer.insecure_value(token.as_ref())?)
    }
}

/// The way between a value and its payload.
#[derive(Clone, Debug)]
struct Body<C> {
    codec: C,
    compression: Compression,
    limit: usize,
}

impl<C: Codec> Body<C> {
    fn new(codec: C) -> Self {
        Self { codec, compression: Compression::default(), limit: payload::MAX_INFLATED }
    }

    fn write(&self, value: &C::Value) -> Result<Vec<u8>, PayloadError> {
        Ok(payload::encode(self.codec.write(value)?.as_bytes(), self.compression))
    }

    fn read(&self, payload: &[u8]) -> Result<C::Value, BadToken> {
        serializer::read(&self.codec, &payload::decode(payload, self.limit)?)
    }
}
