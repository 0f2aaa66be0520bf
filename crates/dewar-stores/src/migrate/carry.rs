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
        Created, Loaded, Moved, Record, Store, StoreError, StoreErrorKind, UserIndex, WriteId,
        Writes, Written,
    },
};

#[cfg(feature = "sabotage")]
use super::migrating::Sabotage;
use super::{
    keys::Place,
    migrating::Both,
    patience::{AT_ONCE, all, patiently},
};

/// A copy is made of what was read no longer ago than this. A tombstone in the new store stays for
/// longer, so that a copy cannot come after it was forgotten.
const FRESH: Duration = Duration::from_secs(60);

/// How many moved sessions a node remembers: their next calls spare a look at the old store.
const REMEMBERED: usize = 65_536;

/// Until when the tombstone stays of the record that tells two stores from one: Redis forgets it at once,
/// and whoever sweeps may.
const PROBE_MS: u64 = 0;

/// How long that record lasts if nobody comes to take it away.
const PROBE_LASTS_MS: u64 = 60_000;

/// What is in it, for whoever finds it.
const PROBE: &[u8] = b"dewar: is the new store the old one?";

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

/// Whether it is only there, or was, to tell two stores from one.
pub(super) fn is_probe(found: &Loaded) -> bool {
    match found {
        Loaded::Live(record) => record.data == PROBE,
        found => *found == Loaded::Ended { until_ms: PROBE_MS },
    }
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
                if !self.are_two().await? {
                    return Err(refused("the old store and the new one are the same; name two"));
                }
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
    /// mark would end it. So a record that is put in the new store, under a key that nobody has, must
    /// not be seen in the old one. It asks what is there, not how it is named: one server has many names.
    pub(super) async fn are_two(&self) -> Result<bool, StoreError> {
        // With two names a session is never its own copy.
        if !self.keys.are_same() || self.known_as_two.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let bytes = dewar::random_bytes(32).map_err(StoreError::unavailable)?;
        let bytes = bytes.try_into().map_err(|_| StoreError::new(StoreErrorKind::Unavailable))?;
        let nobody = StoreKey::from_bytes(bytes);
        let now_ms = super::unix_millis(&dewar::SystemClock);
        let until_ms = now_ms.saturating_add(PROBE_LASTS_MS);
        let probe = Record {
            owner: None,
            created_ms: now_ms,
            idle_deadline_ms: until_ms,
            absolute_deadline_ms: until_ms,
            writes: Writes::first(WriteId::new(now_ms)),
            data: PROBE.to_vec(),
        };
        // A tombstone would do for most, but Redis keeps none that is past.
        self.new.create(&nobody, &probe).await?;
        let found = self.old.load(&nobody).await;
        self.new.delete(&nobody, PROBE_MS).await?;
        let are_two = found? == Loaded::Nothing;
        self.known_as_two.store(are_two, Ordering::Relaxed);
        Ok(are_two)
    }

    /// How many of these, whose marks the old store holds, the new one knows nothing of.
    pub(super) async fn strangers(&self, marked: &[StoreKey]) -> Result<u64, StoreError> {
        let mut strangers = 0;
        for keys in marked.chunks(AT_ONCE) {
            let places: Vec<_> = keys.iter().map(|key| self.keys.place(key).new).collect();
            let asked = places.iter().map(|new| patiently(|| self.new.load(new)));
            for found in all(asked).await {
                match found {
                    Ok(Loaded::Nothing) => strangers += 1,
                    Ok(_) => {}
                    // It is there, whatever it is.
                    Err(error) if error.kind() == StoreErrorKind::Corrupt => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(strangers)
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
