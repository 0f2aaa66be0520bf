//! Forgetting, from time to time.

use std::{future::Future, time::Duration};

use tokio::time::sleep;

use super::{Store, StoreError};
use crate::{
    clock::{Clock, unix_millis},
    id::StoreKey,
};

/// How many a store is asked to forget at once.
const BATCH: usize = 1000;

/// How long the others have between two batches.
const PAUSE: Duration = Duration::from_millis(1);

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
        loop {
            match store.sweep(unix_millis(clock.now()), BATCH).await {
                Ok(swept) => {
                    swept.expired.into_iter().for_each(&tell);
                    if swept.forgotten < BATCH {
                        break;
                    }
                    // More is left; others are let in first.
                    sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(target: "dewar", %error, "the session store was not swept");
                    break;
                }
            }
        }
    }
}
