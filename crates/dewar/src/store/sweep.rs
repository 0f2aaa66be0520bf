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

/// How many a store is asked to forget at once: at first, at most and at least.
const FIRST: usize = 64;
const MOST: usize = 1000;
const LEAST: usize = 8;

/// So long a batch should take: whoever writes meanwhile waits for it.
const GOAL: Duration = Duration::from_millis(2);

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
/// Others go first: a batch takes some milliseconds, at most 1000 entries, and afterwards the store is
/// left alone for four times as long. So a million entries take minutes.
///
/// # Errors
/// Those of [`Sweep::sweep`]; what was told is forgotten.
pub async fn sweep_through(
    store: &impl Sweep,
    now_ms: u64,
    mut told: impl FnMut(Swept),
) -> Result<(), StoreError> {
    let mut limit = FIRST;
    loop {
        let start = Instant::now();
        let swept = store.sweep(now_ms, limit).await?;
        let (took, is_last) = (start.elapsed(), swept.forgotten < limit);
        told(swept);
        if is_last {
            return Ok(());
        }
        limit = next_limit(limit, took);
        sleep(rest_after(took)).await;
    }
}

fn next_limit(limit: usize, took: Duration) -> usize {
    let next = if took > GOAL { limit / 2 } else { limit * 2 };
    next.clamp(LEAST, MOST)
}

fn rest_after(took: Duration) -> Duration {
    (took * RESTS).clamp(SHORTEST_REST, LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_store_is_asked_for_less_and_a_quick_one_for_more() {
        let run = |took| {
            let limits = std::iter::successors(Some(FIRST), |limit| Some(next_limit(*limit, took)));
            limits.take(6).collect::<Vec<_>>()
        };
        assert_eq!(run(GOAL * 2), [64, 32, 16, 8, 8, 8]);
        assert_eq!(run(GOAL), [64, 128, 256, 512, 1000, 1000]);
    }

    #[test]
    fn the_others_have_four_times_as_long_within_bounds() {
        let ms = Duration::from_millis;
        assert_eq!([0, 5, 400].map(|took| rest_after(ms(took))), [ms(1), ms(20), ms(1000)]);
    }
}
