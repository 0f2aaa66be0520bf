//! Its store for SQLite, as its README opens it, and tuned by hand.

use std::error::Error;

use tokio::runtime::{Builder, Runtime};
use tower_sessions_core::SessionStore;
use tower_sessions_sqlx_store::{
    SqliteStore,
    sqlx::{
        Connection, SqliteConnection, SqlitePool, query,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    },
};

use crate::{
    measure::{any, cpu_ns, figure, file_bytes, scatter, use_up},
    record::{id, record},
};

const LOADS: u64 = 2000;
const UPDATES: u64 = 16;
const CALLERS: u64 = 16;

/// What is measured: the defaults, and what a careful reader of SQLite's manual chooses.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    wal: bool,
}

pub const KINDS: [Kind; 2] = [
    Kind { name: "tower-sessions", wal: false },
    Kind { name: "tower-sessions WAL NORMAL", wal: true },
];

pub fn run(sessions: u64, folder: &str) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    for kind in KINDS {
        let file = format!("{folder}/peer.db");
        let store = runtime.block_on(async {
            let pool = open(&file, kind).await?;
            let store = SqliteStore::new(pool.clone());
            store.migrate().await?;
            fill(&file, 0..sessions, 7200).await?;
            Ok::<_, Box<dyn Error>>(store)
        })?;
        let bytes = file_bytes(file.as_ref()) / sessions as f64;
        figure("sqlite", kind.name, sessions, "bytes", bytes);
        measure(&runtime, &store, kind, sessions);
        drop(store);
        remove(&file);
    }
    Ok(())
}

fn measure(runtime: &Runtime, store: &SqliteStore, kind: Kind, sessions: u64) {
    let load_ns = cpu_ns(LOADS, |draw| {
        let id = id(any(sessions, draw));
        use_up(runtime.block_on(store.load(&id)).expect("a sound file"));
    });
    figure("sqlite", kind.name, sessions, "load_us", load_ns / 1e3);
    let mut waiting = Vec::new();
    let update_ns = cpu_ns(CALLERS * UPDATES, |draw| {
        waiting.push(draw);
        if waiting.len() as u64 == CALLERS {
            let tasks: Vec<_> = std::mem::take(&mut waiting)
                .into_iter()
                .map(|draw| {
                    let store = store.clone();
                    runtime.spawn(async move {
                        store.save(&record(any(sessions, draw), 7200, draw)).await
                    })
                })
                .collect();
            for task in tasks {
                runtime.block_on(task).expect("no panic").expect("a sound file");
            }
        }
    });
    figure("sqlite", kind.name, sessions, "update_us", update_ns / 1e3);
}

pub async fn open(file: &str, kind: Kind) -> Result<SqlitePool, Box<dyn Error>> {
    let mut options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    if kind.wal {
        options =
            options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal);
    }
    Ok(SqlitePoolOptions::new().connect_with(options).await?)
}

/// In one transaction: one at a time would take an hour.
pub async fn fill(
    file: &str,
    numbers: std::ops::Range<u64>,
    seconds: i64,
) -> Result<(), Box<dyn Error>> {
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let mut transaction = connection.begin().await?;
    for number in numbers {
        // As the store writes it; its own function for that is not public.
        let jitter = i64::try_from(scatter(number) % 3600)?;
        let record = record(number, seconds - jitter, number);
        query("insert into tower_sessions (id, data, expiry_date) values (?, ?, ?)")
            .bind(record.id.to_string())
            .bind(rmp_serde::to_vec(&record)?)
            .bind(record.expiry_date)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    // So that the size of the file is that of the rows.
    query("pragma wal_checkpoint(truncate)").execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

pub fn remove(file: &str) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let _ = std::fs::remove_file(format!("{file}{end}"));
    }
}
