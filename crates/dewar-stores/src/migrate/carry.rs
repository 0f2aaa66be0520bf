//! One session moves.
//!
//! ```text
//!   old:  live ───────────────────────── supersede ──▶ mark: a marker that names its own key
//!   new:  nothing ── enter, create ──▶ copy ─────────▶ the session: from here on it may change
//! ```

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use dewar::{
    StoreKey,
    store::{
        Created, Loaded, Moved, Record, Store, StoreError, StoreErrorKind, UserIndex, Written,
    },
};

#[cfg(feature = "sabotage")]
use super::migrating::Sabotage;
use super::{keys::Place, migrating::Both};

/// A copy is made of what was read no longer ago than this. A tombstone in the new store stays for
/// longer, so that a copy cannot come after it was forgotten.
const FRESH: Duration = Duration::from_secs(60);

/// How many moved sessions a node remembers: their next calls spare a look at the old store.
const REMEMBERED: usize = 65_536;

/// Until when the tombstone stays that tells two stores from one: whoever sweeps may forget it at once.
pub(super) const PROBE_MS: u64 = 0;

/// What became of a session that was to be carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CarriedOver {
    /// It is in the new store now, and no longer in the old one.
    Now,
    /// The new store had it already, or knows that it has ended or moved on. It is no longer live in
    /// the old one.
    Before,
    /// The old store holds nothing live under this key.
    Nothing,
}

/// What the old store still says of a key under which nothing is live there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remains {
    /// Nothing that counts: the new store alone decides.
    Nothing,
    /// The session was rotated before it could be carried over.
    Moved(Moved),
    /// It was ended before it could be carried over.
    Ended { until_ms: u64 },
}

pub(super) struct Settled {
    pub(super) carried: CarriedOver,
    pub(super) remains: Remains,
}

/// Whether `moved` only says that the session under `key` was carried over.
pub(super) fn is_mark(key: &StoreKey, moved: &Moved) -> bool {
    moved.to == *key
}

/// Whether `later` was written upon `earlier`.
pub(super) fn descends(later: &Record, earlier: &Record) -> bool {
    later.version() != earlier.version() && later.writes.contains(earlier.version())
}

fn refused(rule: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unsupported).with_source(rule)
}

impl Both {
    /// Carries the session over if it is live in the old store. When this has answered nothing live is
    /// left there, and nothing live will ever be there again.
    pub(super) async fn settle(&self, place: &Place) -> Result<Settled, StoreError> {
        let mut carried = CarriedOver::Nothing;
        let Some(key) = place.old.filter(|key| !self.moved.knows(key)) else {
            return Ok(Settled { carried: CarriedOver::Before, remains: Remains::Nothing });
        };
        loop {
            let read = Instant::now();
            let remains = match self.old.load(&key).await? {
                Loaded::Live(record) => {
                    let Some(now) = self.carry(&key, &place.new, record, read).await? else {
                        continue;
                    };
                    carried = now;
                    #[cfg(feature = "sabotage")]
                    if self.is(Sabotage::OldStaysLive) {
                        return Ok(Settled { carried, remains: Remains::Nothing });
                    }
                    self.note_moved(&key);
                    Remains::Nothing
                }
                Loaded::Moved(moved) if is_mark(&key, &moved) => {
                    self.note_moved(&key);
                    carried = CarriedOver::Before;
                    Remains::Nothing
                }
                Loaded::Moved(moved) => {
                    self.route(&place.new, moved).await?;
                    Remains::Moved(moved)
                }
                Loaded::Ended { until_ms } => {
                    self.end_copy(&place.new, until_ms).await?;
                    Remains::Ended { until_ms }
                }
                Loaded::Nothing => Remains::Nothing,
            };
            return Ok(Settled { carried, remains });
        }
    }

    pub(super) fn note_moved(&self, key: &StoreKey) {
        self.moved.note(key, REMEMBERED);
    }

    /// `None`: look again at what the old store holds.
    async fn carry(
        &self,
        key: &StoreKey,
        new: &StoreKey,
        record: Record,
        read: Instant,
    ) -> Result<Option<CarriedOver>, StoreError> {
        self.enter(new, &record).await?;
        if read.elapsed() > FRESH {
            return Ok(None);
        }
        let carried = match self.new.create(new, &record).await? {
            Created::Done => CarriedOver::Now,
            Created::Exists | Created::Ended => match self.refresh(key, new, &record).await? {
                Some(carried) => carried,
                None => return Ok(None),
            },
        };
        #[cfg(feature = "sabotage")]
        if self.is(Sabotage::OldStaysLive) {
            return Ok(Some(carried));
        }
        // A node that stands by may have touched it. That leaves the version as it is, so the mark below
        // would not notice; who touches later than this look finds the copy, and touches that too.
        let Loaded::Live(now) = self.old.load(key).await? else { return Ok(None) };
        if now.version() != record.version() {
            return Ok(None);
        }
        if carried == CarriedOver::Now && now.idle_deadline_ms > record.idle_deadline_ms {
            self.new.touch(new, now.idle_deadline_ms).await?;
        }
        // The mark is kept as long as the session would have been.
        let mark = Moved { to: *key, until_ms: now.deadline_ms() };
        Ok(match self.old.supersede(key, record.version(), mark).await? {
            Written::Done => {
                self.leave(key, &record).await;
                Some(carried)
            }
            Written::Moved(moved) if is_mark(key, &moved) => Some(CarriedOver::Before),
            // Somebody wrote, rotated or ended it in the old store meanwhile.
            Written::Conflict(_) | Written::Moved(_) | Written::Gone => None,
        })
    }

    /// The new store holds something under this key already: a copy that was made halfway, or what
    /// counts. `None`: look again.
    async fn refresh(
        &self,
        key: &StoreKey,
        new: &StoreKey,
        record: &Record,
    ) -> Result<Option<CarriedOver>, StoreError> {
        match self.new.load(new).await? {
            Loaded::Live(there) if there.version() == record.version() => {
                self.must_be_two().await?;
                if there.idle_deadline_ms < record.idle_deadline_ms {
                    self.new.touch(new, record.idle_deadline_ms).await?;
                }
                Ok(Some(CarriedOver::Now))
            }
            Loaded::Live(there) if descends(&there, record) => Ok(Some(CarriedOver::Before)),
            Loaded::Live(copy) => {
                // As long as the session is live in the old store, nobody writes it in the new one.
                // So what was there before this look is a copy, and an outdated one.
                if let Loaded::Live(record) = self.old.load(key).await? {
                    self.enter(new, &record).await?;
                    self.new.update(new, copy.version(), &record).await?;
                }
                Ok(None)
            }
            Loaded::Moved(moved) if is_mark(new, &moved) => Err(refused(
                "sessions were once carried over from the new store, and it still holds the marks; \
                 migrate to an empty one",
            )),
            Loaded::Moved(_) => Ok(Some(CarriedOver::Before)),
            Loaded::Ended { until_ms } => {
                self.old.delete(key, until_ms).await?;
                Ok(None)
            }
            Loaded::Nothing => Ok(None),
        }
    }

    /// In one store that was given twice every session looks as if it had been copied halfway, and its
    /// mark would end it. So a tombstone under a key that nobody has must not be seen in the other one.
    async fn must_be_two(&self) -> Result<(), StoreError> {
        // With two names a session is never its own copy.
        if !self.keys.are_same() || self.are_two.load(Ordering::Relaxed) {
            return Ok(());
        }
        let bytes = dewar::random_bytes(32).map_err(StoreError::unavailable)?;
        let bytes = bytes.try_into().map_err(|_| StoreError::new(StoreErrorKind::Unavailable))?;
        let nobody = StoreKey::from_bytes(bytes);
        self.new.delete(&nobody, PROBE_MS).await?;
        if self.old.load(&nobody).await? != Loaded::Nothing {
            return Err(refused("the old store and the new one are the same; name two"));
        }
        self.are_two.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// A copy must not outlive the marker by which the session left the old store.
    pub(super) async fn route(&self, new: &StoreKey, moved: Moved) -> Result<(), StoreError> {
        while let Loaded::Live(copy) = self.new.load(new).await? {
            self.new.supersede(new, copy.version(), self.keys.inward(moved)).await?;
        }
        Ok(())
    }

    /// A copy must not outlive the tombstone of the session in the old store.
    pub(super) async fn end_copy(&self, new: &StoreKey, until_ms: u64) -> Result<(), StoreError> {
        if let Loaded::Live(_) = self.new.load(new).await? {
            self.new.delete(new, until_ms).await?;
        }
        Ok(())
    }

    /// A session is noted before the record that carries its owner is written.
    async fn enter(&self, new: &StoreKey, record: &Record) -> Result<(), StoreError> {
        let Some(owner) = record.owner.filter(|_| self.new.knows_users()) else { return Ok(()) };
        // The later moment counts: whoever lists meanwhile meets it once more, and never misses it.
        let now_ms = super::unix_millis(&dewar::SystemClock);
        self.new.enter(&owner, new, now_ms, record.absolute_deadline_ms).await
    }

    /// A note that stays is no harm: it says *perhaps*.
    async fn leave(&self, key: &StoreKey, record: &Record) {
        if let Some(owner) = record.owner.filter(|_| self.old.knows_users()) {
            let _ = self.old.leave(&owner, key).await;
        }
    }
}
