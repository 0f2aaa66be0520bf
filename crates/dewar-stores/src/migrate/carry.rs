//! One session moves.
//!
//! ```text
//!   old:  live ───────────────────────────── supersede ──▶ marker that names its own key
//!   new:  nothing ── enter, create ──▶ live ─────────────▶ live: from here on it may change
//! ```

use std::time::{Duration, Instant};

use dewar::{
    StoreKey,
    store::{Created, Loaded, Moved, Record, Store, StoreError, UserIndex, Written},
};

#[cfg(feature = "sabotage")]
use super::migrating::Sabotage;
use super::{keys::Place, migrating::Both};

/// A copy is made of what was read no longer ago than this. A tombstone in the new store stays for
/// longer, so that a copy cannot come after it was forgotten.
const FRESH: Duration = Duration::from_secs(60);

/// What became of a session that was to be carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CarriedOver {
    /// It is in the new store now, and no longer in the old one.
    Now,
    /// The new store had it already, or knows that it has ended or moved on; what was left of it in
    /// the old one is no longer live.
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
    /// It was ended in the old store.
    Ended { until_ms: u64 },
}

pub(super) struct Settled {
    pub(super) carried: CarriedOver,
    pub(super) remains: Remains,
}

impl Both {
    /// Carries the session over if it is live in the old store. Nothing live is left there when
    /// this has answered, and nothing live will ever be there again.
    pub(super) async fn settle(&self, place: &Place) -> Result<Settled, StoreError> {
        let mut carried = CarriedOver::Nothing;
        let Some(key) = &place.old else {
            return Ok(Settled { carried, remains: Remains::Nothing });
        };
        loop {
            let read = Instant::now();
            let remains = match self.old.load(key).await? {
                Loaded::Live(record) => {
                    let Some(now) = self.carry(key, &place.new, record, read).await? else {
                        continue;
                    };
                    carried = now;
                    #[cfg(feature = "sabotage")]
                    if self.is(Sabotage::OldStaysLive) {
                        return Ok(Settled { carried, remains: Remains::Nothing });
                    }
                    // By the mark of whoever carried it over.
                    Remains::Nothing
                }
                Loaded::Moved(moved) if moved.to == *key => {
                    carried = CarriedOver::Before;
                    Remains::Nothing
                }
                Loaded::Moved(moved) => Remains::Moved(moved),
                Loaded::Ended { until_ms } => Remains::Ended { until_ms },
                Loaded::Nothing => Remains::Nothing,
            };
            return Ok(Settled { carried, remains });
        }
    }

    /// `None`: look again at what the old store holds.
    async fn carry(
        &self,
        key: &StoreKey,
        new: &StoreKey,
        mut record: Record,
        read: Instant,
    ) -> Result<Option<CarriedOver>, StoreError> {
        let Some(created) = self.copy(new, &record, read).await? else { return Ok(None) };
        let carried = match created {
            Created::Done => CarriedOver::Now,
            Created::Exists | Created::Ended => CarriedOver::Before,
        };
        #[cfg(feature = "sabotage")]
        if self.is(Sabotage::OldStaysLive) {
            return Ok(Some(carried));
        }
        loop {
            // It is kept as long as the session would have been.
            let mark = Moved { to: *key, until_ms: record.deadline_ms() };
            match self.old.supersede(key, record.version(), mark).await? {
                Written::Done => {
                    self.leave(key, &record).await;
                    return Ok(Some(carried));
                }
                Written::Moved(moved) if moved.to == *key => {
                    return Ok(Some(CarriedOver::Before));
                }
                // From here on: somebody who knows the old store alone came between.
                Written::Conflict(newer) => {
                    self.enter(new, &newer).await?;
                    // If the copy is no longer what it was, the new store's state counts.
                    self.new.update(new, record.version(), &newer).await?;
                    record = newer;
                }
                Written::Moved(moved) => {
                    let moved = self.keys.inward(moved);
                    self.new.supersede(new, record.version(), moved).await?;
                    return Ok(None);
                }
                Written::Gone => {
                    if let Loaded::Ended { until_ms } = self.old.load(key).await? {
                        self.new.delete(new, until_ms).await?;
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// `None` if it took too long to begin.
    async fn copy(
        &self,
        new: &StoreKey,
        record: &Record,
        read: Instant,
    ) -> Result<Option<Created>, StoreError> {
        self.enter(new, record).await?;
        if read.elapsed() > FRESH {
            return Ok(None);
        }
        self.new.create(new, record).await.map(Some)
    }

    /// A session is noted before the record that carries its owner is written.
    async fn enter(&self, new: &StoreKey, record: &Record) -> Result<(), StoreError> {
        let Some(owner) = record.owner.filter(|_| self.new.knows_users()) else { return Ok(()) };
        // The later moment counts, so whoever lists meanwhile meets it once more, and never misses it.
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
