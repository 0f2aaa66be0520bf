//! What can be wrong with a token, with a configuration, with a payload.
//!
//! | who must act | type | when |
//! |---|---|---|
//! | the visitor, who sent something we did not sign | [`BadToken`] | reading a token |
//! | the programmer | [`ConfigError`] | building a signer or a key ring |
//! | the application, whose value has no text form | [`PayloadError`] | writing a value |
//!
//! No error carries the token or a part of it: errors are logged, tokens open sessions.

use std::{error::Error, fmt, sync::Arc};

use crate::key_id::KeyId;

/// A token that was refused.
///
/// [`kind`](Self::kind) sorts it as itsdangerous sorts its exceptions;
/// [`reason`](Self::reason) says which rule was broken.
///
/// # Example
/// ```
/// use dewar_signing::{BadTokenKind, Signer};
///
/// let bad = Signer::new("a long random key").verify(b"hello.forged").unwrap_err();
/// assert_eq!(bad.kind(), BadTokenKind::BadSignature);
/// ```
///
/// # Flask
/// `itsdangerous.BadData` and the classes below it.
#[derive(Debug)]
#[doc(alias = "BadData")]
pub struct BadToken {
    kind: BadTokenKind,
    reason: Reason,
}

impl BadToken {
    /// The class itsdangerous would raise.
    pub fn kind(&self) -> BadTokenKind {
        self.kind
    }

    /// The rule the token broke.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// When the token was signed, in Unix seconds, if a good signature vouches for it.
    ///
    /// # Flask
    /// `date_signed`. itsdangerous also fills it from tokens whose signature is bad; here a date
    /// that anyone could have written is `None`.
    #[doc(alias = "date_signed")]
    pub fn signed_at(&self) -> Option<u64> {
        match self.reason {
            Reason::Expired { signed_at, .. } | Reason::FromTheFuture { signed_at, .. } => {
                Some(signed_at)
            }
            _ => None,
        }
    }

    pub(crate) fn new(kind: BadTokenKind, reason: Reason) -> Self {
        Self { kind, reason }
    }
}

impl From<Reason> for BadToken {
    fn from(reason: Reason) -> Self {
        let kind = match reason {
            Reason::NoSeparator | Reason::SignatureMismatch { .. } => BadTokenKind::BadSignature,
            Reason::TimestampMalformed | Reason::TimestampMissing => BadTokenKind::BadTimeSignature,
            Reason::Expired { .. } | Reason::FromTheFuture { .. } => BadTokenKind::SignatureExpired,
            Reason::Base64
            | Reason::TooLarge { .. }
            | Reason::Unserializable(_)
            | Reason::Utf8
            | Reason::Zlib { .. } => BadTokenKind::BadPayload,
        };
        Self { kind, reason }
    }
}

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Error for BadToken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.reason {
            Reason::Unserializable(cause) => Some(cause),
            _ => None,
        }
    }
}

/// How itsdangerous names the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BadTokenKind {
    /// The signature is good and the payload cannot be read: it was signed by someone else who
    /// holds the key, or by an older program.
    BadPayload,
    /// There is no signature, or no key of the ring made it.
    BadSignature,
    /// A timed token whose signature is bad, or which carries no readable time.
    BadTimeSignature,
    /// The signature is good and the token is too old, or from the future.
    SignatureExpired,
}

impl BadTokenKind {
    /// Whether itsdangerous derives this class from `BadSignature`: all but `BadPayload`.
    pub fn is_bad_signature(self) -> bool {
        self != Self::BadPayload
    }
}

/// The rule a refused token broke.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The payload is not strict base64url.
    Base64,
    /// The token is older than the caller allows.
    Expired {
        /// When it was signed, in Unix seconds.
        signed_at: u64,
        /// How old it is, in seconds.
        age: u64,
        /// How old it may be, in seconds.
        max_age: u64,
    },
    /// The token was signed later than the caller's clock shows.
    FromTheFuture {
        /// When it was signed, in Unix seconds.
        signed_at: u64,
        /// How far ahead that is, in seconds.
        ahead: u64,
        /// How far ahead it may be, in seconds.
        leeway: u64,
    },
    /// The separator does not occur, so nothing is signed.
    NoSeparator,
    /// No key of the ring made this signature.
    SignatureMismatch {
        /// The keys that were tried, newest first.
        tried: Arc<[KeyId]>,
    },
    /// The part where the time belongs is not a canonical time up to the year 9999.
    TimestampMalformed,
    /// The signature is good, but no time was signed.
    TimestampMissing,
    /// The payload is larger than the reader allows, before or after inflating.
    TooLarge {
        /// The most it may hold, in bytes.
        limit: usize,
    },
    /// The codec cannot read the payload's text.
    Unserializable(PayloadError),
    /// The payload is not UTF-8 text.
    Utf8,
    /// The payload announces compression and is not one whole zlib stream.
    Zlib {
        /// Which rule of the format it breaks.
        rule: &'static str,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64 => f.write_str("payload is not base64url without padding"),
            Self::Expired { age, max_age, .. } => {
                write!(f, "token is {age} seconds old, at most {max_age} are allowed")
            }
            Self::FromTheFuture { ahead, leeway, .. } => write!(
                f,
                "token was signed {ahead} seconds in the future, at most {leeway} are allowed: \
                 compare the clocks of the machines that sign and verify"
            ),
            Self::NoSeparator => f.write_str("no separator in the token, so it is not signed"),
            Self::SignatureMismatch { tried } => {
                f.write_str("signature does not match, tried")?;
                tried.iter().try_for_each(|id| write!(f, " key {id}"))?;
                f.write_str(": altered, or signed with another key, salt, derivation or digest")
            }
            Self::TimestampMalformed => {
                f.write_str("timestamp is not a canonical time up to the year 9999")
            }
            Self::TimestampMissing => {
                f.write_str("timestamp missing: signed by a signer without time")
            }
            Self::TooLarge { limit } => {
                write!(f, "payload holds more than the {limit} bytes allowed")
            }
            Self::Unserializable(_) => f.write_str("payload text cannot be read as a value"),
            Self::Utf8 => f.write_str("payload is not UTF-8 text"),
            Self::Zlib { rule } => write!(f, "payload cannot be inflated: {rule}"),
        }
    }
}

/// A signer or key ring that cannot work as described.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The separator could occur inside a signature.
    #[error(
        "separator {separator:?} could occur inside a signature: \
         use one with a byte other than ASCII letters, digits, `-`, `_` and `=`, such as `.`"
    )]
    BadSeparator {
        /// The separator as text.
        separator: String,
    },
    /// The list of keys is empty.
    #[error("a key ring needs at least one key: give it the secret key")]
    NoKey,
    /// The list of keys is too long. Every forged token is checked against every key.
    #[error("{count} keys in the ring, at most {limit} are allowed: retire the oldest")]
    TooManyKeys {
        /// How many keys were given.
        count: usize,
        /// How many a ring holds.
        limit: usize,
    },
}

/// A codec's own complaint about a value it cannot write, or a text it cannot read.
#[derive(Debug)]
pub struct PayloadError {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl PayloadError {
    /// Makes a complaint. The message names the value's place, the rule, and the cure.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// Adds the error below this one. Its text should not be part of the message.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for PayloadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
