//! The boxed form of a store: for configurations that choose one at run time.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use super::{
    Created, Cursor, Entry, Loaded, Moved, Owner, Page, Reached, Record, Scan, Store, StoreError,
    StoreErrorKind, Sweep, Swept, UserIndex, WriteId, Written,
};
use crate::id::StoreKey;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The verbs of [`Store`], each future boxed.
pub(crate) trait ErasedStore: Send + Sync + 'static {
    fn load<'a>(&'a self, key: &'a StoreKey) -> Answer<'a, Loaded>;
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a Record) -> Answer<'a, Created>;
    fn update<'a>(
        &'a self,
        key: &'a StoreKey,
        expected: WriteId,
        record: &'a Record,
    ) -> Answer<'a, Written>;
    fn touch<'a>(&'a self, key: &'a StoreKey, idle_deadline_ms: u64) -> Answer<'a, Reached>;
    fn delete<'a>(&'a self, key: &'a StoreKey, until_ms: u64) -> Answer<'a, Reached>;
    fn supersede<'a>(
        &'a self,
        old: &'a StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<'a, Written>;
    fn answers_within(&self) -> Option<Duration>;
}

impl<S: Store> ErasedStore for S {
    fn load<'a>(&'a self, key: &'a StoreKey) -> Answer<'a, Loaded> {
        Box::pin(Store::load(self, key))
    }

    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a Record) -> Answer<'a, Created> {
        Box::pin(Store::create(self, key, record))
    }

    fn update<'a>(
        &'a self,
        key: &'a StoreKey,
        expected: WriteId,
        record: &'a Record,
    ) -> Answer<'a, Written> {
        Box::pin(Store::update(self, key, expected, record))
    }

    fn touch<'a>(&'a self, key: &'a StoreKey, idle_deadline_ms: u64) -> Answer<'a, Reached> {
        Box::pin(Store::touch(self, key, idle_deadline_ms))
    }

    fn delete<'a>(&'a self, key: &'a StoreKey, until_ms: u64) -> Answer<'a, Reached> {
        Box::pin(Store::delete(self, key, until_ms))
    }

    fn supersede<'a>(
        &'a self,
        old: &'a StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Answer<'a, Written> {
        Box::pin(Store::supersede(self, old, expected, moved))
    }

    fn answers_within(&self) -> Option<Duration> {
        Store::answers_within(self)
    }
}

/// [`Sweep`], its future boxed.
pub(crate) trait ErasedSweep: Send + Sync {
    fn sweep(&self, now_ms: u64, limit: usize) -> Answer<'_, Swept>;
    fn paces_itself(&self) -> bool;
}

impl<S: Sweep> ErasedSweep for S {
    fn sweep(&self, now_ms: u64, limit: usize) -> Answer<'_, Swept> {
        Box::pin(Sweep::sweep(self, now_ms, limit))
    }

    fn paces_itself(&self) -> bool {
        Sweep::paces_itself(self)
    }
}

/// [`UserIndex`], each future boxed.
pub(crate) trait ErasedUserIndex: Send + Sync {
    fn enter<'a>(
        &'a self,
        owner: &'a Owner,
        key: &'a StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> Answer<'a, ()>;
    fn leave<'a>(&'a self, owner: &'a Owner, key: &'a StoreKey) -> Answer<'a, ()>;
    fn sessions_of<'a>(
        &'a self,
        owner: &'a Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Answer<'a, Vec<Entry>>;
}

impl<S: UserIndex> ErasedUserIndex for S {
    fn enter<'a>(
        &'a self,
        owner: &'a Owner,
        key: &'a StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> Answer<'a, ()> {
        Box::pin(UserIndex::enter(self, owner, key, now_ms, until_ms))
    }

    fn leave<'a>(&'a self, owner: &'a Owner, key: &'a StoreKey) -> Answer<'a, ()> {
        Box::pin(UserIndex::leave(self, owner, key))
    }

    fn sessions_of<'a>(
        &'a self,
        owner: &'a Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Answer<'a, Vec<Entry>> {
        Box::pin(UserIndex::sessions_of(self, owner, after, limit))
    }
}

/// [`Scan`], its future boxed.
pub(crate) trait ErasedScan: Send + Sync {
    fn scan<'a>(&'a self, from: Option<&'a Cursor>, limit: usize) -> Answer<'a, Page>;
}

impl<S: Scan> ErasedScan for S {
    fn scan<'a>(&'a self, from: Option<&'a Cursor>, limit: usize) -> Answer<'a, Page> {
        Box::pin(Scan::scan(self, from, limit))
    }
}

/// Any store, chosen at run time; clones share it. It is a [`Store`] itself, and knows what else
/// its store can do.
#[derive(Clone)]
pub struct BoxStore {
    store: Arc<dyn ErasedStore>,
    sweep: Option<Arc<dyn ErasedSweep>>,
    users: Option<Arc<dyn ErasedUserIndex>>,
    scan: Option<Arc<dyn ErasedScan>>,
}

impl BoxStore {
    /// Boxes a store that does nothing but its verbs.
    pub fn new(store: impl Store) -> Self {
        Self { store: Arc::new(store), sweep: None, users: None, scan: None }
    }

    /// Boxes a store with every capability.
    pub fn full(store: impl UserIndex + Sweep + Scan) -> Self {
        let store = Arc::new(store);
        Self { users: Some(Arc::clone(&store) as _), ..Self::of(store) }
    }

    /// Boxes a store that forgets by itself, so that nobody sweeps it.
    pub fn without_sweep(store: impl UserIndex + Scan) -> Self {
        let store = Arc::new(store);
        let (users, scan) = (Arc::clone(&store) as _, Arc::clone(&store) as _);
        Self { store, sweep: None, users: Some(users), scan: Some(scan) }
    }

    /// Boxes a store that does not know users.
    pub fn without_users(store: impl Sweep + Scan) -> Self {
        Self::of(Arc::new(store))
    }

    fn of<S: Sweep + Scan>(store: Arc<S>) -> Self {
        let (sweep, scan) = (Arc::clone(&store) as _, Arc::clone(&store) as _);
        Self { store, sweep: Some(sweep), users: None, scan: Some(scan) }
    }

    /// Whether it forgets what is past: whether it is a [`Sweep`].
    pub fn sweeps(&self) -> bool {
        self.sweep.is_some()
    }

    /// Whether it finds the sessions of a user: whether it is a [`UserIndex`].
    pub fn knows_users(&self) -> bool {
        self.users.is_some()
    }

    /// Whether it shows everything it holds: whether it is a [`Scan`].
    pub fn scans(&self) -> bool {
        self.scan.is_some()
    }
}

fn can<T>(capability: Option<&T>) -> Result<&T, StoreError> {
    capability.ok_or_else(|| StoreError::new(StoreErrorKind::Unsupported))
}

impl fmt::Debug for BoxStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxStore")
    }
}

impl Store for BoxStore {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.store.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.store.create(key, record).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.store.update(key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.store.touch(key, idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.store.delete(key, until_ms).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.store.supersede(old, expected, moved).await
    }

    fn answers_within(&self) -> Option<Duration> {
        self.store.answers_within()
    }

    fn boxed(self) -> BoxStore {
        self
    }
}

/// An error of the kind [`Unsupported`](StoreErrorKind::Unsupported) if the store cannot.
impl Sweep for BoxStore {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        can(self.sweep.as_ref())?.sweep(now_ms, limit).await
    }

    fn paces_itself(&self) -> bool {
        self.sweep.as_ref().is_some_and(|store| store.paces_itself())
    }
}

/// An error of the kind [`Unsupported`](StoreErrorKind::Unsupported) if the store cannot.
impl UserIndex for BoxStore {
    async fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<(), StoreError> {
        can(self.users.as_ref())?.enter(owner, key, now_ms, until_ms).await
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        can(self.users.as_ref())?.leave(owner, key).await
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        can(self.users.as_ref())?.sessions_of(owner, after, limit).await
    }
}

/// An error of the kind [`Unsupported`](StoreErrorKind::Unsupported) if the store cannot.
impl Scan for BoxStore {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        can(self.scan.as_ref())?.scan(from, limit).await
    }
}
