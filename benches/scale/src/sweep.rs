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

use dewar::store::{GRACE, Store, StoreError, Sweep, WriteId, sweep_through};
use dewar_stores::{
    postgres::{PostgresStore, SynchronousCommit},
    sqlite::{Durability, SqliteStore},
};
use dewar_testdata::postgres::Postgres;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tokio_postgres::NoTls;

use crate::{
    calls,
    measure::{Waits, any, figure},
    record::{key, now_ms, record},
};

/// Sessions that live on, and are written to.
const LIVE: u64 = 1000;

/// Between two calls of the task that writes.
const PAUSE: Duration = Duration::from_millis(1);

/// So long it writes without a sweep, to tell the disk's own pauses.
const ALONE: Duration = Duration::from_secs(6);

pub fn sqlite(rows: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let file = folder.join("sweep.db");
    for (name, durability) in [("dewar", Durability::Full), ("dewar NORMAL", Durability::Normal)] {
        let runtime = runtime()?;
        let store = SqliteStore::builder(&file).durability(Durability::Normal).open()?;
        fill(&runtime, &store, rows)?;
        drop(store);
        let store = SqliteStore::builder(&file).durability(durability).open()?;
        runtime.block_on(sweep(name, rows, &store))?;
        drop(store);
        fs::remove_file(&file)?;
    }
    Ok(())
}

/// On a server that waits for the disk. (Redis forgets by itself, so nothing sweeps there.)
pub fn postgres(rows: u64) -> Result<(), Box<dyn Error>> {
    let server = Postgres::start_durable().ok_or("Postgres is not installed")?;
    let runtime = runtime()?;
    let url = server.url();
    let builder = PostgresStore::builder(&url).synchronous_commit(SynchronousCommit::Off);
    let store = runtime.block_on(builder.connect())?;
    fill(&runtime, &store, rows)?;
    drop(store);
    runtime.block_on(async {
        let (client, line) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(line);
        // What filling it has put off is none of the sweep's.
        client.batch_execute("VACUUM (ANALYZE) dewar.sessions").await?;
        client.batch_execute("CHECKPOINT").await?;
        sweep("dewar Postgres", rows, &PostgresStore::connect(&url).await?).await
    })
}

fn runtime() -> Result<Runtime, Box<dyn Error>> {
    Ok(Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn fill(runtime: &Runtime, store: &(impl Store + Clone), rows: u64) -> Result<(), Box<dyn Error>> {
    let (now_ms, day_ms) = (now_ms(), 24 * 60 * 60 * 1000);
    let now_of = |number| if number < LIVE { now_ms } else { now_ms - day_ms };
    calls::fill(runtime, store, rows + LIVE, now_of)
}

async fn sweep<S>(name: &str, rows: u64, store: &S) -> Result<(), Box<dyn Error>>
where
    S: Store + Sweep + Clone,
{
    let now_ms = now_ms();
    let writer = Writer::start(store, now_ms);
    tokio::time::sleep(ALONE).await;
    writer.stop("alone", name, rows).await?;

    let past_ms = now_ms + u64::try_from(GRACE.as_millis())?;
    let writer = Writer::start(store, now_ms);
    let start = Instant::now();
    let mut swept = 0;
    // As `keep_swept` and `dewar sessions purge` do.
    sweep_through(store, past_ms, |batch| swept += batch.forgotten as u64).await?;
    figure("sweep", name, rows, "seconds", start.elapsed().as_secs_f64());
    figure("sweep", name, rows, "left", rows as f64 - swept as f64);
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
    fn start(store: &(impl Store + Clone), now_ms: u64) -> Self {
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
