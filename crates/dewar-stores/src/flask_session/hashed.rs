//! A store of ours behind the cookies of Flask-Session.

use std::{fmt, time::Duration};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Cursor, Entry, InterchangeStore, Loaded, Moved, Owner, Page, Reached,
        Record, Scan, Store, StoreError, Sweep, Swept, UserIndex, WriteId, Written,
    },
};
use sha2::{Digest, Sha256};

/// The key of a session in every store but Flask-Session's own: the SHA-256 of its id.
///
/// It is the map for `Migrating::with_keys` from a [`FlaskSessionStore`](super::FlaskSessionStore) to
/// another store. A key that is a hash already
/// stays as it is.
pub fn hashed(key: &StoreKey) -> StoreKey {
    if key.is_id() { StoreKey::from_bytes(Sha256::digest(key.as_bytes()).into()) } else { *key }
}

/// Any store of dewar, for [`SessionLayer::flask_session`](dewar::SessionLayer::flask_session): the
/// cookies stay Flask-Session's, the store sees no id.
///
/// This is where an application arrives whose sessions were migrated from Flask-Session: each browser
/// goes on with the cookie that it has. Flask-Session itself cannot read such a store.
///
/// ```
/// use dewar::{SessionLayer, store::MemoryStore};
/// use dewar_stores::flask_session::Hashed;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = dewar::random_bytes(32)?;
/// let sessions = SessionLayer::flask_session(key, Hashed::new(MemoryStore::new())).build()?;
/// # drop(sessions);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Hashed {
    store: BoxStore,
    /// What the store calls a session.
    key: fn(&StoreKey) -> StoreKey,
}

impl Hashed {
    /// Over this store.
    pub fn new(store: impl Store) -> Self {
        Self { store: store.boxed(), key: hashed }
    }

    /// While sessions move there: over both, for every node of dewar. None of them may know the old
    /// store alone, and Flask-Session must no longer write to it.
    ///
    /// # Errors
    /// If the operating system has no random bytes.
    #[cfg(feature = "migrate")]
    pub fn migrating<T: super::Table>(
        old: super::FlaskSessionStore<T>,
        new: impl Store,
    ) -> std::io::Result<Self> {
        let both = crate::migrate::Migrating::with_keys(old, new, hashed)?;
        // Both hash by themselves, each id on its way to the new store.
        Ok(Self { store: both.boxed(), key: |key| *key })
    }

    fn inward(&self, moved: Moved) -> Moved {
        Moved { to: (self.key)(&moved.to), ..moved }
    }
}

impl Store for Hashed {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.store.load(&(self.key)(key)).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.store.create(&(self.key)(key), record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.store.update(&(self.key)(key), expected, record).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.store.touch(&(self.key)(key), idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.store.delete(&(self.key)(key), until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.store.supersede(&(self.key)(old), expected, self.inward(moved)).await
    }

    fn answers_within(&self) -> Option<Duration> {
        self.store.answers_within()
    }

    /// With whatever its store can do.
    fn boxed(self) -> BoxStore {
        match (self.store.scans(), self.store.sweeps(), self.store.knows_users()) {
            (true, true, true) => BoxStore::full(self),
            (true, false, true) => BoxStore::without_sweep(self),
            (true, true, false) => BoxStore::without_users(self),
            _ => BoxStore::new(self),
        }
    }
}

impl InterchangeStore for Hashed {}

impl Sweep for Hashed {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        self.store.sweep(now_ms, limit).await
    }

    fn paces_itself(&self) -> bool {
        self.store.paces_itself()
    }
}

impl Scan for Hashed {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.store.scan(from, limit).await
    }
}

impl UserIndex for Hashed {
    async fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<(), StoreError> {
        self.store.enter(owner, &(self.key)(key), now_ms, until_ms).await
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        self.store.leave(owner, &(self.key)(key)).await
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.store.sessions_of(owner, after, limit).await
    }
}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashed")
    }
}
