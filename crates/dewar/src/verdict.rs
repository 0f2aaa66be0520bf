//! Why a session is empty, or is not.

use std::{fmt, time::Duration};

use dewar_signing::KeyId;

/// What became of the session cookie of one request.
///
/// Every request has exactly one verdict: [`Session::verdict`](crate::Session::verdict) tells it
/// to the handler, [`Event::Opened`](crate::Event::Opened) to everybody else. It never holds a
/// token, a key or a value of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The session is live: signed by this key, `newest` if that is the one that signs.
    Opened {
        /// The key that verified the token.
        key: KeyId,
        /// Whether it is the ring's newest key.
        newest: bool,
    },
    /// The session is live. Its id is not signed: Flask-Session's are not, unless told to.
    OpenedUnsigned,
    /// Nobody asked for the session; nothing was verified.
    NotAsked,
    /// The request carries no cookie at all: a first visit, or cookies were cleared.
    NoCookie,
    /// The request carries cookies, but none of this name: perhaps another path or domain.
    OtherNamesOnly,
    /// Two different cookies of this name are both valid: none is believed.
    Duplicate,
    /// The cookie is no signed token.
    Malformed,
    /// An id of Flask-Session with another `SESSION_ID_LENGTH`.
    OtherIdLength {
        /// How many characters it has.
        characters: usize,
    },
    /// No key made this signature: altered, or signed with another key, salt or digest.
    BadSignature {
        /// The keys that were tried, newest first.
        tried: Vec<KeyId>,
    },
    /// The token was signed too long ago.
    Expired {
        /// How far past its deadline it is, in whole seconds.
        by: Duration,
    },
    /// The token was signed later than this machine's clock shows.
    FromTheFuture {
        /// How far ahead it is, in whole seconds.
        by: Duration,
    },
    /// The store knows nothing of this id: it expired long ago, or the store was emptied.
    UnknownId,
    /// The session was ended: by a logout, or because it had expired.
    Revoked,
    /// The id was replaced by another one: an older copy of the cookie.
    Rotated,
    /// The store has a record that cannot be read as a session. It is left as it is.
    Unreadable {
        /// Which rule the record breaks.
        reason: String,
    },
    /// The store gave no answer.
    StoreUnavailable,
    /// The signature is good, but what it signs is no session.
    WrongFormat {
        /// Which rule the payload breaks.
        reason: String,
    },
}

impl Verdict {
    /// Whether a live session was presented.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Opened { .. } | Self::OpenedUnsigned)
    }
}

/// One sentence that answers "why is my session empty?", with the cure where there is one.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { key, newest: true } => write!(f, "opened, signed with key {key}"),
            Self::Opened { key, newest: false } => {
                write!(f, "opened, signed with the fallback key {key}")
            }
            Self::OpenedUnsigned => f.write_str("opened by an id that is not signed"),
            Self::NotAsked => f.write_str("nobody asked for the session"),
            Self::NoCookie => f.write_str("the request carries no cookie"),
            Self::OtherNamesOnly => f.write_str(
                "the request carries cookies, but no session cookie: \
                 compare the cookie's name, path and domain with the configuration",
            ),
            Self::Duplicate => f.write_str(
                "two different session cookies are valid: \
                 another path or domain of this site uses the same cookie name",
            ),
            Self::Malformed => f.write_str("the session cookie is no signed token"),
            Self::OtherIdLength { characters } => write!(
                f,
                "the session id has {characters} characters, and 43 are expected: \
                 leave Flask-Session's SESSION_ID_LENGTH at 32"
            ),
            Self::BadSignature { tried } => {
                f.write_str("the signature does not match, tried")?;
                tried.iter().try_for_each(|key| write!(f, " key {key}"))?;
                f.write_str(": the cookie was altered, or signed with another key")
            }
            Self::Expired { by } => write!(f, "expired {} ago", Span(*by)),
            Self::FromTheFuture { by } => {
                write!(f, "signed {} in the future: compare the clocks of the machines", Span(*by))
            }
            Self::UnknownId => f.write_str("the store knows no session of this id"),
            Self::Revoked => f.write_str("the session was ended"),
            Self::Rotated => f.write_str("the session goes on under another id"),
            Self::Unreadable { reason } => {
                write!(f, "the stored record cannot be read as a session: {reason}")
            }
            Self::StoreUnavailable => f.write_str("the session store gave no answer"),
            Self::WrongFormat { reason } => {
                write!(f, "the signature is good, but the payload is no session: {reason}")
            }
        }
    }
}

/// A time as people read it, in its two largest units: `2 days 3 hours`. Below two minutes every
/// second counts.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] =
            [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
        let seconds = self.0.as_secs();
        let largest = match seconds {
            0..120 => 3,
            _ => UNITS.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3),
        };
        let (unit, name) = UNITS[largest];
        counted(f, seconds / unit, name)?;
        match UNITS.get(largest + 1) {
            Some((smaller, name)) if seconds % unit >= *smaller => {
                f.write_str(" ")?;
                counted(f, seconds % unit / smaller, name)
            }
            _ => Ok(()),
        }
    }
}

fn counted(f: &mut fmt::Formatter<'_>, count: u64, name: &str) -> fmt::Result {
    write!(f, "{count} {name}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_units_people_read() {
        for (seconds, told) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (3_599, "59 minutes 59 seconds"),
            (3_600, "1 hour"),
            (3_659, "1 hour"),
            (86_400 + 7_260, "1 day 2 hours"),
            (2 * 86_400 + 3 * 3_600 + 59, "2 days 3 hours"),
        ] {
            let verdict = Verdict::Expired { by: Duration::from_secs(seconds) };
            assert_eq!(verdict.to_string(), format!("expired {told} ago"));
        }
    }
}
