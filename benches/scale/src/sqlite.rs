//! `SqliteStore`, with the file in the system's page cache.

use std::{error::Error, fs, path::Path, sync::Arc};

use dewar::store::{Store, StoreError, WriteId};
use dewar_stores::sqlite::{Durability, SqliteStore};
use tokio::runtime::{Builder, Runtime};

use crate::{
    measure::{self, any, cpu_ns, figure, file_bytes, use_up},
    record::{key, now_ms, record},
    request,
};

const BYTES: usize = 200;
const LOADS: u64 = 10_000;
const UPDATES: u64 = 16;

/// Callers at once.
const CALLERS: u64 = 16;

pub fn run(sessions: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let file = folder.join("dewar.db");
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let now_ms = now_ms();
    let store = open(&file)?;
    let make = move |store: Arc<SqliteStore>, number: u64| async move {
        if number < sessions {
            store.create(&key(number), &record(number, 0, now_ms, BYTES)).await?;
        }
        Ok(())
    };
    for first in (0..sessions).step_by(256) {
        together(&runtime, &store, first..first + 256, make);
    }
    drop(store);
    figure("sqlite", "dewar", sessions, "bytes", file_bytes(&file) / sessions as f64);

    let store = open(&file)?;
    let load_ns = cpu_ns(LOADS, |draw| {
        let key = key(any(sessions, draw));
        use_up(runtime.block_on(store.load(&key)).expect("a sound file"));
    });
    figure("sqlite", "dewar", sessions, "load_us", load_ns / 1e3);
    let update_ns = cpu_ns(CALLERS * UPDATES * 4, {
        let store = &store;
        let runtime = &runtime;
        let mut waiting = Vec::new();
        move |draw| {
            waiting.push(draw);
            if waiting.len() as u64 == CALLERS {
                let draws = std::mem::take(&mut waiting);
                together(runtime, store, draws, move |store, draw| async move {
                    let number = any(sessions, draw);
                    let next = record(number, 0, now_ms + draw, BYTES);
                    store.update(&key(number), WriteId::new(0), &next).await?;
                    Ok(())
                });
            }
        }
    });
    figure("sqlite", "dewar", sessions, "update_us", update_ns / 1e3);
    drop(store);
    let load_ns = bare_load_ns(&file, sessions)?;
    figure("sqlite", "server", sessions, "load_us", load_ns / 1e3);
    let update_ns = bare_update_ns(&file, sessions)?;
    figure("sqlite", "server", sessions, "update_us", update_ns / 1e3);
    fs::remove_file(&file)?;

    // Opened anew for each, as above: what was filled in is in the file then, and not in its log.
    let open = || SqliteStore::builder(&file).durability(Durability::Normal).open();
    let cookies = request::fill(&runtime, sessions, open()?)?;
    request::measure(&runtime, "sqlite", &cookies, open()?)?;
    fs::remove_file(file)?;
    Ok(())
}

/// The same read of the same file by SQLite and nothing else.
fn bare_load_ns(file: &Path, sessions: u64) -> Result<f64, rusqlite::Error> {
    let connection = rusqlite::Connection::open(file)?;
    let mut select = connection.prepare("SELECT data FROM dewar_sessions WHERE key = ?1")?;
    Ok(cpu_ns(LOADS, |draw| {
        let key = measure::key(any(sessions, draw));
        let data = select.query_row([&key[..]], |row| row.get::<_, Vec<u8>>(0));
        use_up(data.expect("a sound file"));
    }))
}

/// The same updates, 16 in a transaction as the store groups them, copied out of the log likewise.
fn bare_update_ns(file: &Path, sessions: u64) -> Result<f64, rusqlite::Error> {
    let connection = rusqlite::Connection::open(file)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let mut update = connection.prepare("UPDATE dewar_sessions SET data = ?2 WHERE key = ?1")?;
    let ns = cpu_ns(UPDATES * 4, |round| {
        let transaction = connection.unchecked_transaction().expect("a sound file");
        for draw in round * CALLERS..(round + 1) * CALLERS {
            let key = measure::key(any(sessions, draw));
            update.execute((&key[..], &[draw as u8; BYTES][..])).expect("a sound file");
        }
        transaction.commit().expect("a sound file");
    });
    Ok(ns / CALLERS as f64)
}

fn open(file: &Path) -> Result<Arc<SqliteStore>, Box<dyn Error>> {
    Ok(Arc::new(SqliteStore::builder(file).durability(Durability::Normal).open()?))
}

/// All calls at once, as the requests of so many visitors.
fn together<F>(
    runtime: &Runtime,
    store: &Arc<SqliteStore>,
    numbers: impl IntoIterator<Item = u64>,
    call: impl Fn(Arc<SqliteStore>, u64) -> F,
) where
    F: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    let tasks: Vec<_> =
        numbers.into_iter().map(|number| runtime.spawn(call(Arc::clone(store), number))).collect();
    for task in tasks {
        runtime.block_on(task).expect("no panic").expect("a sound file");
    }
}
