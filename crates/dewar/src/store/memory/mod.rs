//! A store in the memory of one process.

#[cfg(all(test, dewar_models))]
mod models;
mod packed;
mod shard;
mod show;

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, PoisonError},
    task::Poll,
};

use self::{
    packed::{Kind, Packed},
    shard::Shard,
};
use super::{
    BoxStore, Created, Loaded, Moved, Reached, Record, Store, StoreError, StoreErrorKind, Sweep,
    Swept, WriteId, Written,
};
use crate::{
    id::StoreKey,
    sync::shuttled::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

const SHARDS: usize = 64;

/// How many entries of its queue a `create` looks at: more than the one it adds, so that the
/// queue never grows without end.
const FORGOTTEN_PER_CREATE: usize = 8;

/// How many states a sweep forgets before it lets others have the lock.
const SWEPT_PER_LOCK: usize = 512;

/// Sessions in the memory of this process: for tests, for development, and for a service of one
/// process that may forget everybody when it restarts.
///
/// It is bounded: a full one refuses new sessions and goes on serving those it has. It needs no
/// task and no clock of its own: each new session makes it forget a few that are past, and
/// [`Sweep`] forgets the rest. Clones share it. No call waits: each takes one of 64 locks for as
/// long as it copies one record.
///
/// ```
/// use dewar::store::MemoryStore;
///
/// let store = MemoryStore::with_capacity(50_000);
/// assert!(store.is_empty());
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Table>);

struct Table {
    shards: [Mutex<Shard>; SHARDS],
    kept: AtomicUsize,
    capacity: usize,
    /// When the newest record but one began, as its creator's clock said.
    began_ms: AtomicU64,
}

impl MemoryStore {
    /// An empty store for a million sessions.
    pub fn new() -> Self {
        Self::with_capacity(1_000_000)
    }

    /// An empty store for `max_sessions`.
    ///
    /// The markers of rotated sessions and the tombstones of ended ones count as sessions until
    /// they are forgotten. A full store still ends sessions, and keeps their tombstones.
    pub fn with_capacity(max_sessions: usize) -> Self {
        Self(Arc::new(Table {
            shards: std::array::from_fn(|_| Mutex::default()),
            kept: AtomicUsize::new(0),
            capacity: max_sessions,
            began_ms: AtomicU64::new(0),
        }))
    }

    /// How many sessions, markers and tombstones it keeps.
    pub fn len(&self) -> usize {
        self.0.kept.load(Ordering::Relaxed)
    }

    /// Whether it keeps nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts only: what it holds is the visitors'.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.0.capacity)
            .finish()
    }
}

impl Table {
    /// A key is a hash, so any of its bytes spreads evenly; the first eight are the shard's own.
    fn shard(&self, key: &StoreKey) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(key.as_bytes()[31]) % SHARDS])
    }

    /// `None` if there is no room.
    fn create(&self, key: &StoreKey, packed: Packed, now_ms: u64) -> Result<Created, Packed> {
        let mut shard = self.shard(key);
        let forgotten = shard.forget_some(now_ms, FORGOTTEN_PER_CREATE);
        self.kept.fetch_sub(forgotten, Ordering::Relaxed);
        match shard.get(key).map(Packed::kind) {
            Some(Kind::Live | Kind::Moved) => return Ok(Created::Exists),
            Some(Kind::Ended) => return Ok(Created::Ended),
            None => {}
        }
        let room = |kept| (kept < self.capacity).then_some(kept + 1);
        if self.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            return Err(packed);
        }
        shard.put(key, packed);
        Ok(Created::Done)
    }

    /// Forgets a little everywhere.
    fn make_room(&self, now_ms: u64) {
        for shard in &self.shards {
            let forgotten = lock(shard).forget_some(now_ms, FORGOTTEN_PER_CREATE);
            self.kept.fetch_sub(forgotten, Ordering::Relaxed);
        }
    }
}

/// A panic while the lock is held leaves the shard whole: every change is one insertion.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for MemoryStore {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        Ok(self.0.shard(key).get(key).map_or(Loaded::Nothing, Packed::loaded))
    }

    /// # Errors
    /// [`StoreErrorKind::Full`] if there is no room.
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        // One record from a clock that is wrong must not make all others look past: what counts
        // as now is what two in a row agree on.
        let began_ms = record.created_ms;
        let now_ms = self.0.began_ms.swap(began_ms, Ordering::Relaxed).min(began_ms);
        let packed = match self.0.create(key, Packed::live(key, record), now_ms) {
            Ok(created) => return Ok(created),
            Err(packed) => packed,
        };
        self.0.make_room(now_ms);
        self.0.create(key, packed, now_ms).map_err(|_| StoreError::new(StoreErrorKind::Full))
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        let packed = Packed::live(key, record);
        let mut shard = self.0.shard(key);
        Ok(replace(&mut shard, key, expected, packed))
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        let mut shard = self.0.shard(key);
        let Some(packed) = shard.get_mut(key) else { return Ok(Reached::Gone) };
        Ok(match packed.kind() {
            Kind::Ended => Reached::Gone,
            Kind::Live => {
                let wanted = idle_deadline_ms.min(packed.absolute_deadline_ms());
                packed.set_idle_deadline_ms(wanted.max(packed.idle_deadline_ms()));
                Reached::Done
            }
            Kind::Moved => Reached::Moved(packed.marker()),
        })
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        let mut shard = self.0.shard(key);
        let (reached, until_ms) = match shard.get(key) {
            None => (Reached::Gone, until_ms),
            Some(packed) => match packed.kind() {
                Kind::Ended => (Reached::Gone, until_ms.max(packed.deadline_ms())),
                Kind::Live => (Reached::Done, until_ms),
                Kind::Moved => return Ok(Reached::Moved(packed.marker())),
            },
        };
        let new = shard.put(key, Packed::ended(key, until_ms));
        self.0.kept.fetch_add(usize::from(new), Ordering::Relaxed);
        Ok(reached)
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        let mut shard = self.0.shard(old);
        Ok(replace(&mut shard, old, expected, Packed::moved(old, moved)))
    }

    fn boxed(self) -> BoxStore {
        BoxStore::full(self)
    }
}

/// Puts `packed` in the place of the live record whose version is `expected`.
fn replace(shard: &mut Shard, key: &StoreKey, expected: WriteId, packed: Packed) -> Written {
    let Some(old) = shard.get(key) else { return Written::Gone };
    match old.kind() {
        Kind::Ended => Written::Gone,
        Kind::Live if old.version() != expected => Written::Conflict(old.record()),
        Kind::Live => {
            shard.put(key, packed);
            Written::Done
        }
        Kind::Moved => Written::Moved(old.marker()),
    }
}

impl Sweep for MemoryStore {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        let (mut swept, mut expired) = (0, Vec::new());
        for shard in &self.0.shards {
            loop {
                let batch = SWEPT_PER_LOCK.min(limit - swept);
                let forgotten = lock(shard).sweep(now_ms, batch, &mut expired);
                self.0.kept.fetch_sub(forgotten, Ordering::Relaxed);
                swept += forgotten;
                if forgotten < batch || swept == limit {
                    break;
                }
                let_others_run().await;
            }
            if swept == limit {
                break;
            }
        }
        Ok(Swept { forgotten: swept, expired })
    }
}

/// Gives the executor's other tasks a turn: a million sessions may be past at once.
async fn let_others_run() {
    let mut waited = false;
    poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
