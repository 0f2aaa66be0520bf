//! How many updates and loads a second one file bears.
//!
//! ```text
//! cargo run --release -p dewar-stores --features sqlite --example sqlite_rate [FOLDER]
//! ```

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use dewar::{
    StoreKey,
    store::{Record, Store, StoreError, WriteId, Writes},
};
use dewar_stores::sqlite::{Durability, SqliteStore};

const FOR: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("dewar-rate-{}", std::process::id()));
    println!("{:<12} {:>8} {:>10} {:>12}", "durability", "callers", "verb", "per second");
    for durability in [Durability::Full, Durability::Normal] {
        let path = folder.join(format!("{durability:?}.db"));
        let store = SqliteStore::builder(path).durability(durability).open()?;
        for callers in [1, 32] {
            for verb in [Verb::Update, Verb::Load] {
                let rate = rate(&store, verb, callers).await?;
                println!("{:<12} {callers:>8} {verb:>10?} {rate:>12.0}", format!("{durability:?}"));
            }
        }
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Update,
    Load,
}

async fn rate(
    store: &SqliteStore,
    verb: Verb,
    callers: u8,
) -> Result<f64, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..callers {
        tasks.push(tokio::spawn(call(store.clone(), verb)));
    }
    let mut calls = 0;
    for task in tasks {
        calls += task.await??;
    }
    Ok(f64::from(calls) / start.elapsed().as_secs_f64())
}

/// One visitor: a session of 300 bytes, written or read over and over.
async fn call(store: SqliteStore, verb: Verb) -> Result<u32, StoreError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(StoreError::unavailable)?;
    let key = StoreKey::from_bytes(key);
    let mut writes = Writes::first(WriteId::new(0));
    store.create(&key, &record(writes)).await?;
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < FOR {
        match verb {
            Verb::Load => drop(store.load(&key).await?),
            Verb::Update => {
                let expected = writes.newest();
                writes = writes.and(WriteId::new(u64::from(calls) + 1));
                store.update(&key, expected, &record(writes)).await?;
            }
        }
        calls += 1;
    }
    Ok(calls)
}

fn record(writes: Writes) -> Record {
    Record {
        owner: None,
        created_ms: 0,
        idle_deadline_ms: u64::MAX,
        absolute_deadline_ms: u64::MAX,
        writes,
        data: vec![b'x'; 300],
    }
}
