//! What a caller waits for a store on a server, alone and with fifteen others.

use std::{
    error::Error,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use dewar::store::{Store, StoreError, WriteId};
use tokio::runtime::Runtime;

use crate::{
    measure::{any, figure},
    record::{key, now_ms, record},
};

/// The bytes of a session.
pub const BYTES: usize = 200;

/// Callers at once.
const CALLERS: u64 = 16;

/// Each figure is measured so often, by turns with the others.
const ROUNDS: u64 = 7;

/// Calls of one caller alone in a round, and of each of several.
const ALONE: u64 = 1000;
const EACH: u64 = 200;

/// Between two rounds the server does what it has put off.
const REST: Duration = Duration::from_millis(100);

/// What the server itself does with the same rows, asked by nothing but its driver.
pub trait Bare: Sync {
    /// Reads the row of the session.
    fn read(&self, number: u64) -> impl Future<Output = Result<(), Box<dyn Error>>> + Send;

    /// Reads it, and writes the same bytes again; gives the time that the write alone took, in µs.
    fn write(&self, number: u64) -> impl Future<Output = Result<f64, Box<dyn Error>>> + Send;
}

/// Makes `sessions` of them, 256 at once.
pub fn fill(
    runtime: &Runtime,
    store: &(impl Store + Clone),
    sessions: u64,
    now_of: impl Fn(u64) -> u64,
) -> Result<(), Box<dyn Error>> {
    for first in (0..sessions).step_by(256) {
        let make = |number| {
            let (store, now_ms) = (store.clone(), now_of(number));
            runtime.spawn(async move {
                store.create(&key(number), &record(number, 0, now_ms, BYTES)).await.map(drop)
            })
        };
        let tasks: Vec<_> = (first..sessions.min(first + 256)).map(make).collect();
        for task in tasks {
            runtime.block_on(task)??;
        }
    }
    Ok(())
}

/// Prints the p50 of each verb. Whatever else the machine does only adds to it, so of several rounds
/// the lowest counts.
pub fn measure<S: Store + Clone>(
    runtime: &Runtime,
    table: &str,
    sessions: u64,
    store: &S,
    bare: &impl Bare,
) -> Result<(), Box<dyn Error>> {
    let store = Arc::new(Verbs { store: store.clone(), sessions, now_ms: now_ms() });
    let names = ["load_us", "update_us", "16_load_us", "16_update_us"].map(|name| ("dewar", name));
    let names = [&names[..], &[("server", "load_us"), ("server", "update_us")]].concat();
    let mut lowest = vec![f64::INFINITY; names.len()];
    for round in 0..ROUNDS {
        let waits = [
            together(runtime, &store, 1, ALONE, round, false)?,
            together(runtime, &store, 1, ALONE, round, true)?,
            together(runtime, &store, CALLERS, EACH, round, false)?,
            together(runtime, &store, CALLERS, EACH, round, true)?,
            runtime.block_on(alone(bare, sessions, round, false))?,
            runtime.block_on(alone(bare, sessions, round, true))?,
        ];
        for (lowest, waits) in lowest.iter_mut().zip(waits) {
            *lowest = lowest.min(p50(waits));
        }
        thread::sleep(REST);
    }
    for ((store, name), value) in names.into_iter().zip(lowest) {
        figure(table, store, sessions, name, value);
    }
    Ok(())
}

struct Verbs<S> {
    store: S,
    sessions: u64,
    now_ms: u64,
}

impl<S: Store> Verbs<S> {
    /// So many calls, one after the other.
    async fn call(
        &self,
        draws: std::ops::Range<u64>,
        writes: bool,
    ) -> Result<Vec<f64>, StoreError> {
        let mut waits = Vec::new();
        for draw in draws {
            let number = any(self.sessions, draw);
            let (key, next) = (key(number), record(number, 0, self.now_ms + draw, BYTES));
            let start = Instant::now();
            if writes {
                self.store.update(&key, WriteId::new(0), &next).await?;
            } else {
                self.store.load(&key).await?;
            }
            waits.push(start.elapsed().as_secs_f64() * 1e6);
        }
        Ok(waits)
    }
}

/// So many callers at once, each one call after the other.
fn together<S: Store>(
    runtime: &Runtime,
    verbs: &Arc<Verbs<S>>,
    callers: u64,
    each: u64,
    round: u64,
    writes: bool,
) -> Result<Vec<f64>, Box<dyn Error>> {
    let call = |caller: u64| {
        let (verbs, first) = (Arc::clone(verbs), (round * callers + caller) * each);
        runtime.spawn(async move { verbs.call(first..first + each, writes).await })
    };
    let tasks: Vec<_> = (0..callers).map(call).collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(runtime.block_on(task)??);
    }
    Ok(all)
}

/// The same by one caller, without a store.
async fn alone(
    bare: &impl Bare,
    sessions: u64,
    round: u64,
    writes: bool,
) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut waits = Vec::new();
    for draw in round * ALONE..(round + 1) * ALONE {
        let number = any(sessions, draw);
        if writes {
            waits.push(bare.write(number).await?);
        } else {
            let start = Instant::now();
            bare.read(number).await?;
            waits.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(waits)
}

fn p50(mut waits: Vec<f64>) -> f64 {
    waits.sort_unstable_by(f64::total_cmp);
    waits.get(waits.len() / 2).copied().unwrap_or(f64::NAN)
}
