//! What can go wrong, sorted by who must act.
//!
//! | who | error | when |
//! |---|---|---|
//! | the programmer | [`ConfigError`](crate::ConfigError) | the layer is built |
//! | the application | [`ValueError`] | a key does not hold what was asked for |
//! | the application | [`CommitError`] | the contents cannot be kept |
//! | the visitor | none: the session is absent | the [`Verdict`](crate::Verdict) says why |

use dewar_signing::{ConversionError, PayloadError, Value};

use crate::store::StoreError;

/// A session key that does not hold what the application asked for.
///
/// Answers as "500 Internal Server Error" when a handler returns it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("session key `{key}`: {problem}")]
pub struct ValueError {
    key: String,
    problem: Problem,
}

#[derive(Clone, Debug, thiserror::Error)]
enum Problem {
    #[error("expected {expected}, found {found}")]
    Mismatch { expected: &'static str, found: &'static str },
    #[error("the sum does not fit 64 bits")]
    Overflow,
    #[error("{0}")]
    Conversion(#[source] ConversionError),
}

impl ValueError {
    /// The key of the session.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn mismatch(key: &str, expected: &'static str, found: &Value) -> Self {
        Self {
            key: key.to_owned(),
            problem: Problem::Mismatch { expected, found: found.type_name() },
        }
    }

    pub(crate) fn overflow(key: &str) -> Self {
        Self { key: key.to_owned(), problem: Problem::Overflow }
    }

    pub(crate) fn conversion(key: &str, error: ConversionError) -> Self {
        Self { key: key.to_owned(), problem: Problem::Conversion(error) }
    }
}

/// Contents that cannot be kept. The response becomes "500 Internal Server Error" and the
/// browser keeps the cookie it has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The cookie would be larger than browsers are sure to keep.
    #[error(
        "the session cookie needs {bytes} bytes and {limit} are allowed: \
         session key `{largest_key}` is the largest, keep it on the server"
    )]
    CookieTooLarge {
        /// Name, value and attributes, in bytes.
        bytes: usize,
        /// The configured limit, in bytes.
        limit: usize,
        /// The key whose value takes the most room.
        largest_key: String,
    },
    /// The session had ended meanwhile, or had been rotated away from this request: nothing was
    /// kept. Only [`Session::commit`](crate::Session::commit) says so; at the end of a request the
    /// response goes out as the handler made it.
    #[error("the session has ended: nothing was saved")]
    Ended,
    /// The contents are larger than one session may be: in the store as configured, in a cookie
    /// what opening reads at most, however well it compresses.
    #[error(
        "the session needs {bytes} bytes and {limit} are allowed: \
         session key `{largest_key}` is the largest"
    )]
    SessionTooLarge {
        /// The record in the store, or the text before it is compressed into a cookie, in bytes.
        bytes: usize,
        /// The limit, in bytes.
        limit: usize,
        /// The key whose value takes the most room.
        largest_key: String,
    },
    /// The store did not keep it, or did not say whether it did.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A [`Typed`](crate::Typed) session could not be written back.
    #[error("the typed session could not be written back")]
    Typed(#[source] ValueError),
    /// An operation does not fit what others stored meanwhile.
    #[error("the changes do not fit the stored session")]
    Merge(#[from] ValueError),
    /// The contents have no text form.
    #[error("the session cannot be written as text")]
    Unwritable(#[source] PayloadError),
}
