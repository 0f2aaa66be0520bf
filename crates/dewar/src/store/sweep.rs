//! Forgetting, from time to time.

use std::time::Duration;

use tokio::time::sleep;

use super::Sweep;
use crate::clock::{Clock, unix_millis};

/// How many a store is asked to forget at once.
const BATCH: usize = 1000;

/// How long the others have between two batches.
const PAUSE: Duration = Duration::from_millis(1);

/// Lets `store` forget what has expired, once every `every`, for ever: spawn it beside the server.
///
/// On several nodes at once it does no harm. A sweep that fails is tried again the next time.
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
    loop {
        sleep(every).await;
        loop {
            match store.sweep(unix_millis(clock.now()), BATCH).await {
                // More is left; others are let in first.
                Ok(forgotten) if forgotten == BATCH => sleep(PAUSE).await,
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(target: "dewar", %error, "the session store was not swept");
                    break;
                }
            }
        }
    }
}
