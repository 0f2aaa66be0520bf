//! Secret keys, and the ring that rotates them.
//!
//! ```text
//! KeyRing   oldest ── … ── … ── newest
//!           └── all verify ───────┘│
//!                                  └ signs
//! ```

use std::fmt;

use zeroize::Zeroizing;

use crate::{error::ConfigError, key_id::KeyId};

/// A key that signs. Its bytes are wiped from memory when it is dropped.
///
/// Whoever holds it can write any session. It neither prints nor compares nor serializes.
///
/// - length: any; use 32 random bytes or more. An empty key is accepted, as itsdangerous does,
///   and protects nothing.
///
/// # Example
/// ```
/// use dewar_signing::SecretKey;
///
/// let key = SecretKey::from("a long random key");
/// assert_eq!(format!("{key:?}"), "SecretKey(hidden)");
/// ```
///
/// Comparing keys with `==` would take a time that tells how much of them agrees:
///
/// ```compile_fail,E0369
/// # use dewar_signing::SecretKey;
/// assert!(SecretKey::from("guess") == SecretKey::from("secret"));
/// ```
#[derive(Clone)]
pub struct SecretKey(Zeroizing<Vec<u8>>);

impl SecretKey {
    /// Takes the key's bytes. Text counts as its UTF-8 bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes themselves.
    ///
    /// # Security
    /// Whoever sees them can sign.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name by which logs and errors may call this key.
    pub fn id(&self) -> KeyId {
        KeyId::of(self.as_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}

impl From<&str> for SecretKey {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for SecretKey {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&[u8]> for SecretKey {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for SecretKey {
    fn from(bytes: &[u8; N]) -> Self {
        Self::new(bytes)
    }
}

impl From<Vec<u8>> for SecretKey {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

/// The keys of one application, oldest to newest: the newest signs, all verify.
///
/// A ring holds at least one key and at most [`KeyRing::MAX_KEYS`].
///
/// # Example
/// ```
/// use dewar_signing::{KeyRing, Signer};
///
/// let last_year = Signer::new("key of last year").sign(b"cart");
/// let ring = KeyRing::new("key of this year").with_fallbacks(["key of last year"])?;
/// let signer = Signer::new(ring);
/// assert_eq!(signer.verify(&last_year)?.value, b"cart");
/// assert_ne!(signer.sign(b"cart"), last_year);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Flask
/// `SECRET_KEY` with `SECRET_KEY_FALLBACKS`; in itsdangerous a list given as `secret_key`.
#[derive(Clone, Debug)]
#[doc(alias = "SECRET_KEY_FALLBACKS")]
pub struct KeyRing(Vec<SecretKey>);

impl KeyRing {
    /// The most keys a ring holds: each one makes refusing a forged token dearer.
    pub const MAX_KEYS: usize = 16;

    /// Makes a ring of one key.
    pub fn new(newest: impl Into<SecretKey>) -> Self {
        Self(vec![newest.into()])
    }

    /// Makes a ring from a list as itsdangerous takes it: oldest first, and the last one signs.
    ///
    /// # Errors
    /// [`ConfigError::NoKey`] for an empty list, [`ConfigError::TooManyKeys`] for a long one.
    pub fn oldest_first<K: Into<SecretKey>>(
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Self, ConfigError> {
        let keys: Vec<SecretKey> = keys.into_iter().map(Into::into).collect();
        match keys.len() {
            0 => Err(ConfigError::NoKey),
            count if count > Self::MAX_KEYS => {
                Err(ConfigError::TooManyKeys { count, limit: Self::MAX_KEYS })
            }
            _ => Ok(Self(keys)),
        }
    }

    /// Adds keys that only verify, in the order of Flask's `SECRET_KEY_FALLBACKS`.
    ///
    /// Verification tries the newest key first and then the fallbacks from last to first. Keys
    /// added by a second call count as older than those already in the ring.
    ///
    /// # Errors
    /// [`ConfigError::TooManyKeys`] when the ring would hold more than [`Self::MAX_KEYS`].
    pub fn with_fallbacks<K: Into<SecretKey>>(
        self,
        fallbacks: impl IntoIterator<Item = K>,
    ) -> Result<Self, ConfigError> {
        Self::oldest_first(fallbacks.into_iter().map(Into::into).chain(self.0))
    }

    /// The key that signs.
    pub fn newest(&self) -> &SecretKey {
        self.0.last().expect("a ring is never empty")
    }

    /// All keys, oldest to newest.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &SecretKey> + ExactSizeIterator {
        self.0.iter()
    }

    /// How many keys the ring holds: at least one.
    #[expect(clippy::len_without_is_empty, reason = "a ring is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T: Into<SecretKey>> From<T> for KeyRing {
    fn from(key: T) -> Self {
        Self::new(key)
    }
}
