//! The store: calls in, answers out.

use std::{fmt, sync::Arc, time::Duration};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Loaded, Moved, Reached, Record, Store, StoreError, StoreErrorKind,
        WriteId, Written,
    },
};
use redis::Value;

use super::{
    builder::RedisStoreBuilder,
    error::OpenError,
    expiry,
    fault::Fault,
    form,
    link::Confirm,
    options::Options,
    request::{Answer, Request},
    route::Route,
    script::{Script, Scripts},
    sweep::Walk,
};

/// Sessions in Redis or Valkey; clones share it.
#[derive(Clone)]
pub struct RedisStore(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) options: Arc<Options>,
    pub(super) route: Route,
    pub(super) scripts: Scripts,
    /// How far the sweeps have come: one at a time, and the next one goes on.
    pub(super) walk: tokio::sync::Mutex<Walk>,
}

impl RedisStore {
    /// Connects to one node, with the default options: `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or
    /// `rediss://…` for TLS.
    ///
    /// # Errors
    /// If it cannot be reached or refuses the user; see [`OpenError`].
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        Self::builder(url).connect().await
    }

    /// The options for this URL.
    pub fn builder(url: &str) -> RedisStoreBuilder {
        RedisStoreBuilder::of_url(url)
    }

    /// The options for this node, or for what [`sentinel`](RedisStoreBuilder::sentinel) and
    /// [`cluster`](RedisStoreBuilder::cluster) name instead.
    pub fn at(host: impl Into<String>, port: u16) -> RedisStoreBuilder {
        RedisStoreBuilder::of_node(host.into(), port)
    }

    /// What stands under this key is asked of a script.
    async fn ask(
        &self,
        script: &Script,
        key: &StoreKey,
        arguments: &[&[u8]],
        confirm: Option<Confirm>,
    ) -> Result<Answer, StoreError> {
        let name = self.0.name(key);
        let request = Request::script(script, &name, self.0.route.slot(&name), arguments, true);
        let answer = self.0.call(&request.confirmed(confirm)).await?;
        Answer::of(answer).ok_or_else(|| Fault::Strange.into_error(true))
    }

    /// Puts `value` in the place of the live record whose version is `expected`.
    async fn replace(
        &self,
        key: &StoreKey,
        expected: WriteId,
        value: &[u8],
        deadline_ms: u64,
        confirm: Option<Confirm>,
    ) -> Result<Written, StoreError> {
        let (expected, at) = (form::expected(expected), self.0.at(key, deadline_ms));
        let arguments = [value, at.as_bytes(), &expected, flag(confirm)];
        match self.ask(&self.0.scripts.replace, key, &arguments, confirm).await? {
            Answer::Number(1) => Ok(Written::Done),
            Answer::Number(_) => Ok(Written::Gone),
            Answer::Value(there) => Ok(match form::loaded(key, &there)? {
                Loaded::Live(there) => Written::Conflict(there),
                Loaded::Moved(moved) => Written::Moved(moved),
                _ => Written::Gone,
            }),
        }
    }
}

impl Inner {
    /// The name of a session's key.
    pub(super) fn name(&self, key: &StoreKey) -> Vec<u8> {
        [&self.options.prefix[..], key.as_bytes()].concat()
    }

    /// How long after its deadline Redis forgets this key.
    pub(super) fn margin_ms(&self, key: &StoreKey) -> u64 {
        expiry::margin_ms(key, self.options.kept_longer_ms())
    }

    /// The argument `PXAT` of what ends at this moment.
    fn at(&self, key: &StoreKey, deadline_ms: u64) -> String {
        expiry::at(key, deadline_ms, self.options.kept_longer_ms())
    }

    pub(super) fn confirm_ends(&self) -> Option<Confirm> {
        self.options.confirm()
    }

    fn confirm_writes(&self) -> Option<Confirm> {
        self.options.confirm().filter(|_| self.options.strict_writes)
    }
}

/// As scripts read it.
pub(super) fn flag(confirm: Option<Confirm>) -> &'static [u8] {
    if confirm.is_some() { b"1" } else { b"0" }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("strict", &self.0.options.strict)
            .field("timeout", &self.0.options.timeout)
            .finish_non_exhaustive()
    }
}

impl Store for RedisStore {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        let name = self.0.name(key);
        match self.0.call(&Request::read("GET", &name, self.0.route.slot(&name))).await? {
            Value::Nil => Ok(Loaded::Nothing),
            Value::BulkString(value) => Ok(form::loaded(key, &value)?),
            _ => Err(Fault::Strange.into_error(false)),
        }
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        let confirm = self.0.confirm_writes();
        let (value, at) = (form::live(key, record), self.0.at(key, record.deadline_ms()));
        let arguments = [&value[..], at.as_bytes(), flag(confirm)];
        match self.ask(&self.0.scripts.create, key, &arguments, confirm).await? {
            Answer::Number(1) => Ok(Created::Done),
            Answer::Value(there) => Ok(match form::loaded(key, &there)? {
                // Of an attempt whose answer was lost.
                Loaded::Live(there)
                    if there.writes.contains(record.version()) && confirm.is_some() =>
                {
                    Created::Done
                }
                Loaded::Ended { .. } => Created::Ended,
                _ => Created::Exists,
            }),
            Answer::Number(_) => Err(StoreError::new(StoreErrorKind::OutcomeUnknown)),
        }
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        let confirm = self.0.confirm_writes();
        let value = form::live(key, record);
        match self.replace(key, expected, &value, record.deadline_ms(), confirm).await? {
            // Of an attempt whose answer was lost.
            Written::Conflict(there)
                if confirm.is_some() && there.writes.contains(record.version()) =>
            {
                Ok(Written::Done)
            }
            // It may be what came after ours, in which ours is not seen any more: the core finds out.
            Written::Conflict(there) if confirm.is_some() && !there.writes.contains(expected) => {
                Err(StoreError::new(StoreErrorKind::OutcomeUnknown))
            }
            Written::Moved(_) if confirm.is_some() => {
                Err(StoreError::new(StoreErrorKind::OutcomeUnknown))
            }
            written => Ok(written),
        }
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        let (moment, margin) = (idle_deadline_ms.to_be_bytes(), self.0.margin_ms(key).to_string());
        let arguments = [&moment[..], margin.as_bytes()];
        match self.ask(&self.0.scripts.touch, key, &arguments, None).await? {
            Answer::Number(1) => Ok(Reached::Done),
            Answer::Number(_) => Ok(Reached::Gone),
            Answer::Value(there) => match form::loaded(key, &there)? {
                Loaded::Moved(moved) => Ok(Reached::Moved(moved)),
                Loaded::Ended { .. } | Loaded::Nothing => Ok(Reached::Gone),
                // The script saw a damage that is not there: somebody else's work.
                Loaded::Live(_) => Err(StoreError::new(StoreErrorKind::Unavailable)),
            },
        }
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        let confirm = self.0.confirm_ends();
        let (value, at) = (form::ended(key, until_ms), self.0.at(key, until_ms));
        let arguments = [&value[..], at.as_bytes(), flag(confirm)];
        let name = self.0.name(key);
        let slot = self.0.route.slot(&name);
        let request = Request::script(&self.0.scripts.delete, &name, slot, &arguments, true);
        let request = request.confirmed(confirm).repeated_by_caller();
        match Answer::of(self.0.call(&request).await?) {
            Some(Answer::Number(1)) => Ok(Reached::Done),
            Some(Answer::Number(_)) => Ok(Reached::Gone),
            Some(Answer::Value(there)) => match form::loaded(key, &there)? {
                Loaded::Moved(moved) => Ok(Reached::Moved(moved)),
                _ => Err(StoreError::new(StoreErrorKind::Unavailable)),
            },
            None => Err(Fault::Strange.into_error(true)),
        }
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        let value = form::moved(old, &moved);
        match self.replace(old, expected, &value, moved.until_ms, self.0.confirm_ends()).await? {
            // Of an attempt whose answer was lost.
            Written::Moved(there) if there == moved && self.0.options.strict.is_some() => {
                Ok(Written::Done)
            }
            written => Ok(written),
        }
    }

    /// Of a strict store: [`timeout`](RedisStoreBuilder::timeout).
    fn answers_within(&self) -> Option<Duration> {
        self.0.options.strict.map(|_| self.0.options.timeout)
    }

    fn boxed(self) -> BoxStore {
        match self.0.options.tell_expired {
            Some(_) => BoxStore::full(self),
            None => BoxStore::without_sweep(self),
        }
    }
}
