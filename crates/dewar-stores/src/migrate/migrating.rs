//! Both stores as one, while sessions move from the old one to the new one.

use std::{fmt, io, sync::Arc};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Loaded, Moved, Reached, Record, Store, StoreError, StoreErrorKind,
        WriteId, Written,
    },
};

use super::{
    carry::{CarriedOver, Remains},
    keys::{KeyMap, Keys, Place},
};

/// A way to break the promise, for the test that must notice.
#[cfg(feature = "sabotage")]
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sabotage {
    /// A logout does not look at the old store.
    DeleteOnlyInNew,
    /// What was carried over stays live in the old store.
    OldStaysLive,
    /// As long as the old store has a session, it is read and written there.
    OldPreferred,
}

/// Two stores as one [`Store`]: give it to the session layer of every node while sessions move.
///
/// It reads both and writes the new one; see [the module](super) for what holds. Clones share it.
/// What both stores can do beside the verbs it can do too: [`UserIndex`](dewar::store::UserIndex),
/// [`Sweep`](dewar::store::Sweep) and [`Scan`](dewar::store::Scan); otherwise these answer
/// [`Unsupported`](StoreErrorKind::Unsupported).
///
/// # Cost
///
/// A read of a session that has moved asks the new store alone; of one that has not, both. A write asks
/// the old store for the key first, and the first write of a session moves it: one `create` in
/// the new store and one `supersede` in the old one. So writes need both stores to answer.
#[derive(Clone)]
pub struct Migrating(pub(super) Arc<Both>);

pub(super) struct Both {
    pub(super) old: BoxStore,
    pub(super) new: BoxStore,
    pub(super) keys: Keys,
    #[cfg(feature = "sabotage")]
    pub(super) sabotage: Option<Sabotage>,
}

impl Migrating {
    /// From `old` to `new`. The new store may hold sessions already; they count.
    pub fn new(old: impl Store, new: impl Store) -> Self {
        Self::with(old.boxed(), new.boxed(), Keys::same())
    }

    /// As [`new`](Self::new), for stores that call one session by different keys.
    ///
    /// The application goes on with the keys of the *old* store until it runs on the new one alone;
    /// `map` gives the new one's. It must be one-to-one, and the new keys must not be guessable from
    /// anything but the old ones; a SHA-256 is both.
    ///
    /// The successor of a rotated session, and the sessions of a user, are handed out under keys that
    /// mean something to this value and its clones alone, and only for some time: for 16,384 of them,
    /// then the oldest is forgotten. Do not keep them.
    ///
    /// # Errors
    /// If the operating system has no random bytes.
    pub fn with_keys(old: impl Store, new: impl Store, map: KeyMap) -> io::Result<Self> {
        Ok(Self::with(old.boxed(), new.boxed(), Keys::mapped(map)?))
    }

    fn with(old: BoxStore, new: BoxStore, keys: Keys) -> Self {
        Self(Arc::new(Both {
            old,
            new,
            keys,
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }))
    }

    #[cfg(feature = "sabotage")]
    #[doc(hidden)]
    #[must_use]
    pub fn sabotaged(old: impl Store, new: impl Store, sabotage: Sabotage) -> Self {
        let (old, new) = (old.boxed(), new.boxed());
        Self(Arc::new(Both { old, new, keys: Keys::same(), sabotage: Some(sabotage) }))
    }

    /// Whether both stores find the sessions of a user.
    pub fn knows_users(&self) -> bool {
        self.0.old.knows_users() && self.0.new.knows_users()
    }

    /// Moves one session, named by its key in the old store, unless it has moved or ended; tells which.
    /// Whoever else wants to move it at the same moment does no harm.
    ///
    /// Dropped halfway, the session is whole, and the next call goes on.
    ///
    /// # Errors
    /// If one of both stores gives no answer, or the old record cannot be read.
    pub async fn carry_over(&self, key: &StoreKey) -> Result<CarriedOver, StoreError> {
        let place = self.0.keys.place(key);
        Ok(self.0.settle(&place).await?.carried)
    }
}

impl fmt::Debug for Migrating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrating").field("keys", &self.0.keys).finish_non_exhaustive()
    }
}

impl Both {
    /// Nothing live is left in the old store when this has answered.
    async fn settled(&self, place: &Place) -> Result<Remains, StoreError> {
        Ok(self.settle(place).await?.remains)
    }

    /// What a write in the new store means, given what the old one keeps.
    fn written(&self, answer: Written, remains: Remains) -> Written {
        match (answer, remains) {
            (Written::Gone, Remains::Moved(moved)) => Written::Moved(moved),
            (answer, _) => self.keys.written(answer),
        }
    }

    async fn load(&self, place: &Place) -> Result<Loaded, StoreError> {
        let found = self.new.load(&place.new).await?;
        let (Loaded::Nothing, Some(key)) = (&found, &place.old) else {
            return Ok(self.keys.loaded(found));
        };
        match self.old.load(key).await? {
            // Somebody carried it over just now, or the new store has forgotten it since.
            Loaded::Moved(moved) if moved.to == *key => {
                self.new.load(&place.new).await.map(|found| self.keys.loaded(found))
            }
            found => Ok(found),
        }
    }

    async fn delete(&self, place: &Place, until_ms: u64) -> Result<Reached, StoreError> {
        let until_ms = match self.settled(place).await {
            Ok(Remains::Nothing) => until_ms,
            Ok(Remains::Ended { until_ms: earlier_ms }) => until_ms.max(earlier_ms),
            // A tombstone would hide the marker, and the session behind it would live on.
            Ok(Remains::Moved(moved)) if self.new.load(&place.new).await? == Loaded::Nothing => {
                return Ok(Reached::Moved(moved));
            }
            Ok(Remains::Moved(_)) => until_ms,
            Err(error) => return self.end_unreadable(place, until_ms, error).await,
        };
        let reached = self.new.delete(&place.new, until_ms).await?;
        Ok(self.keys.reached(reached))
    }

    /// What cannot be read cannot be carried over, but it can be ended.
    async fn end_unreadable(
        &self,
        place: &Place,
        until_ms: u64,
        error: StoreError,
    ) -> Result<Reached, StoreError> {
        let Some(key) = place.old.filter(|_| error.kind() == StoreErrorKind::Corrupt) else {
            return Err(error);
        };
        self.new.delete(&place.new, until_ms).await?;
        self.old.delete(&key, until_ms).await
    }

    #[cfg(feature = "sabotage")]
    pub(super) fn is(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    /// The live record in the old store, if the test wants it to be preferred.
    #[cfg(feature = "sabotage")]
    async fn preferred(&self, key: &StoreKey) -> Option<Record> {
        match self.old.load(key).await {
            Ok(Loaded::Live(record)) if self.is(Sabotage::OldPreferred) => Some(record),
            _ => None,
        }
    }
}

impl Store for Migrating {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        #[cfg(feature = "sabotage")]
        if let Some(record) = self.0.preferred(key).await {
            return Ok(Loaded::Live(record));
        }
        self.0.load(&self.0.keys.place(key)).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        let place = self.0.keys.place(key);
        match self.0.settled(&place).await? {
            Remains::Nothing => self.0.new.create(&place.new, record).await,
            Remains::Moved(_) => Ok(Created::Exists),
            Remains::Ended { .. } => Ok(Created::Ended),
        }
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        #[cfg(feature = "sabotage")]
        if self.0.preferred(key).await.is_some() {
            return self.0.old.update(key, expected, record).await;
        }
        let place = self.0.keys.place(key);
        let remains = self.0.settled(&place).await?;
        Ok(self.0.written(self.0.new.update(&place.new, expected, record).await?, remains))
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        let place = self.0.keys.place(key);
        let remains = self.0.settled(&place).await?;
        Ok(match (self.0.new.touch(&place.new, idle_deadline_ms).await?, remains) {
            (Reached::Gone, Remains::Moved(moved)) => Reached::Moved(moved),
            (answer, _) => self.0.keys.reached(answer),
        })
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        let place = self.0.keys.place(key);
        #[cfg(feature = "sabotage")]
        if self.0.is(Sabotage::DeleteOnlyInNew) {
            return self.0.new.delete(&place.new, until_ms).await;
        }
        self.0.delete(&place, until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        let place = self.0.keys.place(old);
        let remains = self.0.settled(&place).await?;
        let moved = self.0.keys.inward(moved);
        Ok(self.0.written(self.0.new.supersede(&place.new, expected, moved).await?, remains))
    }

    fn boxed(self) -> BoxStore {
        if self.knows_users() { BoxStore::full(self) } else { BoxStore::without_users(self) }
    }
}
