//! How far a migration is.

use std::time::Duration;

use dewar::StoreKey;

/// How many unreadable records are named.
const NAMED: usize = 100;

/// How far a migration is, over all its runs.
///
/// A session that was under way when a run was killed counts again, as one that was there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Everything the old store has shown so far: sessions, markers and tombstones.
    pub seen: u64,
    /// Sessions that this migration brought to the new store.
    pub carried: u64,
    /// Sessions that were there already: an application that needed them was faster.
    pub already_there: u64,
    /// Sessions that were carried over before, and of which the new store knows nothing: they went to
    /// another store, or have ended since.
    pub carried_elsewhere: u64,
    /// Sessions that have ended, or were rotated away: there is nothing to carry over.
    pub ended: u64,
    /// Sessions that nobody used until their deadline, and [`GRACE`](dewar::store::GRACE) longer.
    pub expired: u64,
    /// Records that cannot be read. They stay in the old store as they are.
    pub unreadable: u64,
    /// The keys of the first hundred that this run met, which print as short ids.
    pub unreadable_keys: Vec<StoreKey>,
    /// Until when markers of rotated sessions in the old store still route, in Unix milliseconds; 0
    /// if there are none. Keep [`Migrating`](super::Migrating) in place until then.
    pub routes_until_ms: u64,
    /// How many there are to see, if [`Migration::estimate`](super::Migration::estimate) told it.
    pub total: Option<u64>,
    /// Whether everything was seen once, and it is now being checked that nothing live is left.
    pub verifying: bool,
    /// How long this run has taken.
    pub elapsed: Duration,
    /// What was seen before this run began.
    pub(super) seen_before: u64,
}

impl Progress {
    /// What this run sees in a second.
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { (self.seen - self.seen_before) as f64 / seconds } else { 0.0 }
    }

    /// How long it will take from now at this rate, if the total is known. The check at the end is not
    /// counted.
    pub fn remaining(&self) -> Option<Duration> {
        let left = self.total?.saturating_sub(self.seen) as f64;
        let rate = self.rate();
        (rate > 0.0).then(|| Duration::try_from_secs_f64(left / rate).ok()).flatten()
    }

    pub(super) fn unreadable(&mut self, key: StoreKey) {
        self.unreadable += 1;
        if self.unreadable_keys.len() < NAMED && !self.unreadable_keys.contains(&key) {
            self.unreadable_keys.push(key);
        }
    }
}
