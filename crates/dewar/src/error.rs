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
#[error("session key `{}`: {problem}", shown(.key))]
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

/// A key in a message: a visitor may have chosen it, so it stays on one line and short.
fn shown(key: &str) -> String {
    const LONGEST: usize = 64;
    let end = key.char_indices().nth(LONGEST).map_or(key.len(), |(at, _)| at);
    let more = if end < key.len() { "…" } else { "" };
    format!("{}{more}", key[..end].escape_debug())
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
         session key `{}` is the largest, keep it on the server", shown(.largest_key)
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
         session key `{}` is the largest", shown(.largest_key)
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
    /// The user has as many sessions as he may have: nothing was kept. Raised if the layer was built
    /// with [`WhenFull::Refuse`](crate::WhenFull::Refuse).
    #[error("the user has {limit} sessions and may have no more: end another one first")]
    TooManySessions {
        /// How many a user may have.
        limit: usize,
    },
    /// The contents have no text form.
    #[error("the session cannot be written as text")]
    Unwritable(#[source] PayloadError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_a_visitor_chose_stays_on_its_line_and_short() {
        let error = ValueError::overflow("a\n\u{1b}[31m WARN");
        assert!(error.to_string().starts_with(r"session key `a\n\u{1b}[31m WARN`: "), "{error}");
        let error = ValueError::overflow(&"é".repeat(20_000));
        assert!(error.to_string().starts_with(&format!("session key `{}…`: ", "é".repeat(64))));
        let error = ValueError::overflow("visits");
        assert!(error.to_string().starts_with("session key `visits`: "));
    }
}
