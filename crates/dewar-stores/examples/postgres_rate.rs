//! How many calls a second one Postgres bears, and what each costs of this process' processor time.
//!
//! ```text
//! cargo run --release -p dewar-stores --features postgres --example postgres_rate URL [SECONDS [CONNECTIONS]]
//! ```
//!
//! It works in a schema of its own, `dewar_rate`, and leaves it there.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use dewar::{
    StoreKey,
    store::{Record, Store, StoreError, WriteId, Writes},
};
use dewar_stores::postgres::PostgresStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next().ok_or("name the server: postgres://user@host/database")?;
    let seconds = words.next().and_then(|word| word.parse().ok()).unwrap_or(2.0);
    let connections = words.next().and_then(|word| word.parse().ok()).unwrap_or(2);
    let builder = PostgresStore::builder(&url).schema("dewar_rate").connections(connections);
    let store = builder.connect().await?;
    println!("{:>7} {:>8} {:>10} {:>12}", "callers", "verb", "per second", "CPU µs each");
    for callers in [1, 32] {
        for verb in [Verb::Load, Verb::Update, Verb::Both] {
            let span = Duration::from_secs_f64(seconds);
            let (rate, cpu_us) = rate(&store, verb, callers, span).await?;
            println!("{callers:>7} {:>8} {rate:>10.0} {cpu_us:>12.2}", format!("{verb:?}"));
        }
    }
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
    store: &PostgresStore,
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
async fn call(store: PostgresStore, verb: Verb, span: Duration) -> Result<u32, StoreError> {
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
