//! Which sessions a user has: one sorted set each, under `{prefix}u:{owner}`.

use dewar::{
    StoreKey,
    store::{Entry, Owner, StoreError, UserIndex},
};
use redis::Value;

use super::{
    expiry,
    fault::Fault,
    link::text,
    request::Request,
    store::{Inner, RedisStore, flag},
};

/// Scores are floating; beyond this they skip numbers. It is in the year 287,396.
const LATEST_MS: u64 = 1 << 53;

impl Inner {
    fn set(&self, owner: &Owner) -> Vec<u8> {
        [&self.options.prefix[..], b"u:", owner.as_bytes()].concat()
    }
}

/// A moment after the year 287,396 (2⁵³ ms) is noted as that one.
///
/// A set is forgotten [`GRACE`](dewar::store::GRACE) after the latest `until_ms` of its notes, and up
/// to a minute more.
impl UserIndex for RedisStore {
    async fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<(), StoreError> {
        let name = self.0.set(owner);
        let confirm = self.0.confirm_ends();
        let (since, at) = (now_ms.min(LATEST_MS).to_string(), expiry::at(key, until_ms, 0));
        let arguments = [&key.as_bytes()[..], since.as_bytes(), at.as_bytes(), flag(confirm)];
        let slot = self.0.route.slot(&name);
        let request = Request::script(&self.0.scripts.enter, &name, slot, &arguments, true);
        self.0.call(&request.confirmed(confirm).repeated_by_caller()).await.map(drop)
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        let name = self.0.set(owner);
        let arguments = [&key.as_bytes()[..]];
        let request = Request::write("ZREM", &name, self.0.route.slot(&name), &arguments);
        self.0.call(&request).await.map(drop)
    }

    /// # Errors
    /// Also if a note in the set is none of this store's.
    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let name = self.0.set(owner);
        let (since, member) = match &after {
            Some(entry) => (entry.since_ms.min(LATEST_MS), &entry.key.as_bytes()[..]),
            None => (0, &[][..]),
        };
        let (since, limit) = (since.to_string(), limit.to_string());
        let arguments = [since.as_bytes(), member, limit.as_bytes()];
        let slot = self.0.route.slot(&name);
        let script = &self.0.scripts.sessions_of;
        let request = Request::script(script, &name, slot, &arguments, false);
        match self.0.call(&request).await? {
            Value::Array(flat) => flat
                .chunks_exact(2)
                .map(|pair| entry(&pair[0], &pair[1]))
                .collect::<Option<_>>()
                .ok_or_else(|| Fault::Strange.into_error(false)),
            _ => Err(Fault::Strange.into_error(false)),
        }
    }
}

fn entry(member: &Value, score: &Value) -> Option<Entry> {
    let Value::BulkString(member) = member else { return None };
    let key = StoreKey::from_bytes(member.as_slice().try_into().ok()?);
    let since: f64 = text(score).parse().ok()?;
    Some(Entry { key, since_ms: since as u64 })
}
