//! How fast the stores are asked, how many calls at once, and how often again.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use dewar::store::{StoreError, StoreErrorKind};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How often a call that failed is tried again, and how long one may take.
const ATTEMPTS: u32 = 6;
const PATIENCE: Duration = Duration::from_secs(10);

/// How many sessions are under way at once: their syncs are shared where a store shares them.
pub(super) const AT_ONCE: usize = 16;

/// So many sessions a second, evenly.
pub(super) struct Pace {
    rate: Option<u32>,
    free_at: Instant,
}

impl Pace {
    pub(super) fn new(rate: Option<u32>) -> Self {
        Self { rate, free_at: Instant::now() }
    }

    /// How many of a page of so many are taken before it is told how far it is.
    pub(super) fn batch(&self, page: usize) -> usize {
        self.rate.map_or(page, |rate| usize::try_from(rate).unwrap_or(page).clamp(1, page))
    }

    pub(super) async fn wait(&mut self, sessions: usize) {
        let Some(rate) = self.rate else { return };
        sleep_until(self.free_at).await;
        let takes = Duration::from_secs_f64(sessions as f64 / f64::from(rate));
        // What a slow store did not use is not made up for.
        self.free_at = self.free_at.max(Instant::now()) + takes;
    }
}

/// Asks again while the error may pass.
pub(super) async fn patiently<T, Asked>(ask: impl Fn() -> Asked) -> Result<T, StoreError>
where
    Asked: Future<Output = Result<T, StoreError>>,
{
    for attempt in 1.. {
        let answer = timeout(PATIENCE, ask()).await;
        let answer = answer.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::TimedOut)));
        match answer {
            Err(error) if attempt < ATTEMPTS && may_pass(&error) => {
                sleep(Duration::from_millis(50) * 2_u32.pow(attempt)).await;
            }
            answer => return answer,
        }
    }
    Err(StoreError::new(StoreErrorKind::TimedOut))
}

fn may_pass(error: &StoreError) -> bool {
    !matches!(error.kind(), StoreErrorKind::Corrupt | StoreErrorKind::Unsupported)
}

/// Waits for all of a few, and gives what each of them gave.
pub(super) async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    let mut given: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, given) in running.iter_mut().zip(&mut given) {
            if given.is_none() {
                if let Poll::Ready(it) = future.as_mut().poll(context) {
                    *given = Some(it);
                }
            }
        }
        if given.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    given.into_iter().flatten().collect()
}
