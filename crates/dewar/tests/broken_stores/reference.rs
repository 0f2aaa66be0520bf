//! A store that is right, and the place where each broken one differs from it.

use std::{
    collections::BTreeMap,
    future::{Future, ready},
    sync::{Mutex, MutexGuard, PoisonError},
};

use dewar::{
    StoreKey,
    store::{
        Created, Cursor, Entry, GRACE, Loaded, Moved, Owner, Page, Reached, Record, Scan, Store,
        StoreError, StoreErrorKind, Sweep, Swept, UserIndex, WriteId, Written,
    },
};

pub(crate) type Answer<T> = Result<T, StoreError>;
pub(crate) type States = BTreeMap<StoreKey, Loaded>;
/// By the bytes of an owner: since when each of his sessions is known.
pub(crate) type Notes = BTreeMap<[u8; 32], BTreeMap<StoreKey, u64>>;

/// The right verbs, each one step.
#[derive(Default)]
pub(crate) struct Table {
    states: Mutex<States>,
    notes: Mutex<Notes>,
}

impl Table {
    pub(crate) fn open(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn load(&self, key: &StoreKey) -> Loaded {
        self.open().get(key).cloned().unwrap_or(Loaded::Nothing)
    }

    pub(crate) fn put(&self, key: &StoreKey, state: Loaded) {
        self.open().insert(*key, state);
    }

    pub(crate) fn create(&self, key: &StoreKey, record: &Record) -> Created {
        let mut states = self.open();
        match states.get(key).unwrap_or(&Loaded::Nothing) {
            Loaded::Nothing => {
                states.insert(*key, Loaded::Live(record.clone()));
                Created::Done
            }
            Loaded::Ended { .. } => Created::Ended,
            Loaded::Live(_) | Loaded::Moved(_) => Created::Exists,
        }
    }

    /// What stands in the way of replacing the record whose version is `expected`.
    pub(crate) fn obstacle(state: &Loaded, expected: WriteId) -> Option<Written> {
        match state {
            Loaded::Live(now) if now.version() == expected => None,
            Loaded::Live(now) => Some(Written::Conflict(now.clone())),
            Loaded::Moved(moved) => Some(Written::Moved(*moved)),
            Loaded::Ended { .. } | Loaded::Nothing => Some(Written::Gone),
        }
    }

    pub(crate) fn replace(&self, key: &StoreKey, expected: WriteId, new: Loaded) -> Written {
        let mut states = self.open();
        let state = states.get(key).unwrap_or(&Loaded::Nothing);
        if let Some(obstacle) = Self::obstacle(state, expected) {
            return obstacle;
        }
        states.insert(*key, new);
        Written::Done
    }

    pub(crate) fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Reached {
        match self.open().get_mut(key) {
            Some(Loaded::Live(now)) => {
                let wanted = idle_deadline_ms.min(now.absolute_deadline_ms);
                now.idle_deadline_ms = now.idle_deadline_ms.max(wanted);
                Reached::Done
            }
            Some(Loaded::Moved(moved)) => Reached::Moved(*moved),
            _ => Reached::Gone,
        }
    }

    pub(crate) fn delete(&self, key: &StoreKey, until_ms: u64) -> Reached {
        let mut states = self.open();
        let (reached, until_ms) = match states.get(key) {
            Some(Loaded::Live(_)) => (Reached::Done, until_ms),
            Some(Loaded::Moved(moved)) => return Reached::Moved(*moved),
            Some(Loaded::Ended { until_ms: before }) => (Reached::Gone, until_ms.max(*before)),
            _ => (Reached::Gone, until_ms),
        };
        states.insert(*key, Loaded::Ended { until_ms });
        reached
    }

    pub(crate) fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Vec<Entry> {
        let notes = self.notes();
        let his = notes.get(owner.as_bytes()).into_iter().flatten();
        let mut order: Vec<_> = his.map(|(key, since_ms)| (*since_ms, *key)).collect();
        order.retain(|at| after.is_none_or(|after| *at > (after.since_ms, after.key)));
        order.sort_unstable();
        order.truncate(limit);
        order.into_iter().map(|(since_ms, key)| Entry { key, since_ms }).collect()
    }

    /// By key; the cursor is the last one shown.
    pub(crate) fn scan(&self, from: Option<&Cursor>, limit: usize) -> Answer<Page> {
        let foreign = |_| StoreError::new(StoreErrorKind::Unsupported);
        let after = from.map(|cursor| cursor.as_bytes().try_into().map_err(foreign)).transpose()?;
        let after = after.map(StoreKey::from_bytes);
        let states = self.open();
        let rest = states.iter().filter(|(key, _)| after.is_none_or(|after| **key > after));
        let found: Vec<_> =
            rest.take(limit).map(|(key, state)| (*key, Ok(state.clone()))).collect();
        let last = found.last().filter(|_| found.len() == limit);
        let next = last.map(|(key, _)| Cursor::from_bytes(*key.as_bytes()));
        Ok(Page { found, next })
    }

    pub(crate) fn past(&self, now_ms: u64, limit: usize) -> Vec<StoreKey> {
        let states = self.open();
        let past = states.iter().filter(|(_, state)| over(deadline_ms(state), now_ms));
        past.map(|(key, _)| *key).take(limit).collect()
    }

    pub(crate) fn sweep(&self, now_ms: u64, limit: usize) -> Swept {
        let mut states = self.open();
        let (before, mut expired) = (states.len(), Vec::new());
        let mut left = limit;
        states.retain(|key, state| {
            let forget = left > 0 && over(deadline_ms(state), now_ms);
            left -= usize::from(forget);
            if forget && matches!(state, Loaded::Live(record) if record.deadline_ms() > 0) {
                expired.push(*key);
            }
            !forget
        });
        Swept { forgotten: before - states.len(), expired }
    }
}

pub(crate) fn deadline_ms(state: &Loaded) -> u64 {
    match state {
        Loaded::Live(record) => record.deadline_ms(),
        Loaded::Moved(Moved { until_ms, .. }) | Loaded::Ended { until_ms } => *until_ms,
        Loaded::Nothing => 0,
    }
}

pub(crate) fn over(deadline_ms: u64, now_ms: u64) -> bool {
    deadline_ms.saturating_add(GRACE.as_millis() as u64) < now_ms
}

/// One way to be wrong: whatever it does not say is right.
pub(crate) trait Variant: Default + Send + Sync + 'static {
    fn load(&self, t: &Table, key: &StoreKey) -> impl Future<Output = Answer<Loaded>> + Send {
        ready(Ok(t.load(key)))
    }

    fn create(
        &self,
        t: &Table,
        key: &StoreKey,
        record: &Record,
    ) -> impl Future<Output = Answer<Created>> + Send {
        ready(Ok(t.create(key, record)))
    }

    fn update(
        &self,
        t: &Table,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> impl Future<Output = Answer<Written>> + Send {
        ready(Ok(t.replace(key, expected, Loaded::Live(record.clone()))))
    }

    fn touch(
        &self,
        t: &Table,
        key: &StoreKey,
        idle_ms: u64,
    ) -> impl Future<Output = Answer<Reached>> + Send {
        ready(Ok(t.touch(key, idle_ms)))
    }

    fn delete(
        &self,
        t: &Table,
        key: &StoreKey,
        until_ms: u64,
    ) -> impl Future<Output = Answer<Reached>> + Send {
        ready(Ok(t.delete(key, until_ms)))
    }

    fn supersede(
        &self,
        t: &Table,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> impl Future<Output = Answer<Written>> + Send {
        ready(Ok(t.replace(old, expected, Loaded::Moved(moved))))
    }

    fn sweep(
        &self,
        t: &Table,
        now_ms: u64,
        limit: usize,
    ) -> impl Future<Output = Answer<Swept>> + Send {
        ready(Ok(t.sweep(now_ms, limit)))
    }

    fn enter(
        &self,
        t: &Table,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
    ) -> impl Future<Output = Answer<()>> + Send {
        t.notes().entry(*owner.as_bytes()).or_default().insert(*key, now_ms);
        ready(Ok(()))
    }

    fn leave(
        &self,
        t: &Table,
        owner: &Owner,
        key: &StoreKey,
    ) -> impl Future<Output = Answer<()>> + Send {
        t.notes().entry(*owner.as_bytes()).or_default().remove(key);
        ready(Ok(()))
    }

    fn sessions_of(
        &self,
        t: &Table,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> impl Future<Output = Answer<Vec<Entry>>> + Send {
        ready(Ok(t.sessions_of(owner, after, limit)))
    }

    fn scan(
        &self,
        t: &Table,
        from: Option<&Cursor>,
        limit: usize,
    ) -> impl Future<Output = Answer<Page>> + Send {
        ready(t.scan(from, limit))
    }
}

/// The reference store: right in everything.
#[derive(Default)]
pub(crate) struct Right;

impl Variant for Right {}

/// A store with its way to be wrong.
#[derive(Default)]
pub(crate) struct Broken<V> {
    table: Table,
    variant: V,
}

impl<V: Variant> Store for Broken<V> {
    async fn load(&self, key: &StoreKey) -> Answer<Loaded> {
        self.variant.load(&self.table, key).await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Answer<Created> {
        self.variant.create(&self.table, key, record).await
    }

    async fn update(&self, key: &StoreKey, expected: WriteId, record: &Record) -> Answer<Written> {
        self.variant.update(&self.table, key, expected, record).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Answer<Reached> {
        self.variant.touch(&self.table, key, idle_deadline_ms).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
        self.variant.delete(&self.table, key, until_ms).await
    }

    async fn supersede(&self, old: &StoreKey, expected: WriteId, moved: Moved) -> Answer<Written> {
        self.variant.supersede(&self.table, old, expected, moved).await
    }
}

impl<V: Variant> Sweep for Broken<V> {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Answer<Swept> {
        self.variant.sweep(&self.table, now_ms, limit).await
    }
}

impl<V: Variant> UserIndex for Broken<V> {
    async fn enter(&self, owner: &Owner, key: &StoreKey, now_ms: u64, _: u64) -> Answer<()> {
        self.variant.enter(&self.table, owner, key, now_ms).await
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Answer<()> {
        self.variant.leave(&self.table, owner, key).await
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Answer<Vec<Entry>> {
        self.variant.sessions_of(&self.table, owner, after, limit).await
    }
}

impl<V: Variant> Scan for Broken<V> {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Answer<Page> {
        self.variant.scan(&self.table, from, limit).await
    }
}
