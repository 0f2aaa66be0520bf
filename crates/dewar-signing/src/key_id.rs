//! The public name of a secret key.

use std::fmt;

use sha2::{Digest, Sha256};

/// A key's public name: eight hexadecimal digits, the same on every machine.
///
/// Safe to log: it says which key was used, and cannot be turned back into the key. It does let
/// someone who guesses a weak key check the guess, as every signed token does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 4]);

// Keeps the name apart from every digest a signature or derivation computes from the same key.
const DOMAIN: &[u8] = b"dewar.key-id.v1\0";

impl KeyId {
    pub(crate) fn of(key: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(DOMAIN).chain_update(key).finalize();
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash);
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
