//! Who a session is: a secret for the browser, and its hash for everybody else.
//!
//! One kind of store is handed the secret itself: one that another library shares, which keeps its
//! records under the id. A log sees a hash all the same.

use std::{
    fmt,
    hash::{Hash, Hasher},
    io,
    ops::Range,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Random bytes for ids: the one source of chance.
///
/// Default: [`OsRandom`]. Tests give a source that repeats itself or fails.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes` with chance.
    ///
    /// # Errors
    /// If there is none: the request then fails, there is no weaker source to fall back to.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(io::Error::other)
    }
}

/// The secret in the cookie: 256 random bits. Whoever has it is the visitor.
///
/// It never reaches a store, a log or a `Debug` output; those see its [`StoreKey`].
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SessionId {
    bytes: [u8; 32],
    form: KeyForm,
}

/// What a store knows a session by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyForm {
    /// The hash of its id.
    Hash,
    /// Its id, as the other library that shares the store has it.
    Id,
}

impl SessionId {
    /// 43 characters of base64url.
    pub(crate) const TEXT_BYTES: usize = 43;

    pub(crate) fn random(random: &dyn Random, form: KeyForm) -> io::Result<Self> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        Ok(Self { bytes, form })
    }

    /// Reads the text of a cookie; it has one spelling.
    pub(crate) fn parse(text: &[u8], form: KeyForm) -> Option<Self> {
        if text.len() != Self::TEXT_BYTES {
            return None;
        }
        // The decoder asks for room for whole groups of three.
        let mut bytes = [0; 33];
        let len = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        bytes[..len].try_into().ok().map(|bytes| Self { bytes, form })
    }

    pub(crate) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes)
    }

    pub(crate) fn store_key(&self) -> StoreKey {
        match self.form {
            KeyForm::Hash => StoreKey::from_bytes(Sha256::digest(self.bytes).into()),
            KeyForm::Id => StoreKey::from_id(self.bytes),
        }
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(hidden)")
    }
}

/// What a store and a log know of a session: the SHA-256 of its id.
///
/// It opens nothing. It prints as its first 8 hex digits.
///
/// Only an [`InterchangeStore`](crate::store::InterchangeStore) is given the id itself, by which it
/// finds the other library's record. Such a key prints as the first 8 hex digits of the hash, too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreKey {
    bytes: [u8; 32],
    form: KeyForm,
}

/// Stands amid a key that is no session's: by chance one of 2¹²⁸ hashes has it. What is before it
/// and behind it still tells such keys apart, and spreads them.
const NO_SESSION: &[u8; 16] = b"dewar: no cookie";
const MARKED: Range<usize> = 8..24;

impl StoreKey {
    /// The key of these bytes, for stores that read them back.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { bytes, form: KeyForm::Hash }
    }

    /// The key of the session with this id, for an
    /// [`InterchangeStore`](crate::store::InterchangeStore) that reads it back.
    pub const fn from_id(id: [u8; 32]) -> Self {
        Self { bytes: id, form: KeyForm::Id }
    }

    /// The key of something that belongs to no cookie, with this hash in what is left of it.
    pub(crate) fn of_no_session(mut hash: [u8; 32]) -> Self {
        hash[MARKED].copy_from_slice(NO_SESSION);
        Self::from_bytes(hash)
    }

    /// Whether a session may live under it. Where the sessions of a user are limited and more are
    /// refused, one record of each user says who is about to log in: it stands in the store like a
    /// session, and is none. Whoever counts or shows sessions leaves it out.
    pub fn is_session(&self) -> bool {
        self.is_id() || self.bytes[MARKED] != *NO_SESSION
    }

    /// All 32 bytes.
    ///
    /// # Security
    /// Whoever has those of an [id](Self::is_id) is the visitor.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Whether it is the id itself, and no hash.
    pub const fn is_id(&self) -> bool {
        matches!(self.form, KeyForm::Id)
    }
}

/// Its first 8 bytes: it is a hash, or drawn by chance, so they tell keys apart as well as all of them do.
impl Hash for StoreKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let first = self.bytes.first_chunk().expect("a key has 32 bytes");
        state.write_u64(u64::from_be_bytes(*first));
    }
}

/// Hashes what is a hash already, by leaving it as it is.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, first: u64) {
        self.0 = first;
    }
}

/// The first 8 hex digits of the hash.
impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = match self.form {
            KeyForm::Hash => self.bytes,
            KeyForm::Id => Sha256::digest(self.bytes).into(),
        };
        hash[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_and_its_hash_print_alike() {
        let id = SessionId { bytes: [7; 32], form: KeyForm::Id };
        let (key, hash) = (id.store_key(), SessionId { form: KeyForm::Hash, ..id }.store_key());
        assert!(key.is_id() && !hash.is_id());
        assert_eq!(key.to_string(), hash.to_string());
        assert!(!format!("{key} {key:?}").contains("0707"));
    }
}
