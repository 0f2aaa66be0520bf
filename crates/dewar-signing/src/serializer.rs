//! Value ⇄ token, for values a [`Codec`] can turn into text.
//!
//! ```text
//! value ──codec──▶ text ──sign──▶ text "." signature
//! ```
//!
//! The text stands in the token as it is. Comes from [`crate::signer`] and [`crate::timed`]; for
//! tokens that travel in URLs and cookies see [`crate::url_safe`].

use crate::{
    error::{BadToken, PayloadError, Reason},
    keys::KeyRing,
    signer::Signer,
    timed::TimestampSigner,
};

/// The text form of a value: what itsdangerous calls the inner serializer.
///
/// # Example
/// ```
/// use dewar_signing::{Codec, PayloadError, Serializer};
///
/// struct OrderNumber;
///
/// impl Codec for OrderNumber {
///     type Value = u32;
///     fn write(&self, value: &u32) -> Result<String, PayloadError> {
///         Ok(value.to_string())
///     }
///     fn read(&self, text: &str) -> Result<u32, PayloadError> {
///         text.parse().map_err(|e| PayloadError::new("not an order number").with_source(e))
///     }
/// }
///
/// let orders = Serializer::new("a long random key", OrderNumber);
/// let token = orders.dump(&1042)?;
/// assert!(token.starts_with("1042."));
/// assert_eq!(orders.load(&token)?, 1042);
/// assert!(orders.load(token.replace("1042", "1043")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Codec {
    /// What the text stands for.
    type Value;

    /// Writes a value as text.
    ///
    /// # Errors
    /// If the value has no text form.
    fn write(&self, value: &Self::Value) -> Result<String, PayloadError>;

    /// Reads a value from text whose signature is good.
    ///
    /// # Errors
    /// If the text is not one that [`write`](Self::write) could have written.
    fn read(&self, text: &str) -> Result<Self::Value, PayloadError>;
}

/// Turns values into signed text and back.
///
/// See [`Codec`] for an example.
///
/// # Flask
/// `itsdangerous.Serializer`
#[derive(Clone, Debug)]
pub struct Serializer<C> {
    signer: Signer,
    codec: C,
}

impl<C: Codec> Serializer<C> {
    /// Makes a serializer with the defaults of itsdangerous: salt `itsdangerous`, and otherwise
    /// as [`Signer::new`].
    pub fn new(keys: impl Into<KeyRing>, codec: C) -> Self {
        Self::with_signer(default_signer(keys), codec)
    }

    /// Makes a serializer around a signer with settings of its own, its salt included.
    pub fn with_signer(signer: Signer, codec: C) -> Self {
        Self { signer, codec }
    }

    /// Writes and signs a value.
    ///
    /// # Errors
    /// If the codec cannot write the value, or the separator is not UTF-8 text.
    #[doc(alias = "dumps")]
    pub fn dump(&self, value: &C::Value) -> Result<String, PayloadError> {
        token_text(self.signer.sign(self.codec.write(value)?.as_bytes()))
    }

    /// Verifies a token and reads its value.
    ///
    /// # Errors
    /// [`BadToken`]: treat the token as absent.
    #[doc(alias = "loads")]
    pub fn load(&self, token: impl AsRef<[u8]>) -> Result<C::Value, BadToken> {
        read(&self.codec, self.signer.verify(token.as_ref())?.value)
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
        read(&self.codec, self.signer.insecure_value(token.as_ref())?)
    }
}

/// Turns values into signed text with a time, and back.
///
/// # Flask
/// `itsdangerous.TimedSerializer`
#[derive(Clone, Debug)]
pub struct TimedSerializer<C> {
    signer: TimestampSigner,
    codec: C,
}

impl<C: Codec> TimedSerializer<C> {
    /// Makes a serializer with the defaults of itsdangerous: salt `itsdangerous`, and otherwise
    /// as [`TimestampSigner::new`].
    pub fn new(keys: impl Into<KeyRing>, codec: C) -> Self {
        Self::with_signer(default_signer(keys).into(), codec)
    }

    /// Makes a serializer around a signer with settings of its own, its salt included.
    pub fn with_signer(signer: TimestampSigner, codec: C) -> Self {
        Self { signer, codec }
    }

    /// Writes a value and signs it with the time.
    ///
    /// - `now`: whole seconds since 1970.
    ///
    /// # Errors
    /// As [`Serializer::dump`].
    #[doc(alias = "dumps")]
    pub fn dump(&self, value: &C::Value, now: u64) -> Result<String, PayloadError> {
        token_text(self.signer.sign(self.codec.write(value)?.as_bytes(), now))
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
        Ok((read(&self.codec, unsigned.value)?, unsigned.signed_at))
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
        read(&self.codec, self.signer.insecure_value(token.as_ref())?)
    }
}

pub(crate) fn default_signer(keys: impl Into<KeyRing>) -> Signer {
    Signer::builder(keys).salt("itsdangerous").assemble()
}

pub(crate) fn read<C: Codec>(codec: &C, text: &[u8]) -> Result<C::Value, BadToken> {
    let text = std::str::from_utf8(text).map_err(|_| Reason::Utf8)?;
    Ok(codec.read(text).map_err(Reason::Unserializable)?)
}

pub(crate) fn token_text(token: Vec<u8>) -> Result<String, PayloadError> {
    String::from_utf8(token).map_err(|_| {
        PayloadError::new("the token is not text: build the signer with a UTF-8 separator")
    })
}
