//! What both stores can do beside the verbs.

use std::collections::BTreeMap;

use dewar::{
    StoreKey,
    store::{
        BoxStore, Cursor, Entry, Loaded, Owner, Page, Scan, Store, StoreError, StoreErrorKind,
        Sweep, Swept, UserIndex,
    },
};

use super::{
    carry::{is_mark, is_probe},
    migrating::Migrating,
};

/// How many notes are asked for at once where all of a user's are needed.
const NOTES: usize = 256;

/// First the old store, then the new one. A store that forgets by itself has nothing to do.
impl Sweep for Migrating {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        let (old, new, keys) = (&self.0.old, &self.0.new, &self.0.keys);
        let mut swept = Swept::default();
        if old.sweeps() {
            swept = old.sweep(now_ms, limit).await?;
            swept.expired.iter_mut().for_each(|key| *key = keys.place(key).new);
        }
        if new.sweeps() && swept.forgotten < limit {
            let more = new.sweep(now_ms, limit - swept.forgotten).await?;
            swept.forgotten += more.forgotten;
            swept.expired.extend(more.expired);
        }
        Ok(swept)
    }

    /// Only if nobody has to be spared by others.
    fn paces_itself(&self) -> bool {
        let spares = |store: &BoxStore| !store.sweeps() || store.paces_itself();
        spares(&self.0.old) && spares(&self.0.new)
    }
}

impl UserIndex for Migrating {
    async fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<(), StoreError> {
        let place = self.0.keys.place(key);
        self.0.new.enter(owner, &place.new, now_ms, until_ms).await
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        let place = self.0.keys.place(key);
        if let Some(old) = &place.old {
            self.0.old.leave(owner, old).await?;
        }
        self.0.new.leave(owner, &place.new).await
    }

    /// The old store is asked first: what is carried over meanwhile is then found in the new one.
    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let (old, new) = if self.0.keys.are_same() {
            let old = self.0.old.sessions_of(owner, after, limit).await?;
            (old, self.0.new.sessions_of(owner, after, limit).await?)
        } else {
            // Both have an order of their own among sessions of one moment.
            let old = all_of(&self.0.old, owner).await?;
            (old, all_of(&self.0.new, owner).await?)
        };
        // By the new store's key. A session that is noted in both was carried over halfway: its
        // later moment counts, and the old store's key, by which it is live there perhaps.
        let mut found: BTreeMap<StoreKey, Entry> = BTreeMap::new();
        for entry in old {
            found.insert(self.0.keys.place(&entry.key).new, entry);
        }
        for entry in new {
            let known = found.get(&entry.key).copied();
            let known = known.unwrap_or_else(|| self.0.keys.entry(entry));
            let since_ms = known.since_ms.max(entry.since_ms);
            found.insert(entry.key, Entry { since_ms, ..known });
        }
        let place = |entry: &Entry| (entry.since_ms, entry.key);
        let mut found: Vec<_> = found.into_values().collect();
        found.retain(|entry| after.is_none_or(|after| place(entry) > place(&after)));
        found.sort_unstable_by_key(place);
        found.truncate(limit);
        Ok(found)
    }
}

async fn all_of(store: &BoxStore, owner: &Owner) -> Result<Vec<Entry>, StoreError> {
    let mut all = Vec::new();
    loop {
        let page = store.sessions_of(owner, all.last().copied(), NOTES).await?;
        let more = page.len() == NOTES;
        all.extend(page);
        if !more {
            return Ok(all);
        }
    }
}

const OLD: u8 = 0;
const NEW: u8 = 1;

/// First the old store, then the new one: what is carried over meanwhile is shown at least once.
/// What is live in the new store costs a look at the old one: a copy is not shown.
impl Scan for Migrating {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let (in_new, from) = match from {
            None => (false, None),
            Some(cursor) => place(cursor).ok_or_else(foreign)?,
        };
        if in_new {
            let page = self.0.new.scan(from.as_ref(), limit).await?;
            let mut found = Vec::with_capacity(page.found.len());
            for (key, loaded) in page.found {
                if self.counts(&key, &loaded).await? {
                    let loaded = loaded.map(|loaded| self.0.keys.loaded(loaded));
                    found.push((self.0.keys.hand_out(&key), loaded));
                }
            }
            return Ok(Page { found, next: page.next.map(|it| cursor(NEW, &it)) });
        }
        let mut page = self.0.old.scan(from.as_ref(), limit).await?;
        page.found.retain(|(key, found)| match found {
            Ok(Loaded::Moved(moved)) => !is_mark(key, moved),
            _ => true,
        });
        let next = match &page.next {
            Some(next) => cursor(OLD, next),
            None => Cursor::from_bytes([NEW]),
        };
        Ok(Page { found: page.found, next: Some(next) })
    }
}

impl Migrating {
    /// Whether it is more than a copy: the old store has shown those already. With a mapping of keys
    /// nobody can tell.
    async fn counts(
        &self,
        key: &StoreKey,
        loaded: &Result<Loaded, StoreError>,
    ) -> Result<bool, StoreError> {
        if loaded.as_ref().is_ok_and(is_probe) {
            return Ok(false);
        }
        let is_live = matches!(loaded, Ok(Loaded::Live(_)));
        if !is_live || !self.0.keys.are_same() || self.0.moved.knows(key) {
            return Ok(true);
        }
        Ok(match self.0.old.load(key).await? {
            Loaded::Nothing => true,
            Loaded::Moved(moved) => is_mark(key, &moved),
            Loaded::Live(_) | Loaded::Ended { .. } => false,
        })
    }
}

/// One byte for the store, and the store's own cursor.
fn cursor(store: u8, inner: &Cursor) -> Cursor {
    let mut bytes = vec![store];
    bytes.extend_from_slice(inner.as_bytes());
    Cursor::from_bytes(bytes)
}

fn place(cursor: &Cursor) -> Option<(bool, Option<Cursor>)> {
    let (&store, inner) = cursor.as_bytes().split_first()?;
    match (store, inner) {
        (NEW, []) => Some((true, None)),
        (OLD | NEW, inner) if !inner.is_empty() => {
            Some((store == NEW, Some(Cursor::from_bytes(inner))))
        }
        _ => None,
    }
}

fn foreign() -> StoreError {
    StoreError::new(StoreErrorKind::Unsupported).with_source("the cursor is none of this store's")
}
