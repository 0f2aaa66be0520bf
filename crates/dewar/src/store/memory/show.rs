//! What the store shows beside single keys: a user's sessions, and everything.

use super::{MemoryStore, SHARDS, lock, packed::Packed};
use crate::{
    id::StoreKey,
    store::{Cursor, Entry, Owner, Page, Scan, StoreError, StoreErrorKind, UserIndex},
};

/// The records themselves are the index: there is nothing to note. It takes each of 64 locks for as
/// long as it copies the user's keys.
impl UserIndex for MemoryStore {
    async fn enter(&self, _: &Owner, _: &StoreKey, _: u64, _: u64) -> Result<(), StoreError> {
        Ok(())
    }

    async fn leave(&self, _: &Owner, _: &StoreKey) -> Result<(), StoreError> {
        Ok(())
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let after = after.map(|entry| (entry.since_ms, entry.key));
        let mut found = Vec::new();
        for shard in &self.0.shards {
            found.extend(
                lock(shard).sessions_of(owner).filter(|it| after.is_none_or(|at| *it > at)),
            );
        }
        found.sort_unstable();
        found.truncate(limit);
        Ok(found.into_iter().map(|(since_ms, key)| Entry { key, since_ms }).collect())
    }
}

/// Shard by shard, and in each by key.
impl Scan for MemoryStore {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let (shard, after) = match from {
            None => (0, None),
            Some(cursor) => place(cursor).ok_or_else(foreign)?,
        };
        let shard_of = lock(&self.0.shards[shard]);
        let mut keys: Vec<_> =
            shard_of.keys().filter(|key| after.is_none_or(|at| *key > at)).collect();
        keys.sort_unstable();
        let more = keys.len() > limit;
        keys.truncate(limit.max(1));
        let found =
            keys.iter().filter_map(|key| Some((*key, Ok(shard_of.get(key).map(Packed::loaded)?))));
        let found = found.collect();
        let next = match keys.last() {
            Some(last) if more => Some((shard, Some(*last))),
            _ if shard + 1 < SHARDS => Some((shard + 1, None)),
            _ => None,
        };
        Ok(Page { found, next: next.map(cursor) })
    }
}

/// One byte for the shard, and the last key that was shown of it.
fn cursor((shard, after): (usize, Option<StoreKey>)) -> Cursor {
    let mut bytes = vec![shard as u8];
    bytes.extend(after.iter().flat_map(StoreKey::as_bytes));
    Cursor::from_bytes(bytes)
}

fn foreign() -> StoreError {
    StoreError::new(StoreErrorKind::Unsupported).with_source("the cursor is none of this store's")
}

fn place(cursor: &Cursor) -> Option<(usize, Option<StoreKey>)> {
    let (&shard, after) = cursor.as_bytes().split_first()?;
    let after = match after {
        [] => None,
        bytes => Some(StoreKey::from_bytes(bytes.try_into().ok()?)),
    };
    (usize::from(shard) < SHARDS).then_some((usize::from(shard), after))
}
