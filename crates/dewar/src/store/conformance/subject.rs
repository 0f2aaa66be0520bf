//! The store under examination, and the words in which cases speak to it.

use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex},
};

use super::{
    chance::Chance,
    executor::{Client, answering, join, lock, wait_turns},
};
use crate::{
    id::StoreKey,
    store::{Created, Loaded, Moved, Reached, Record, Store, StoreError, WriteId, Writes, Written},
};

/// What a case found: nothing to complain about, or this.
pub(super) type Finding<T = ()> = Result<T, String>;

/// Where concurrent clients run: by default, each on a thread of its own.
pub(super) type Spawn = Arc<dyn Fn(Client) + Send + Sync>;

pub(super) const MINUTE_MS: u64 = 60_000;
pub(super) const HOUR_MS: u64 = 60 * MINUTE_MS;

/// How several clients are run at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// On one task, with turns in a random order: what goes wrong at an await, each time.
    Joined,
    /// On threads or tasks of their own: what goes wrong between two locks.
    Spawned,
}

impl Way {
    pub(super) const ALL: [Self; 2] = [Self::Joined, Self::Spawned];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Joined => "on one task",
            Self::Spawned => "spawned",
        })
    }
}

/// A fresh store, and what a case needs to examine it.
pub(super) struct Subject<S> {
    pub(super) store: Arc<S>,
    /// The present, in Unix milliseconds.
    pub(super) now_ms: u64,
    /// How often a race is run.
    pub(super) rounds: usize,
    pub(super) chance: Mutex<Chance>,
    pub(super) spawn: Spawn,
}

impl<S: Store> Subject<S> {
    pub(super) fn key(&self) -> StoreKey {
        StoreKey::from_bytes(lock(&self.chance).bytes())
    }

    pub(super) fn write(&self) -> WriteId {
        WriteId::new(lock(&self.chance).number())
    }

    pub(super) fn below(&self, end: usize) -> usize {
        lock(&self.chance).below(end)
    }

    /// A record of one write, alive for two hours of use and a week at most.
    pub(super) fn record(&self, data: impl Into<Vec<u8>>) -> Record {
        Record {
            owner: None,
            created_ms: self.now_ms,
            idle_deadline_ms: self.now_ms + 2 * HOUR_MS,
            absolute_deadline_ms: self.now_ms + 7 * 24 * HOUR_MS,
            writes: Writes::first(self.write()),
            data: data.into(),
        }
    }

    /// The record after one more write.
    pub(super) fn next(&self, record: &Record, data: impl Into<Vec<u8>>) -> Record {
        let writes = record.writes.and(self.write());
        Record { writes, data: data.into(), ..record.clone() }
    }

    /// A marker that points somewhere and lasts ten minutes.
    pub(super) fn marker(&self) -> Moved {
        Moved { to: self.key(), until_ms: self.tombstone_ms() }
    }

    pub(super) fn tombstone_ms(&self) -> u64 {
        self.now_ms + 10 * MINUTE_MS
    }

    /// A session that is there.
    pub(super) async fn live(&self) -> Finding<(StoreKey, Record)> {
        let record = self.record("cart: 3 pears");
        Ok((self.created(&record).await?, record))
    }

    /// This record under a new key.
    pub(super) async fn created(&self, record: &Record) -> Finding<StoreKey> {
        let key = self.key();
        same("create of a new key", self.create(&key, record).await?, Created::Done)?;
        Ok(key)
    }

    /// A session that has ended.
    pub(super) async fn ended(&self) -> Finding<(StoreKey, Record)> {
        let (key, record) = self.live().await?;
        let reached = self.delete(&key, self.tombstone_ms()).await?;
        same("delete of a live session", reached, Reached::Done)?;
        Ok((key, record))
    }

    /// A session that goes on elsewhere.
    pub(super) async fn moved(&self) -> Finding<(StoreKey, Record, Moved)> {
        let (key, record) = self.live().await?;
        let moved = self.marker();
        let written = self.supersede(&key, record.version(), moved).await?;
        same("supersede of a live session", written, Written::Done)?;
        Ok((key, record, moved))
    }

    pub(super) async fn load(&self, key: &StoreKey) -> Finding<Loaded> {
        self.store.load(key).await.map_err(|error| failed("load", &error))
    }

    pub(super) async fn create(&self, key: &StoreKey, record: &Record) -> Finding<Created> {
        self.store.create(key, record).await.map_err(|error| failed("create", &error))
    }

    pub(super) async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Finding<Written> {
        let written = self.store.update(key, expected, record).await;
        written.map_err(|error| failed("update", &error))
    }

    pub(super) async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Finding<Reached> {
        let reached = self.store.touch(key, idle_deadline_ms).await;
        reached.map_err(|error| failed("touch", &error))
    }

    pub(super) async fn delete(&self, key: &StoreKey, until_ms: u64) -> Finding<Reached> {
        self.store.delete(key, until_ms).await.map_err(|error| failed("delete", &error))
    }

    pub(super) async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Finding<Written> {
        let written = self.store.supersede(old, expected, moved).await;
        written.map_err(|error| failed("supersede", &error))
    }

    pub(super) async fn load_live(&self, key: &StoreKey) -> Finding<Record> {
        match self.load(key).await? {
            Loaded::Live(record) => Ok(record),
            other => Err(format!("load of a live session: found {other:?}")),
        }
    }

    /// The state of a key is this and nothing else.
    pub(super) async fn holds(&self, what: &str, key: &StoreKey, expected: Loaded) -> Finding {
        same(what, self.load(key).await?, expected)
    }

    /// Lets the others go first for a while, so that every run has another order.
    pub(super) async fn linger(&self) {
        wait_turns(self.below(4)).await;
    }

    /// Runs all clients at once; the first complaint ends the case.
    pub(super) async fn at_once<T: Send + 'static>(
        &self,
        way: Way,
        clients: Vec<Client<Finding<T>>>,
    ) -> Finding<Vec<T>> {
        if way == Way::Joined {
            let chance = Chance(lock(&self.chance).number());
            return join(clients, chance).await.into_iter().collect();
        }
        let mut answers = Vec::new();
        for client in clients {
            let (client, answer) = answering(client);
            (self.spawn)(client);
            answers.push(answer);
        }
        let mut found = Vec::new();
        for answer in answers {
            found.push(answer.read().await.ok_or("a call panicked")?);
        }
        found.into_iter().collect()
    }
}

/// A complaint unless both are equal.
#[expect(clippy::needless_pass_by_value, reason = "cases compare what they have just made")]
pub(super) fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Finding {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    if found == expected {
        return Err(format!("{what}: the data or the owner differs in {found}"));
    }
    Err(format!("{what}: found {found}, expected {expected}"))
}

/// A complaint unless `holds`.
pub(super) fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err(complaint()) }
}

pub(super) fn failed(verb: &str, error: &StoreError) -> String {
    let mut text = format!("{verb}: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
