//! A UUID as Flask's ` u` tag carries it.

use std::{fmt, str::FromStr};

/// A UUID: 16 bytes, no version checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// The UUID of these bytes, most significant first.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The 32 lower-case hex digits, without hyphens: the form on the wire.
    pub fn simple(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Hyphenated: `12345678-1234-5678-1234-567812345678`.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.simple();
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        f.write_str(&parts.join("-"))
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

/// The text is not a UUID: 32 hex digits, with or without hyphens, braces or `urn:uuid:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID: it takes 32 hex digits, with or without hyphens, braces or `urn:uuid:`")]
pub struct NotAUuid;

/// As tolerant as Python's `uuid.UUID(text)`.
impl FromStr for Uuid {
    type Err = NotAUuid;

    fn from_str(text: &str) -> Result<Self, NotAUuid> {
        let text = text.replace("urn:", "").replace("uuid:", "");
        let hex = text.trim_matches(['{', '}']).replace('-', "");
        if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotAUuid);
        }
        let number = u128::from_str_radix(&hex, 16).map_err(|_| NotAUuid)?;
        Ok(Self(number.to_be_bytes()))
    }
}
