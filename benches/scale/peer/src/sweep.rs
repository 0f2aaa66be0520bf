//! Its `delete_expired` while another task writes.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, task::JoinHandle};
use tower_sessions_core::{ExpiredDeletion, SessionStore};
use tower_sessions_sqlx_store::SqliteStore;

use crate::{
    measure::{Waits, any, figure},
    record::record,
    sqlite::{KINDS, fill, open, remove},
};

const LIVE: u64 = 1000;
const PAUSE: Duration = Duration::from_millis(1);
const ALONE: Duration = Duration::from_secs(3);

pub fn run(rows: u64, folder: &str) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for kind in KINDS {
        let file = format!("{folder}/peer.db");
        runtime.block_on(async {
            let store = SqliteStore::new(open(&file, kind).await?);
            store.migrate().await?;
            fill(&file, 0..LIVE, 24 * 3600).await?;
            fill(&file, LIVE..LIVE + rows, -24 * 3600).await?;
            sweep(kind.name, rows, &store).await
        })?;
        remove(&file);
    }
    Ok(())
}

async fn sweep(name: &str, rows: u64, store: &SqliteStore) -> Result<(), Box<dyn Error>> {
    let writer = Writer::start(store);
    tokio::time::sleep(ALONE).await;
    writer.stop("alone", name, rows).await?;

    let writer = Writer::start(store);
    let start = Instant::now();
    store.delete_expired().await?;
    figure("sweep", name, rows, "seconds", start.elapsed().as_secs_f64());
    writer.stop("sweep", name, rows).await?;

    let start = Instant::now();
    store.delete_expired().await?;
    figure("sweep", name, rows, "empty_ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// A task that writes to the live sessions until it is stopped.
struct Writer {
    stopped: Arc<AtomicBool>,
    task: JoinHandle<(Waits, f64)>,
}

impl Writer {
    fn start(store: &SqliteStore) -> Self {
        let (store, stopped) = (store.clone(), Arc::new(AtomicBool::new(false)));
        let task = tokio::spawn({
            let stopped = Arc::clone(&stopped);
            async move {
                let (mut waits, mut failed) = (Waits::default(), 0.0);
                for draw in 0.. {
                    let next = record(any(LIVE, draw), 24 * 3600, draw);
                    let start = Instant::now();
                    failed += f64::from(u8::from(store.save(&next).await.is_err()));
                    waits.add(start);
                    if stopped.load(Ordering::Relaxed) {
                        break;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                (waits, failed)
            }
        });
        Self { stopped, task }
    }

    async fn stop(self, table: &str, name: &str, rows: u64) -> Result<(), Box<dyn Error>> {
        self.stopped.store(true, Ordering::Relaxed);
        let (waits, failed) = self.task.await?;
        figure(table, name, rows, "failed", failed);
        waits.print(table, name, rows);
        Ok(())
    }
}
