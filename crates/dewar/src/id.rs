//! Who a session is: a secret for the browser, and its hash for everybody else.

use std::{
    fmt,
    hash::{Hash, Hasher},
    io,
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
pub(crate) struct SessionId([u8; 32]);

impl SessionId {
    /// 43 characters of base64url.
    const TEXT_BYTES: usize = 43;

    pub(crate) fn random(random: &dyn Random) -> io::Result<Self> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads the text of a cookie; it has one spelling.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != Self::TEXT_BYTES {
            return None;
        }
        // The decoder asks for room for whole groups of three.
        let mut bytes = [0; 33];
        let len = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        bytes[..len].try_into().ok().map(Self)
    }

    pub(crate) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn store_key(&self) -> StoreKey {
        StoreKey(Sha256::digest(self.0).into())
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// The key of these bytes, for stores that read them back.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// All 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Its first 8 bytes: it is a hash, so they tell keys apart as well as all of them do.
impl Hash for StoreKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let first = self.0.first_chunk().expect("a key has 32 bytes");
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

/// The first 8 hex digits.
impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({self})")
    }
}
