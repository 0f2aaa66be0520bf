//! When Redis may forget a key by itself.

use dewar::{StoreKey, store::GRACE};

/// From the year 10000 on nothing is forgotten; it is also what Lua's numbers hold exactly.
pub(super) const NEVER_MS: u64 = 253_402_300_800_000;

/// Over how long the keys of one deadline are spread: one minute.
const SPREAD_MS: u64 = 60_000;

/// How long after its deadline Redis forgets a key: the grace, and up to a minute more, so that
/// sessions which ended together are not forgotten together. The key is a hash, so it is chance
/// enough, and every writer agrees.
pub(super) fn margin_ms(key: &StoreKey) -> u64 {
    let [first, second, ..] = *key.as_bytes();
    let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or(NEVER_MS);
    grace_ms + u64::from(u16::from_be_bytes([first, second])) % SPREAD_MS
}

/// The argument `PXAT` of what ends at this moment; empty for what is kept for ever.
pub(super) fn at(key: &StoreKey, deadline_ms: u64) -> String {
    argument(deadline_ms.saturating_add(margin_ms(key)))
}

pub(super) fn argument(at_ms: u64) -> String {
    if at_ms >= NEVER_MS { String::new() } else { at_ms.to_string() }
}
