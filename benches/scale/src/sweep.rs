//! So many expired rows are swept while another task writes.

use std::{
    error::Error,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use dewar::store::{GRACE, Store, StoreError, Sweep, WriteId};
use dewar_stores::sqlite::{Durability, SqliteStore};
use tokio::{runtime::Builder, task::JoinHandle};

use crate::{
    measure::{Waits, any, figure},
    record::{key, now_ms, record},
};

/// Sessions that live on, and are written to.
const LIVE: u64 = 1000;

/// Between two calls of the task that writes.
const PAUSE: Duration = Duration::from_millis(1);

/// So long it writes without a sweep, to tell the disk's own pauses.
const ALONE: Duration = Duration::from_secs(3);

pub fn run(rows: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let file = folder.join("sweep.db");
    for (name, durability) in [("dewar", Durability::Full), ("dewar NORMAL", Durability::Normal)] {
        fill(rows, &file)?;
        let store = SqliteStore::builder(&file).durability(durability).open()?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
        runtime.block_on(sweep(name, rows, &store))?;
        drop(store);
        fs::remove_file(&file)?;
    }
    Ok(())
}

fn fill(rows: u64, file: &Path) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_multi_thread().worker_threads(1).build()?;
    let store = SqliteStore::builder(file).durability(Durability::Normal).open()?;
    let (now_ms, day_ms) = (now_ms(), 24 * 60 * 60 * 1000);
    let all = rows + LIVE;
    for first in (0..all).step_by(256) {
        let make = |number| {
            let store = store.clone();
            let now_ms = if number < LIVE { now_ms } else { now_ms - day_ms };
            runtime.spawn(async move {
                store.create(&key(number), &record(number, 0, now_ms, 200)).await.map(drop)
            })
        };
        let tasks: Vec<_> = (first..all.min(first + 256)).map(make).collect();
        for task in tasks {
            runtime.block_on(task)??;
        }
    }
    Ok(())
}

async fn sweep(name: &str, rows: u64, store: &SqliteStore) -> Result<(), Box<dyn Error>> {
    let now_ms = now_ms();
    let writer = Writer::start(store, now_ms);
    tokio::time::sleep(ALONE).await;
    writer.stop("alone", name, rows).await?;

    let past_ms = now_ms + u64::try_from(GRACE.as_millis())?;
    let writer = Writer::start(store, now_ms);
    let start = Instant::now();
    let swept = store.sweep(past_ms, usize::MAX).await?.forgotten;
    figure("sweep", name, rows, "seconds", start.elapsed().as_secs_f64());
    figure("sweep", name, rows, "left", (rows - swept as u64) as f64);
    writer.stop("sweep", name, rows).await?;

    let start = Instant::now();
    store.sweep(past_ms, usize::MAX).await?;
    figure("sweep", name, rows, "empty_ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// A task that writes to the live sessions until it is stopped.
struct Writer {
    stopped: Arc<AtomicBool>,
    task: JoinHandle<Result<Waits, StoreError>>,
}

impl Writer {
    fn start(store: &SqliteStore, now_ms: u64) -> Self {
        let (store, stopped) = (store.clone(), Arc::new(AtomicBool::new(false)));
        let task = tokio::spawn({
            let stopped = Arc::clone(&stopped);
            async move {
                let mut waits = Waits::default();
                for draw in 0.. {
                    let number = any(LIVE, draw);
                    let next = record(number, 0, now_ms + draw, 200);
                    let start = Instant::now();
                    store.update(&key(number), WriteId::new(0), &next).await?;
                    waits.add(start);
                    if stopped.load(Ordering::Relaxed) {
                        break;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(waits)
            }
        });
        Self { stopped, task }
    }

    async fn stop(self, table: &str, name: &str, rows: u64) -> Result<(), Box<dyn Error>> {
        self.stopped.store(true, Ordering::Relaxed);
        self.task.await??.print(table, name, rows);
        Ok(())
    }
}
