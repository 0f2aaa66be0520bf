//! Custom store: a store of one's own, here an append-only log, and a program whose sessions it keeps.
//!
//! The state of a key is the last line about it; only the sweep takes lines away. One mutex makes
//! each call whole, as the contract asks: `tests/custom_store.rs` proves it with dewar's kit.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, routing::get};
use dewar::{
    Session, SessionLayer, StoreKey, SystemClock, ValueError,
    store::{
        Created, GRACE, Loaded, Moved, Reached, Record, Store, StoreError, Sweep, Swept, WriteId,
        Written, keep_swept,
    },
};
use dewar_examples::failure::Failure;
use tokio::net::TcpListener;

/// Lines of a log, oldest first; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<(StoreKey, Loaded)>>>);

impl Log {
    fn open(&self) -> Lines<'_> {
        Lines(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The log while nobody else reads or writes it.
struct Lines<'a>(MutexGuard<'a, Vec<(StoreKey, Loaded)>>);

impl Lines<'_> {
    fn last(&self, key: &StoreKey) -> Loaded {
        let line = self.0.iter().rev().find(|(of, _)| of == key);
        line.map_or(Loaded::Nothing, |(_, state)| state.clone())
    }

    fn append<T>(&mut self, key: &StoreKey, state: Loaded, answer: T) -> T {
        self.0.push((*key, state));
        answer
    }

    /// Puts `new` in the place of the live record, if that is of the version `expected`.
    fn replace(&mut self, key: &StoreKey, expected: WriteId, new: Loaded) -> Written {
        match self.last(key) {
            Loaded::Live(now) if now.version() != expected => Written::Conflict(now),
            Loaded::Live(_) => self.append(key, new, Written::Done),
            Loaded::Moved(moved) => Written::Moved(moved),
            Loaded::Ended { .. } | Loaded::Nothing => Written::Gone,
        }
    }
}

impl Store for Log {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        Ok(self.open().last(key))
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        let mut lines = self.open();
        Ok(match lines.last(key) {
            Loaded::Nothing => lines.append(key, Loaded::Live(record.clone()), Created::Done),
            Loaded::Ended { .. } => Created::Ended,
            Loaded::Live(_) | Loaded::Moved(_) => Created::Exists,
        })
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        Ok(self.open().replace(key, expected, Loaded::Live(record.clone())))
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        let mut lines = self.open();
        Ok(match lines.last(key) {
            Loaded::Live(mut now) => {
                // Never beyond the absolute deadline, and never sooner than before.
                let wanted = idle_deadline_ms.min(now.absolute_deadline_ms);
                now.idle_deadline_ms = now.idle_deadline_ms.max(wanted);
                lines.append(key, Loaded::Live(now), Reached::Done)
            }
            Loaded::Moved(moved) => Reached::Moved(moved),
            Loaded::Ended { .. } | Loaded::Nothing => Reached::Gone,
        })
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        let mut lines = self.open();
        let (reached, until_ms) = match lines.last(key) {
            Loaded::Live(_) => (Reached::Done, until_ms),
            Loaded::Moved(moved) => return Ok(Reached::Moved(moved)),
            Loaded::Ended { until_ms: before } => (Reached::Gone, until_ms.max(before)),
            Loaded::Nothing => (Reached::Gone, until_ms),
        };
        // What was never there is ended too: whoever creates it too late learns so.
        Ok(lines.append(key, Loaded::Ended { until_ms }, reached))
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        Ok(self.open().replace(old, expected, Loaded::Moved(moved)))
    }
}

impl Sweep for Log {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        let mut lines = self.open();
        let (mut past, mut expired): (Vec<StoreKey>, Vec<StoreKey>) = (Vec::new(), Vec::new());
        for (key, _) in lines.0.iter() {
            let deadline_ms = match lines.last(key) {
                Loaded::Live(record) => record.deadline_ms(),
                Loaded::Moved(Moved { until_ms, .. }) | Loaded::Ended { until_ms } => until_ms,
                Loaded::Nothing => continue,
            };
            let over = deadline_ms.saturating_add(GRACE.as_millis() as u64) < now_ms;
            if over && past.len() < limit && !past.contains(key) {
                past.push(*key);
                if matches!(lines.last(key), Loaded::Live(_)) && deadline_ms > 0 {
                    expired.push(*key);
                }
            }
        }
        lines.0.retain(|(key, _)| !past.contains(key));
        Ok(Swept { forgotten: past.len(), expired })
    }
}

async fn count(session: Session) -> Result<String, ValueError> {
    Ok(format!("visit {}\n", session.incr("count", 1)?))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let (key, log) = (dewar::key_from_env("SECRET_KEY")?, Log::default());
    let sessions = SessionLayer::server(key, log.clone()).loopback_development().build()?;
    tokio::spawn(keep_swept(log, SystemClock, Duration::from_secs(60)));
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    println!("Open http://127.0.0.1:5000/");
    axum::serve(listener, Router::new().route("/", get(count)).layer(sessions)).await?;
    Ok(())
}
