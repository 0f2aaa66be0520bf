//! Which session is meant by its first digits.

use anyhow::{bail, ensure};
use dewar::{
    StoreKey,
    store::{Loaded, Store},
};

use super::reach::{Reach, within};
use crate::failure::NothingFound;

/// What `ls` shows: 8 digits.
const SHORT: usize = 8;
const WHOLE: usize = 64;
/// How many are listed if several are meant.
const LISTED: usize = 10;

/// The session with these first digits, as it stands there: what was carried to another store is shown
/// too.
pub(super) async fn find(reach: &Reach, given: &str) -> anyhow::Result<(StoreKey, Loaded)> {
    let prefix = read(given)?;
    if let Some(key) = whole(&prefix) {
        return match within(reach.store.load(&key)).await? {
            Loaded::Nothing => Err(nothing(given)),
            loaded => Ok((key, loaded)),
        };
    }
    let (mut meant, mut pages) = (Vec::new(), reach.pages());
    while let Some(page) = pages.next().await? {
        for (key, found) in page {
            if hex(&key).starts_with(&prefix) && !meant.iter().any(|(other, _)| *other == key) {
                meant.push((key, found));
            }
        }
        if meant.len() > LISTED {
            break;
        }
    }
    if meant.len() > 1 {
        let keys: Vec<_> = meant.iter().map(|(key, _)| hex(key)).collect();
        bail!("{}", ambiguous(&prefix, &keys));
    }
    match meant.pop() {
        Some((key, found)) => Ok((key, found?)),
        None => Err(nothing(given)),
    }
}

fn read(given: &str) -> anyhow::Result<String> {
    let is_hex = given.bytes().all(|byte| byte.is_ascii_hexdigit());
    // What is no such thing may be the id of a cookie: it is not repeated.
    ensure!(
        is_hex && (SHORT..=WHOLE).contains(&given.len()),
        "a session is named by the 8 hexadecimal digits that `dewar sessions ls` shows, or by more of \
         them"
    );
    Ok(given.to_ascii_lowercase())
}

fn whole(prefix: &str) -> Option<StoreKey> {
    let mut bytes = [0; 32];
    if prefix.len() != WHOLE {
        return None;
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&prefix[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(StoreKey::from_bytes(bytes))
}

fn nothing(given: &str) -> anyhow::Error {
    let shown: String = given.chars().take(SHORT).collect();
    NothingFound(format!("there is no session {shown}: `dewar sessions ls` shows which there are"))
        .into()
}

fn hex(key: &StoreKey) -> String {
    key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As many digits as tell them apart, and not all.
fn ambiguous(prefix: &str, keys: &[String]) -> String {
    let differ = |digits: usize| {
        keys.iter()
            .enumerate()
            .all(|(i, key)| keys[..i].iter().all(|other| other[..digits] != key[..digits]))
    };
    let digits = (prefix.len() + 1..WHOLE / 2).find(|&digits| differ(digits)).unwrap_or(WHOLE / 2);
    let mut names: Vec<_> = keys.iter().take(LISTED).map(|key| &key[..digits]).collect();
    names.sort_unstable();
    let more = if keys.len() > LISTED { " and more" } else { "" };
    format!("several sessions begin with {prefix}: {}{more}: give more digits", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_tells_the_sessions_apart_and_shows_no_whole_key() {
        let keys = [format!("{}a{}", "1".repeat(9), "0".repeat(54)), "1".repeat(64)];
        let said = ambiguous("11111111", &keys);
        assert_eq!(
            said,
            "several sessions begin with 11111111: 1111111111, 111111111a: give more digits"
        );
        let same = [format!("{}a", "1".repeat(63)), "1".repeat(64)];
        assert!(!ambiguous("11111111", &same).contains(&"1".repeat(33)));
    }

    #[test]
    fn only_digits_of_a_key_name_a_session() {
        for given in ["", "1234567", "1234567g", &"1".repeat(65), "p1aW3Zo2jz9kL0uQ"] {
            let said = read(given).expect_err("no digits").to_string();
            assert!(given.is_empty() || !said.contains(given), "{said}");
        }
        assert_eq!(read("ABCDEF01").expect("digits"), "abcdef01");
        assert!(whole(&"ab".repeat(32)).is_some() && whole("abcdef01").is_none());
    }
}
