//! Forgetting, from time to time.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{Store, StoreError};
use crate::{
    clock::{Clock, unix_millis},
    id::StoreKey,
};

/// How many a store is asked to forget at once: at first and at least, and at most.
const LEAST: usize = 2;
const MOST: usize = 1000;

/// Every so many batches one is of the least, to learn what a write costs there just now.
const PROBES: usize = 16;

/// Nobody minds a batch that takes less.
const SHORT: Duration = Duration::from_micros(100);

/// After each such time a sweep is behind, and may make others wait for the more.
const BEHIND: Duration = Duration::from_secs(30 * 60);

/// So many times as long as a batch took the others have for themselves, and no less and no more than
/// this.
const RESTS: u32 = 4;
const SHORTEST_REST: Duration = Duration::from_millis(1);
const LONGEST_REST: Duration = Duration::from_secs(1);

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store writes every field")]
pub struct Swept {
    /// How many records, markers and tombstones were forgotten.
    pub forgotten: usize,
    /// The records among them, each told by one sweep alone: sessions that ended because nobody
    /// used them any more. A record whose deadline is 0 is not among them: whoever set it so has
    /// told that end already. What is no session may be among them: [`StoreKey::is_session`].
    pub expired: Vec<StoreKey>,
}

/// A store that forgets what is past its deadline.
pub trait Sweep: Store {
    /// Forgets at most `limit` records, markers and tombstones whose deadline is more than
    /// [`GRACE`](super::GRACE) before `now_ms` (Unix milliseconds).
    ///
    /// Fewer than `limit` means that nothing is left to forget. Bounded, resumable, and safe to run
    /// on several nodes at once: no other call waits for it for long.
    fn sweep(
        &self,
        now_ms: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Swept, StoreError>> + Send;

    /// Whether a sweep leaves the store to others by itself, as one that has to walk through
    /// everything must. Then [`sweep_through`] asks for many at once, without a rest. Default: no.
    fn paces_itself(&self) -> bool {
        false
    }
}

/// Lets `store` forget what has expired, once every `every`, for ever: spawn it beside the server.
///
/// On several nodes at once it does no harm. A sweep that fails is tried again the next time. To hear
/// of each session that ends, use
/// [`SessionLayer::keep_swept`](crate::SessionLayer::keep_swept).
///
/// ```no_run
/// # async fn serve() {
/// use dewar::{SystemClock, store::{MemoryStore, keep_swept}};
/// use std::time::Duration;
///
/// let store = MemoryStore::new();
/// tokio::spawn(keep_swept(store.clone(), SystemClock, Duration::from_secs(60)));
/// # }
/// ```
pub async fn keep_swept(store: impl Sweep, clock: impl Clock, every: Duration) {
    keep_telling(&store, &clock, every, |_| ()).await
}

/// The same, telling of each session that it finds expired.
pub(crate) async fn keep_telling(
    store: &impl Sweep,
    clock: &dyn Clock,
    every: Duration,
    tell: impl Fn(StoreKey),
) {
    loop {
        sleep(every).await;
        let told = |swept: Swept| swept.expired.into_iter().for_each(&tell);
        if let Err(error) = sweep_through(store, unix_millis(clock.now()), told).await {
            tracing::warn!(target: "dewar", %error, "the session store was not swept");
        }
    }
}

/// Forgets everything that is past at `now_ms` (Unix milliseconds), and calls `told` after each batch.
///
/// Others go first: a batch, of at most 1000 entries, takes half as long again as one of two entries, and
/// then the store is left alone for four times as long. So on a disk it forgets some hundreds to
/// thousands of entries a second, and more with every half hour that it is not done. A store that
/// [paces itself](Sweep::paces_itself) does so instead.
///
/// # Errors
/// Those of [`Sweep::sweep`]; what was told is forgotten.
pub async fn sweep_through(
    store: &impl Sweep,
    now_ms: u64,
    mut told: impl FnMut(Swept),
) -> Result<(), StoreError> {
    let (begun, mut pace) = (Instant::now(), (!store.paces_itself()).then(Pace::new));
    loop {
        let limit = pace.as_ref().map_or(MOST, Pace::limit);
        let start = Instant::now();
        let swept = store.sweep(now_ms, limit).await?;
        let (took, is_last) = (start.elapsed(), swept.forgotten < limit);
        told(swept);
        if is_last {
            return Ok(());
        }
        if let Some(pace) = &mut pace {
            sleep(pace.rest_after(took, begun.elapsed())).await;
        }
    }
}

/// How much a store bears beside its other callers.
struct Pace {
    batches: usize,
    /// What may be asked of it between two probes.
    most: usize,
    /// How long a probe took of late.
    probe: Duration,
}

impl Pace {
    fn new() -> Self {
        Self { batches: 0, most: LEAST, probe: Duration::ZERO }
    }

    fn is_probe(&self) -> bool {
        self.batches % PROBES == 0
    }

    /// How much the next batch may be.
    fn limit(&self) -> usize {
        if self.is_probe() { LEAST } else { self.most }
    }

    /// How long the store is left alone after a batch that took so long, in a sweep that began so long
    /// ago; the next ones are the larger or the smaller for it.
    fn rest_after(&mut self, took: Duration, since: Duration) -> Duration {
        if self.is_probe() {
            // A pause of the disk is forgotten soon, and so is a batch that had luck.
            let before = if self.batches == 0 { took } else { self.probe };
            self.probe = (before * 3 + took) / 4;
        } else {
            // A probe is hardly more than a write costs there, and whoever writes meanwhile waits for
            // one batch: so that he waits for little more than another write.
            let behind = u32::try_from(since.as_secs() / BEHIND.as_secs()).unwrap_or(u32::MAX);
            let longest = (self.probe / 2).saturating_mul(behind.saturating_add(3)).max(SHORT);
            let next = if took > longest { self.most / 2 } else { self.most + LEAST };
            self.most = next.clamp(LEAST, MOST);
        }
        self.batches += 1;
        (took * RESTS).clamp(SHORTEST_REST, LONGEST_REST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// How much is asked at last of a store where a write takes a millisecond and each entry so long.
    fn settled(pace: &mut Pace, entry: Duration, since: Duration) -> usize {
        for _ in 0..1200 {
            let limit = u32::try_from(pace.limit()).expect("few");
            pace.rest_after(MS + entry * limit, since);
        }
        pace.most
    }

    #[test]
    fn a_batch_takes_half_as_long_again_as_one_of_two() {
        let most = |micros| settled(&mut Pace::new(), Duration::from_micros(micros), MS);
        // 1.5 × (1 ms + 2 entries) = 1 ms + 53, 8 and 3 entries; it goes down to half and up again.
        assert!((26..=55).contains(&most(10)), "{}", most(10));
        assert!((4..=10).contains(&most(100)), "{}", most(100));
        assert!((2..=5).contains(&most(1000)), "{}", most(1000));
        assert_eq!(most(0), MOST, "as many as may be cost nothing more");
    }

    #[test]
    fn what_was_learnt_of_a_store_is_learnt_anew() {
        let (mut pace, entry) = (Pace::new(), Duration::from_micros(10));
        pace.rest_after(MS / 10, MS);
        assert!(settled(&mut pace, entry, MS) > 20, "one lucky batch does not bind the others");
        for _ in 0..10 {
            pace.rest_after(MS * 50, MS);
        }
        assert_eq!(pace.most, LEAST, "a store that slows down is spared");
        assert!(settled(&mut pace, entry, MS) > 20, "and is not spared for ever");
    }

    #[test]
    fn a_sweep_that_is_behind_takes_more() {
        let entry = Duration::from_micros(100);
        let most = |since| settled(&mut Pace::new(), entry, since);
        assert!(most(BEHIND * 10) > 3 * most(MS), "{} {}", most(BEHIND * 10), most(MS));
    }

    #[test]
    fn the_others_have_four_times_as_long_within_bounds() {
        let rest = |took| Pace::new().rest_after(took, MS);
        assert_eq!([Duration::ZERO, MS * 5, MS * 400].map(rest), [MS, MS * 20, MS * 1000]);
    }
}
