//! What it costs that Redis tells of expired sessions: the server's processor time for each key, and how
//! long others wait meanwhile.
//!
//! ```text
//! cargo run --release -p dewar-stores --features redis --example redis_sweep URL [SESSIONS]
//! ```
//!
//! Take a server that has nothing else: a sweep walks through all of it. The sessions are forgotten in
//! the end.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use dewar::{
    StoreKey,
    store::{Record, Store, StoreError, Sweep, WriteId, Writes},
};
use dewar_stores::redis::RedisStore;
use redis::aio::MultiplexedConnection;

const HOUR_MS: u64 = 3_600_000;

/// As many as `keep_swept` asks for at once.
const BATCH: usize = 1000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next().ok_or("name the server: redis://127.0.0.1:6379")?;
    let sessions = words.next().and_then(|word| word.parse().ok()).unwrap_or(100_000);
    let open = || RedisStore::builder(&url).tell_expired(Duration::from_secs(600)).connect();
    let (store, other) = (open().await?, open().await?);
    let mut server = redis::Client::open(&*url)?.get_multiplexed_async_connection().await?;

    let now_ms = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let keys = Arc::new(fill(&store, sessions, now_ms).await?);
    println!("{sessions} sessions");
    println!("{:<36} {:>8} {:>8} {:>8}", "a caller's loads, ms", "p50", "p99", "longest");
    let ends = Arc::new(AtomicBool::new(false));
    let alone = tokio::spawn(loads(other.clone(), Arc::clone(&keys), Arc::clone(&ends)));
    tokio::time::sleep(Duration::from_secs(3)).await;
    ends.store(true, Ordering::Relaxed);
    print_waits("without a sweep", alone.await??);

    let none = measured(&store, &mut server, now_ms, usize::MAX).await?;
    beside(&store, &other, &keys, now_ms, usize::MAX, "beside one that finds nothing").await?;
    let late_ms = now_ms + 3 * HOUR_MS;
    let past = measured(&store, &mut server, late_ms, sessions / 2 / BATCH * BATCH).await?;
    beside(&store, &other, &keys, late_ms, usize::MAX, "beside one that forgets all").await?;
    println!("{:<36} {:>8} {:>8} {:>8}", "a sweep alone", "s", "CPU s", "µs a key");
    none.print("finds nothing", sessions);
    past.print("forgets half", sessions / 2);
    Ok(())
}

struct Cost {
    took: Duration,
    cpu_s: f64,
}

impl Cost {
    fn print(&self, what: &str, keys: usize) {
        let (took, each) = (self.took.as_secs_f64(), self.cpu_s * 1e6 / keys as f64);
        println!("{what:<36} {took:>8.2} {:>8.3} {each:>8.2}", self.cpu_s);
    }
}

async fn measured(
    store: &RedisStore,
    server: &mut MultiplexedConnection,
    now_ms: u64,
    most: usize,
) -> Result<Cost, Box<dyn Error>> {
    let (start, before) = (Instant::now(), cpu_s(server).await?);
    sweep(store, now_ms, most).await?;
    let took = start.elapsed();
    Ok(Cost { took, cpu_s: cpu_s(server).await? - before })
}

/// As `keep_swept` does, until nothing is left, or `most` are forgotten.
async fn sweep(store: &RedisStore, now_ms: u64, most: usize) -> Result<(), StoreError> {
    let mut forgotten = 0;
    while forgotten < most {
        let some = store.sweep(now_ms, BATCH).await?.forgotten;
        forgotten += some;
        if some < BATCH {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

async fn beside(
    store: &RedisStore,
    other: &RedisStore,
    keys: &Arc<Vec<StoreKey>>,
    now_ms: u64,
    most: usize,
    what: &str,
) -> Result<(), Box<dyn Error>> {
    let ends = Arc::new(AtomicBool::new(false));
    let caller = tokio::spawn(loads(other.clone(), Arc::clone(keys), Arc::clone(&ends)));
    sweep(store, now_ms, most).await?;
    ends.store(true, Ordering::Relaxed);
    print_waits(what, caller.await??);
    Ok(())
}

fn print_waits(what: &str, mut waits: Vec<Duration>) {
    waits.sort_unstable();
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!("{what:<36} {:>8.3} {:>8.3} {:>8.3}", at(0.5), at(0.99), at(1.0));
}

/// One load after the other, with a connection of its own.
async fn loads(
    store: RedisStore,
    keys: Arc<Vec<StoreKey>>,
    ends: Arc<AtomicBool>,
) -> Result<Vec<Duration>, StoreError> {
    let mut waits = Vec::new();
    for key in keys.iter().cycle() {
        let start = Instant::now();
        store.load(key).await?;
        waits.push(start.elapsed());
        if ends.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(waits)
}

/// The processor time of the server so far.
async fn cpu_s(server: &mut MultiplexedConnection) -> Result<f64, Box<dyn Error>> {
    let info: String = redis::cmd("INFO").arg("cpu").query_async(server).await?;
    let field = |name: &str| -> Result<f64, Box<dyn Error>> {
        let value = info.lines().find_map(|line| line.strip_prefix(name));
        Ok(value.ok_or("INFO says nothing of it")?.trim().parse()?)
    };
    Ok(field("used_cpu_user:")? + field("used_cpu_sys:")?)
}

/// So many sessions of 300 bytes, for two hours.
async fn fill(
    store: &RedisStore,
    sessions: usize,
    now_ms: u64,
) -> Result<Vec<StoreKey>, Box<dyn Error>> {
    let record = Record {
        owner: None,
        created_ms: now_ms,
        idle_deadline_ms: now_ms + 2 * HOUR_MS,
        absolute_deadline_ms: now_ms + 24 * HOUR_MS,
        writes: Writes::first(WriteId::new(1)),
        data: vec![b'x'; 300],
    };
    let mut keys = Vec::with_capacity(sessions);
    while keys.len() < sessions {
        let mut made = Vec::new();
        for _ in 0..200.min(sessions - keys.len()) {
            let mut key = [0; 32];
            getrandom::fill(&mut key)?;
            let (key, store, record) = (StoreKey::from_bytes(key), store.clone(), record.clone());
            made.push(tokio::spawn(async move { store.create(&key, &record).await }));
            keys.push(key);
        }
        for create in made {
            create.await??;
        }
    }
    Ok(keys)
}
