//! The verbs of each store, one call after the other, with a record of 100 bytes.
//!
//! What many callers at once share, a sync above all, is not seen here: `sqlite_rate`, an example of
//! `dewar-stores`, measures that.

mod quick;

use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};

use criterion::{BenchmarkGroup, BenchmarkId, measurement::WallTime};
use dewar::{
    StoreKey,
    store::{Created, Loaded, MemoryStore, Record, Store, WriteId, Writes, Written},
};
use dewar_benches::SESSION;
use dewar_stores::sqlite::{Durability, SqliteStore};
use tokio::runtime::Runtime;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = quick::quick();
    let runtime = quick::runtime();
    // On the disk that the build uses: a temporary folder may be memory, where a sync is nothing.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("store");
    let _ = std::fs::remove_dir_all(&folder);
    let sqlite =
        |name, durability| SqliteStore::builder(folder.join(name)).durability(durability).open();
    let mut group = criterion.benchmark_group("store");
    verbs(&mut group, &runtime, "memory", MemoryStore::new);
    let store = sqlite("normal.db", Durability::Normal)?;
    verbs(&mut group, &runtime, "sqlite normal", || store.clone());
    let store = sqlite("full.db", Durability::Full)?;
    verbs(&mut group, &runtime, "sqlite full", || store.clone());
    group.finish();
    criterion.final_summary();
    drop(store);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn verbs<S: Store>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    name: &str,
    new: impl Fn() -> S,
) {
    let (store, key, mut record) = (new(), key(0), record());
    let created = runtime.block_on(store.create(&key, &record));
    assert_eq!(created.expect("an answer"), Created::Done);
    group.bench_function(BenchmarkId::new("load", name), |b| {
        quick::measure(b, runtime, async || {
            let loaded = store.load(&key).await.expect("an answer");
            assert!(matches!(loaded, Loaded::Live(_)));
        });
    });
    group.bench_function(BenchmarkId::new("update", name), |b| {
        quick::measure(b, runtime, async || {
            let expected = record.version();
            record.writes = record.writes.and(WriteId::new(expected.get() + 1));
            let written = store.update(&key, expected, &record).await.expect("an answer");
            assert_eq!(written, Written::Done);
        });
    });
    let mut next = 1;
    group.bench_function(BenchmarkId::new("create", name), |b| {
        b.iter_custom(|times| runtime.block_on(create(&new, &record, &mut next, times)));
    });
}

/// A store in memory begins anew every 10,000 records, or the figure would be that of a full one.
async fn create<S: Store>(
    new: impl Fn() -> S,
    record: &Record,
    next: &mut u64,
    times: u64,
) -> Duration {
    let mut took = Duration::ZERO;
    for part in (0..times).step_by(10_000) {
        let store = new();
        let start = Instant::now();
        for _ in part..times.min(part + 10_000) {
            let created = store.create(&key(*next), record).await.expect("an answer");
            assert_eq!(created, Created::Done);
            *next += 1;
        }
        took += start.elapsed();
    }
    took
}

/// Spread over all keys, as the hashes of ids are.
fn key(n: u64) -> StoreKey {
    let mut bytes = [0; 32];
    for (chunk, factor) in bytes.chunks_exact_mut(8).zip([0x9E37_79B9_7F4A_7C15, 3, 5, 7_u64]) {
        chunk.copy_from_slice(&n.wrapping_mul(factor).to_be_bytes());
    }
    StoreKey::from_bytes(bytes)
}

fn record() -> Record {
    Record {
        owner: None,
        created_ms: 1_800_000_000_000,
        idle_deadline_ms: 1_800_007_200_000,
        absolute_deadline_ms: 1_800_604_800_000,
        writes: Writes::first(WriteId::new(1)),
        data: SESSION.as_bytes().to_vec(),
    }
}
