//! How many calls a second one file bears, and what each costs of the processor.
//!
//! ```text
//! cargo run --release -p dewar-stores --features sqlite --example sqlite_rate [FOLDER [SECONDS]]
//! ```
//!
//! The processor's time is that of the whole process, so that of the writer's thread too, and that
//! of this program: about a microsecond per call.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use cpu_time::ProcessTime;
use dewar::{
    StoreKey,
    store::{Record, Store, StoreError, WriteId, Writes},
};
use dewar_stores::sqlite::{Durability, SqliteStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args_os().skip(1);
    let folder = words.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = words.next().and_then(|word| word.to_str()?.parse().ok()).unwrap_or(2.0);
    let folder = folder.join(format!("dewar-rate-{}", std::process::id()));
    println!(
        "{:<10} {:>7} {:>8} {:>10} {:>12}",
        "durability", "callers", "verb", "per second", "CPU µs each"
    );
    for durability in [Durability::Full, Durability::Normal] {
        let path = folder.join(format!("{durability:?}.db"));
        let store = SqliteStore::builder(path).durability(durability).open()?;
        for callers in [1, 16, 32] {
            for verb in [Verb::Load, Verb::Update, Verb::Both] {
                let span = Duration::from_secs_f64(seconds);
                let (rate, cpu_us) = rate(&store, verb, callers, span).await?;
                println!(
                    "{:<10} {callers:>7} {:>8} {rate:>10.0} {cpu_us:>12.2}",
                    format!("{durability:?}"),
                    format!("{verb:?}"),
                );
            }
        }
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verb {
    Load,
    Update,
    /// As a request does that reads and writes: it counts once.
    Both,
}

async fn rate(
    store: &SqliteStore,
    verb: Verb,
    callers: u8,
    span: Duration,
) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let (start, cpu) = (Instant::now(), ProcessTime::now());
    let mut tasks = Vec::new();
    for _ in 0..callers {
        tasks.push(tokio::spawn(call(store.clone(), verb, span)));
    }
    let mut calls = 0;
    for task in tasks {
        calls += task.await??;
    }
    let calls = f64::from(calls);
    Ok((calls / start.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64() * 1e6 / calls))
}

/// One visitor: a session of 300 bytes, written or read over and over.
async fn call(store: SqliteStore, verb: Verb, span: Duration) -> Result<u32, StoreError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(StoreError::unavailable)?;
    let key = StoreKey::from_bytes(key);
    let mut writes = Writes::first(WriteId::new(0));
    store.create(&key, &record(writes)).await?;
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < span {
        if verb != Verb::Update {
            drop(store.load(&key).await?);
        }
        if verb != Verb::Load {
            let expected = writes.newest();
            writes = writes.and(WriteId::new(u64::from(calls) + 1));
            store.update(&key, expected, &record(writes)).await?;
        }
        calls += 1;
        // A read needs no waiting, and others want their turn.
        tokio::task::yield_now().await;
    }
    Ok(calls)
}

fn record(writes: Writes) -> Record {
    Record {
        owner: None,
        created_ms: 1_800_000_000_000,
        idle_deadline_ms: 1_800_007_200_000,
        absolute_deadline_ms: 1_800_604_800_000,
        writes,
        data: vec![b'x'; 300],
    }
}
