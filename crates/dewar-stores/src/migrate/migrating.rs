//! Both stores as one, while sessions move from the old one to the new one.

use std::{
    fmt, io,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Loaded, Moved, Reached, Record, Store, StoreError, StoreErrorKind,
        WriteId, Written,
    },
};

use super::{
    carry::{CarriedOver, Remains, descends, is_mark},
    error::MigrationError,
    keys::{KeyMap, Keys, Place},
    patience::patiently,
    recent::Recent,
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
    /// A copy counts although the session is still live in the old store.
    CopyCounts,
}

/// Two stores as one [`Store`]: give it to the session layer of every node while sessions move.
///
/// See [the module](super) for what holds, and in which order nodes are changed. Clones share it. What
/// both stores can do beside the verbs it can do too: [`UserIndex`](dewar::store::UserIndex),
/// [`Sweep`](dewar::store::Sweep) and [`Scan`](dewar::store::Scan); otherwise these answer
/// [`Unsupported`](StoreErrorKind::Unsupported).
///
/// # Cost
///
/// The first write of a session moves it: one `create` in the new store and one `supersede` in the old
/// one. A node remembers 65,536 sessions that have moved, and asks the new store alone for them; for
/// the rest each call begins with one more `load`. Until all sessions have moved, both stores have to
/// answer.
#[derive(Clone)]
pub struct Migrating(pub(super) Arc<Both>);

pub(super) struct Both {
    pub(super) old: BoxStore,
    pub(super) new: BoxStore,
    pub(super) keys: Keys,
    /// By their old keys, those that are known to have moved: the new store alone decides.
    pub(super) moved: Recent,
    /// Whether it is known that the old store is not the new one.
    pub(super) known_as_two: AtomicBool,
    stands_by: bool,
    #[cfg(feature = "sabotage")]
    sabotage: Option<Sabotage>,
}

impl Migrating {
    /// From `old` to `new`. The new store may hold other sessions already.
    pub fn new(old: impl Store, new: impl Store) -> Self {
        Self::with(old.boxed(), new.boxed(), Keys::same(), false)
    }

    /// As [`new`](Self::new), but this node leaves sessions where they are and begins new ones in the
    /// old store: for the time when other nodes know the old store alone.
    ///
    /// What other nodes have carried over it finds. Only a logout and a rotation move a session.
    pub fn standing_by(old: impl Store, new: impl Store) -> Self {
        Self::with(old.boxed(), new.boxed(), Keys::same(), true)
    }

    /// As [`new`](Self::new), for stores that call one session by different keys.
    ///
    /// The application goes on with the keys of the *old* store until it runs on the new one alone;
    /// `map` gives the new one's. It must be one-to-one, and a new key must tell nothing of the old
    /// one; a SHA-256 does both.
    ///
    /// The successor of a rotated session, and the sessions of a user, are handed out under keys that
    /// mean something to this value and its clones alone, and only for some time: for 16,384 of them,
    /// then the oldest is forgotten. Do not keep them.
    ///
    /// # Errors
    /// If the operating system has no random bytes.
    pub fn with_keys(old: impl Store, new: impl Store, map: KeyMap) -> io::Result<Self> {
        Ok(Self::with(old.boxed(), new.boxed(), Keys::mapped(map)?, false))
    }

    fn with(old: BoxStore, new: BoxStore, keys: Keys, stands_by: bool) -> Self {
        Self(Arc::new(Both {
            old,
            new,
            keys,
            moved: Recent::default(),
            known_as_two: AtomicBool::new(false),
            stands_by,
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }))
    }

    #[cfg(feature = "sabotage")]
    #[doc(hidden)]
    #[must_use]
    pub fn sabotaged(self, sabotage: Sabotage) -> Self {
        let Both { old, new, stands_by, .. } = &*self.0;
        Self(Arc::new(Both {
            old: old.clone(),
            new: new.clone(),
            keys: Keys::same(),
            moved: Recent::default(),
            known_as_two: AtomicBool::new(false),
            stands_by: *stands_by,
            sabotage: Some(sabotage),
        }))
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

    /// Looks whether the stores are two: a record under a random key is put in the new one, looked for in
    /// the old one, and taken away again. [`Migration::run`](super::Migration::run) does so before it
    /// begins. Stores with [mapped keys](Self::with_keys) always are, and are not asked.
    ///
    /// # Errors
    /// [`SameStore`](MigrationError::SameStore) if they are not, and [`Compare`](MigrationError::Compare)
    /// if one of them stays away.
    pub async fn ensure_two(&self) -> Result<(), MigrationError> {
        match patiently(|| self.0.are_two()).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(MigrationError::SameStore),
            Err(source) => Err(MigrationError::Compare { source }),
        }
    }
}

impl fmt::Debug for Migrating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrating")
            .field("keys", &self.0.keys)
            .field("stands_by", &self.0.stands_by)
            .finish_non_exhaustive()
    }
}

impl Both {
    #[cfg(feature = "sabotage")]
    pub(super) fn is(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    /// What the old store says, and nothing that would not hold when that is forgotten there.
    async fn load(&self, place: &Place) -> Result<Loaded, StoreError> {
        let new = async || self.new.load(&place.new).await.map(|found| self.keys.loaded(found));
        #[cfg(feature = "sabotage")]
        if self.is(Sabotage::CopyCounts) {
            let found = new().await?;
            if found != Loaded::Nothing {
                return Ok(found);
            }
        }
        let Some(key) = place.old.filter(|key| !self.moved.knows(key)) else { return new().await };
        let old = self.old.load(&key).await?;
        match &old {
            Loaded::Live(record) => match new().await? {
                // Only a node that knew the new store alone can have done so too early; or it was
                // carried over after the look at the old one.
                Loaded::Live(later) if descends(&later, record) => Ok(Loaded::Live(later)),
                Loaded::Moved(moved) if is_mark(&place.new, &moved) => Ok(old),
                found @ (Loaded::Moved(_) | Loaded::Ended { .. }) => {
                    self.settle(place).await?;
                    Ok(found)
                }
                Loaded::Live(_) | Loaded::Nothing => Ok(old),
            },
            Loaded::Moved(moved) if is_mark(&key, moved) => {
                self.note_moved(&key);
                new().await
            }
            Loaded::Moved(moved) => {
                self.route(&place.new, *moved).await?;
                Ok(old)
            }
            Loaded::Ended { until_ms } => {
                self.end_copy(&place.new, *until_ms).await?;
                Ok(old)
            }
            Loaded::Nothing => {
                let found = new().await?;
                if found != Loaded::Nothing {
                    self.note_moved(&key);
                }
                Ok(found)
            }
        }
    }

    /// Nothing live is left in the old store when this has answered.
    async fn settled(&self, place: &Place) -> Result<Remains, StoreError> {
        Ok(self.settle(place).await?.remains)
    }

    /// The key under which a node that stands by writes the session in the old store.
    async fn stays(&self, place: &Place) -> Result<Option<StoreKey>, StoreError> {
        let Some(key) = place.old.filter(|key| self.stands_by && !self.moved.knows(key)) else {
            return Ok(None);
        };
        let is_live = matches!(self.old.load(&key).await?, Loaded::Live(_));
        Ok(is_live.then_some(key))
    }

    /// A new session begins where nodes that know the old store alone find it.
    async fn create_in_old(
        &self,
        key: &StoreKey,
        new: &StoreKey,
        record: &Record,
    ) -> Result<Created, StoreError> {
        Ok(match self.new.load(new).await? {
            Loaded::Nothing => self.old.create(key, record).await?,
            Loaded::Ended { .. } => Created::Ended,
            Loaded::Live(_) | Loaded::Moved(_) => Created::Exists,
        })
    }

    async fn delete(&self, place: &Place, until_ms: u64) -> Result<Reached, StoreError> {
        let remains = match self.settled(place).await {
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                // What cannot be read cannot be carried over, but it can be ended.
                self.new.delete(&place.new, until_ms).await?;
                let Some(key) = place.old else { return Err(error) };
                return self.old.delete(&key, until_ms).await;
            }
            remains => remains?,
        };
        match (remains, place.old) {
            (Remains::Moved(moved), _) => Ok(Reached::Moved(moved)),
            (Remains::Ended { .. }, Some(key)) => self.old.delete(&key, until_ms).await,
            _ => {
                let reached = self.new.delete(&place.new, until_ms).await?;
                Ok(self.keys.reached(reached))
            }
        }
    }
}

impl Store for Migrating {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.0.load(&self.0.keys.place(key)).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        let place = self.0.keys.place(key);
        if let Some(old) = place.old.filter(|_| self.0.stands_by) {
            return self.0.create_in_old(&old, &place.new, record).await;
        }
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
        let place = self.0.keys.place(key);
        while let Some(old) = self.0.stays(&place).await? {
            match self.0.old.update(&old, expected, record).await? {
                Written::Moved(_) | Written::Gone => {}
                answer => return Ok(answer),
            }
        }
        Ok(match self.0.settled(&place).await? {
            Remains::Nothing => {
                self.0.keys.written(self.0.new.update(&place.new, expected, record).await?)
            }
            Remains::Moved(moved) => Written::Moved(moved),
            Remains::Ended { .. } => Written::Gone,
        })
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        let place = self.0.keys.place(key);
        while let Some(old) = self.0.stays(&place).await? {
            if self.0.old.touch(&old, idle_deadline_ms).await? == Reached::Done {
                // Somebody may carry it over just now.
                self.0.new.touch(&place.new, idle_deadline_ms).await?;
                return Ok(Reached::Done);
            }
        }
        Ok(match self.0.settled(&place).await? {
            Remains::Nothing => {
                self.0.keys.reached(self.0.new.touch(&place.new, idle_deadline_ms).await?)
            }
            Remains::Moved(moved) => Reached::Moved(moved),
            Remains::Ended { .. } => Reached::Gone,
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
        Ok(match self.0.settled(&place).await? {
            Remains::Nothing => {
                let moved = self.0.keys.inward(moved);
                self.0.keys.written(self.0.new.supersede(&place.new, expected, moved).await?)
            }
            Remains::Moved(moved) => Written::Moved(moved),
            Remains::Ended { .. } => Written::Gone,
        })
    }

    /// Of both together: the look at the old store comes before the write in the new one.
    fn answers_within(&self) -> Option<Duration> {
        let times = [self.0.old.answers_within(), self.0.new.answers_within()];
        times.into_iter().flatten().reduce(|old, new| old.saturating_add(new))
    }

    fn boxed(self) -> BoxStore {
        if self.knows_users() { BoxStore::full(self) } else { BoxStore::without_users(self) }
    }
}
