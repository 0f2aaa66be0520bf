//! When Redis may forget a key by itself.

use dewar::{StoreKey, store::GRACE};

/// From the year 10000 on nothing is forgotten; it is also what Lua's numbers hold exactly.
pub(super) const NEVER_MS: u64 = 253_402_300_800_000;

/// Over how long the keys of one deadline are spread: one minute.
const SPREAD_MS: u64 = 60_000;

pub(super) const GRACE_MS: u64 = GRACE.as_millis() as u64;

/// How long after its deadline Redis forgets a key: the grace, and up to a minute more, so that
/// sessions which ended together are not forgotten together. The key is a hash, so it is chance
/// enough, and every writer agrees. `longer_ms`: what it stays for the sweep that tells of it.
pub(super) fn margin_ms(key: &StoreKey, longer_ms: u64) -> u64 {
    let [first, second, ..] = *key.as_bytes();
    let spread_ms = u64::from(u16::from_be_bytes([first, second])) % SPREAD_MS;
    (GRACE_MS + spread_ms).saturating_add(longer_ms)
}

/// The argument `PXAT` of what ends at this moment; empty for what is kept for ever.
pub(super) fn at(key: &StoreKey, deadline_ms: u64, longer_ms: u64) -> String {
    argument(deadline_ms.saturating_add(margin_ms(key, longer_ms)))
}

pub(super) fn argument(at_ms: u64) -> String {
    if at_ms >= NEVER_MS { String::new() } else { at_ms.to_string() }
}
