//! The sweep that moves what nobody asks for.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use dewar::{
    Clock, StoreKey, SystemClock,
    store::{Cursor, GRACE, Loaded, Page, Scan, StoreError, StoreErrorKind},
};
use tokio::time::Instant;

use super::{
    carry::{CarriedOver, is_mark},
    checkpoint::Checkpoint,
    error::MigrationError,
    migrating::Migrating,
    patience::{AT_ONCE, Pace, all, patiently},
    progress::Progress,
    unix_millis,
};

/// How many keys the old store is asked for at once.
const PAGE: usize = 256;

/// How often the checkpoint is written, at most.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_millis(500);

/// A pass after the first finds nothing live, or is followed by another; so many at most.
const PASSES: u64 = 5;

type Told = Box<dyn FnMut(&Progress) + Send>;

/// Moves every session from the old store to the new one, while the application runs on both.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use dewar::store::MemoryStore;
/// use dewar_stores::migrate::{Migrating, Migration};
///
/// let both = Migrating::new(MemoryStore::new(), MemoryStore::new());
/// // The application: `SessionLayer::server(key, both.clone())`.
/// let done = Migration::new(both)
///     .rate(2_000)
///     .on_progress(|now| println!("{} of {:?}, {:?} left", now.seen, now.total, now.remaining()))
///     .run()
///     .await?;
/// println!("{} carried over, {} unreadable", done.carried, done.unreadable);
/// # Ok(()) }
/// ```
#[must_use = "nothing moves before `run` is called"]
pub struct Migration {
    stores: Migrating,
    clock: Arc<dyn Clock>,
    rate: Option<u32>,
    total: Option<u64>,
    checkpoint: Option<Checkpoint>,
    told: Told,
}

impl Migration {
    /// Of these two stores. Without [`checkpoint`](Self::checkpoint) a run begins at the start.
    pub fn new(stores: Migrating) -> Self {
        let clock = Arc::new(SystemClock);
        Self { stores, clock, rate: None, total: None, checkpoint: None, told: Box::new(|_| {}) }
    }

    /// At most so many sessions a second; 0 counts as 1. Default: as many as the stores can.
    pub fn rate(self, sessions_per_second: u32) -> Self {
        Self { rate: Some(sessions_per_second.max(1)), ..self }
    }

    /// How much there is to see, for the time that is left. Default: not known.
    pub fn estimate(self, total: u64) -> Self {
        Self { total: Some(total), ..self }
    }

    /// Keeps in this file where it is, at most twice a second, and goes on from there if the file
    /// exists. It is removed when the migration is done.
    ///
    /// `from` and `to` name the stores, as their URLs do: a checkpoint of two others is refused. They are
    /// kept in the file and shown in errors; a user and a password before an `@` are left out.
    /// Another file beside it, with the number of the process at its end, stays if the process is
    /// killed while it writes.
    pub fn checkpoint(self, path: impl AsRef<Path>, from: &str, to: &str) -> Self {
        Self { checkpoint: Some(Checkpoint::new(path.as_ref(), from, to)), ..self }
    }

    /// Is told how far it is, after every page: commonly some hundred sessions, or one second of
    /// them if the [`rate`](Self::rate) is lower.
    pub fn on_progress(self, told: impl FnMut(&Progress) + Send + 'static) -> Self {
        Self { told: Box::new(told), ..self }
    }

    /// Which sessions are past their deadline. Default: the machine's clock.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Walks the old store and carries every session over, then walks it again until that shows
    /// nothing live.
    ///
    /// It may be dropped or killed at any moment, and run on several nodes at once. It holds one page
    /// in memory. A call that fails is tried again for some seconds.
    ///
    /// # Errors
    /// If both are one store, if one stays away, if the old one keeps getting sessions from a node that does not know
    /// the new one, or if the checkpoint is of another migration; see [`MigrationError`].
    pub async fn run(mut self) -> Result<Progress, MigrationError> {
        let start = Instant::now();
        let (mut place, mut progress) = match &self.checkpoint {
            Some(checkpoint) => checkpoint.read()?.unwrap_or_default(),
            None => Default::default(),
        };
        progress.total = self.total;
        self.stores.ensure_two().await?;
        // Before anything moves: a place that cannot be kept is found out now.
        if let Some(checkpoint) = &self.checkpoint {
            checkpoint.write(&place, &progress)?;
        }
        let mut pace = Pace::new(self.rate);
        let mut kept_at = None;
        let mut late = 0;
        while place.passes < PASSES {
            progress.verifying = place.passes > 0;
            let page = self.page(place.cursor.as_ref()).await?;
            for some in page.found.chunks(pace.batch(PAGE)) {
                late += self.some(some, &mut progress, &mut pace).await?;
                progress.elapsed = start.elapsed();
                (self.told)(&progress);
            }
            place.cursor = page.next;
            if place.cursor.is_none() {
                place.passes += 1;
                if place.passes > 1 && late == 0 {
                    return self.finish(progress);
                }
                if place.passes == PASSES {
                    return Err(MigrationError::StillLive { count: late });
                }
                late = 0;
            }
            let due = kept_at.is_none_or(|at: Instant| at.elapsed() >= BETWEEN_CHECKPOINTS);
            if let Some(checkpoint) = self.checkpoint.as_ref().filter(|_| due) {
                checkpoint.write(&place, &progress)?;
                kept_at = Some(Instant::now());
            }
        }
        Err(MigrationError::StillLive { count: late })
    }

    fn finish(&self, progress: Progress) -> Result<Progress, MigrationError> {
        if let Some(checkpoint) = &self.checkpoint {
            checkpoint.remove()?;
        }
        Ok(progress)
    }

    async fn page(&mut self, from: Option<&Cursor>) -> Result<Page, MigrationError> {
        let old = &self.stores.0.old;
        let page = patiently(|| old.scan(from, PAGE)).await;
        page.map_err(|source| match source.kind() {
            StoreErrorKind::Unsupported if !old.scans() => MigrationError::CannotScan,
            _ => MigrationError::Scan { source },
        })
    }

    /// Gives how many were live in the old store.
    async fn some(
        &mut self,
        found: &[(StoreKey, Result<Loaded, StoreError>)],
        progress: &mut Progress,
        pace: &mut Pace,
    ) -> Result<u64, MigrationError> {
        let now_ms = unix_millis(&*self.clock);
        let first = !progress.verifying;
        let (mut live, mut marked) = (Vec::new(), Vec::new());
        let count = |count: &mut u64| *count += u64::from(first);
        for (key, loaded) in found {
            count(&mut progress.seen);
            match loaded {
                Ok(Loaded::Live(record)) if is_forgotten(record.deadline_ms(), now_ms) => {
                    count(&mut progress.expired);
                }
                Ok(Loaded::Live(_)) => live.push(*key),
                Ok(Loaded::Moved(moved)) if is_mark(key, moved) => marked.push(*key),
                Ok(Loaded::Moved(moved)) => {
                    count(&mut progress.ended);
                    progress.routes_until_ms = progress.routes_until_ms.max(moved.until_ms);
                }
                Ok(Loaded::Ended { .. } | Loaded::Nothing) => count(&mut progress.ended),
                Err(_) if first => progress.unreadable(*key),
                Err(_) => {}
            }
        }
        if first {
            let strangers = self.stores.0.strangers(&marked).await;
            let strangers = strangers.map_err(|source| MigrationError::Marks { source })?;
            progress.carried_elsewhere += strangers;
            progress.already_there += marked.len() as u64 - strangers;
        }
        let mut carried = 0;
        for keys in live.chunks(AT_ONCE) {
            pace.wait(keys.len()).await;
            for (key, outcome) in keys.iter().zip(carry(&self.stores, keys).await) {
                match outcome {
                    Ok(CarriedOver::Now) => {
                        progress.carried += 1;
                        carried += 1;
                    }
                    Ok(CarriedOver::Before) => count(&mut progress.already_there),
                    Ok(CarriedOver::Nothing) => count(&mut progress.ended),
                    Err(source) if source.kind() == StoreErrorKind::Corrupt => {
                        if first {
                            progress.unreadable(*key);
                        }
                    }
                    Err(source) => return Err(MigrationError::Carry { key: *key, source }),
                }
            }
        }
        Ok(carried)
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration")
            .field("rate", &self.rate)
            .field("total", &self.total)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}

async fn carry(stores: &Migrating, keys: &[StoreKey]) -> Vec<Result<CarriedOver, StoreError>> {
    all(keys.iter().map(|key| patiently(|| stores.carry_over(key)))).await
}

/// A store may have forgotten it by now.
fn is_forgotten(deadline_ms: u64, now_ms: u64) -> bool {
    let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
    now_ms > deadline_ms.saturating_add(grace_ms)
}
