//! The gate for keys: refuses those that others know, and those that anybody can guess.
//!
//! 1. The key is brought into the forms under which it may have been published: without white
//!    space and quotes, with escapes resolved, decoded from hexadecimal and base64, in lower case,
//!    without the digits and `!` people append.
//! 2. A form whose fingerprint is in the embedded list is refused, and so is a placeholder.
//! 3. A key that is too short, or made of too few different bytes, is refused.
//!
//! Length alone proves nothing: a third of the keys found in public source code are 32 characters
//! or longer, and the list is what stops them (CVE-2023-27524: two thirds of 3,000 servers ran with
//! the documented default). The list holds fingerprints, the first 8 bytes of SHA-256, so that a
//! binary does not carry the keys themselves; a sound key collides with it once in 10^16.
//!
//! # Security
//! Nothing here prints a key or keeps a copy.

mod forms;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt};

use forms::{spellings, variants};
use sha2::{Digest as _, Sha256};

/// The fewest bytes a key may have: 128 bits, if they are random.
pub(crate) const LEAST_BYTES: usize = 16;
/// The bytes a key should have: as many as `dewar secret` makes.
pub(crate) const ADVISED_BYTES: usize = 32;
/// From here on letters alone are no reason to worry: it is the length of 32 bytes in base64, and
/// one such key in 8,000 happens to hold no digit.
const LETTERS_SUFFICE: usize = 43;
/// The fewest different bytes a key may have. Sixteen random bytes miss it once in 10^12.
const LEAST_DISTINCT: usize = 8;

/// The first bytes of the SHA-256 of every form of every key in `testdata/weak_keys.txt`, sorted.
const PUBLISHED: &[u8] = include_bytes!("weak_keys/published.bin");
const FINGERPRINT: usize = 8;

/// Why a key is refused. The key itself is never part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakKey {
    /// Empty, or white space only.
    #[error("no secret key: generate one with `dewar secret`")]
    Missing,
    /// A text that asks to be replaced, such as `change-me`.
    #[error("the secret key is a placeholder: generate one with `dewar secret`")]
    Placeholder,
    /// On the list of known keys, perhaps in another spelling.
    #[error(
        "the secret key is published, in documentation, a tutorial or a shipped default: \
         generate one with `dewar secret`"
    )]
    Published,
    /// Equal to something that is no secret, such as the salt.
    #[error("the secret key equals {what}, which is no secret: generate one with `dewar secret`")]
    SameAs {
        /// What it equals.
        what: &'static str,
    },
    /// Too few bytes.
    #[error(
        "the secret key has {bytes} {}, at least {least} are needed: generate one with \
         `dewar secret`",
        if *bytes == 1 { "byte" } else { "bytes" }
    )]
    Short {
        /// How many it has.
        bytes: usize,
        /// How many it needs.
        least: usize,
    },
    /// Too few different bytes.
    #[error(
        "the secret key has {distinct} different {}, at least {least} are needed: generate one \
         with `dewar secret`",
        if *distinct == 1 { "byte" } else { "bytes" }
    )]
    Uniform {
        /// How many it has.
        distinct: usize,
        /// How many it needs.
        least: usize,
    },
}

/// Refuses a key that is known or can be guessed.
///
/// Some twenty hashes: meant for start, not for requests.
pub(crate) fn examine(key: &[u8]) -> Result<(), WeakKey> {
    if key.trim_ascii().is_empty() {
        return Err(WeakKey::Missing);
    }
    let spellings = spellings(key);
    let forms: BTreeSet<_> = spellings.iter().flat_map(|form| variants(form)).collect();
    if forms.iter().any(|form| is_published(form)) {
        return Err(WeakKey::Published);
    }
    if forms.iter().any(|form| is_placeholder(form)) {
        return Err(WeakKey::Placeholder);
    }
    if key.len() < LEAST_BYTES {
        return Err(WeakKey::Short { bytes: key.len(), least: LEAST_BYTES });
    }
    // A short decoded form proves nothing: text that only happens to be base64 has many.
    let bodies = spellings.iter().filter(|form| form.len() >= LEAST_BYTES);
    match bodies.map(|form| distinct(form)).min() {
        Some(distinct) if distinct < LEAST_DISTINCT => {
            Err(WeakKey::Uniform { distinct, least: LEAST_DISTINCT })
        }
        _ => Ok(()),
    }
}

/// Refuses what [`examine`] refuses, and a key equal to a text that is no secret, for example
/// `("the salt", b"cookie-session")`.
pub(crate) fn examine_beside(key: &[u8], known: &[(&'static str, &[u8])]) -> Result<(), WeakKey> {
    let spellings = spellings(key);
    let equals = |text: &[u8]| spellings.iter().any(|form| form.eq_ignore_ascii_case(text));
    match known.iter().find(|(_, text)| !text.is_empty() && equals(text)) {
        Some((what, _)) => Err(WeakKey::SameAs { what }),
        None => examine(key),
    }
}

/// What could be better about a key that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Advice {
    /// Nothing but letters, and not many.
    OnlyLetters,
    /// Fewer bytes than advised.
    Short {
        /// How many it has.
        bytes: usize,
    },
    /// A UUID: 122 random bits, but often logged.
    Uuid,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyLetters => f.write_str("the secret key is made of letters only")?,
            Self::Short { bytes } => {
                write!(f, "the secret key has {bytes} bytes, {ADVISED_BYTES} are advised")?;
            }
            Self::Uuid => f.write_str("the secret key is a UUID, which logs often show")?,
        }
        f.write_str(": generate one with `dewar secret`")
    }
}

/// Gives the most pressing advice about a key, to be shown once at start.
pub(crate) fn advise(key: &[u8]) -> Option<Advice> {
    if key.len() < ADVISED_BYTES {
        Some(Advice::Short { bytes: key.len() })
    } else if key.len() < LETTERS_SUFFICE && key.iter().all(u8::is_ascii_alphabetic) {
        Some(Advice::OnlyLetters)
    } else {
        is_uuid(key).then_some(Advice::Uuid)
    }
}

fn is_uuid(key: &[u8]) -> bool {
    let dash = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    key.len() == 36 && key.iter().enumerate().all(dash)
}

fn fingerprint(form: &[u8]) -> [u8; FINGERPRINT] {
    let digest = Sha256::digest(form);
    *digest.first_chunk().expect("SHA-256 has 32 bytes")
}

fn is_published(form: &[u8]) -> bool {
    let wanted = fingerprint(form);
    let (mut low, mut high) = (0, PUBLISHED.len() / FINGERPRINT);
    while low < high {
        let middle = low.midpoint(high);
        match PUBLISHED[middle * FINGERPRINT..][..FINGERPRINT].cmp(&wanted) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    false
}

/// Recognises a lower-case text that asks to be replaced.
fn is_placeholder(form: &[u8]) -> bool {
    // Short words count only as words of their own: among 43 random base64 characters one in
    // 26,000 keys spells "todo".
    let mut words = form.split(|byte| !byte.is_ascii_alphanumeric());
    let is_marker = |word: &[u8]| {
        matches!(word, b"todo" | b"insert") || (word.len() >= 4 && word.iter().all(|&b| b == b'x'))
    };
    if words.any(is_marker) {
        return true;
    }
    let letters: Vec<u8> = form.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    let at = |text: &[u8]| letters.windows(text.len()).position(|window| window == text);
    let own_secret =
        at(b"your").is_some_and(|start| letters[start..].windows(6).any(|w| w == b"secret"));
    // What `django-admin startproject` writes lands in version control.
    let phrases: [&[u8]; 5] =
        [b"changeme", b"replaceme", b"secretkeyhere", b"example", b"djangoinsecure"];
    own_secret || phrases.iter().any(|phrase| at(phrase).is_some())
}

fn distinct(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    bytes.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    seen.iter().filter(|&&seen| seen).count()
}
