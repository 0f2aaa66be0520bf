//! How many sessions a second move from one SQLite file to another: `migrate_rate [SESSIONS] [BYTES]`.

use std::{env, error::Error, fs, time::Instant};

use dewar::{
    StoreKey,
    store::{Record, Store, WriteId, Writes},
};
use dewar_stores::{
    migrate::{Migrating, Migration},
    sqlite::{Durability, SqliteStore},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1).map(|it| it.parse::<usize>());
    let sessions = arguments.next().transpose()?.unwrap_or(20_000);
    let bytes = arguments.next().transpose()?.unwrap_or(200);
    for durability in [Durability::Full, Durability::Normal] {
        let folder = env::temp_dir().join(format!("dewar-migrate-rate-{}", std::process::id()));
        let open = |name| SqliteStore::builder(folder.join(name)).durability(durability).open();
        let (old, new) = (open("old.db")?, open("new.db")?);
        fill(&old, sessions, bytes).await?;
        let start = Instant::now();
        let done = Migration::new(Migrating::new(old, new)).run().await?;
        let rate = done.carried as f64 / start.elapsed().as_secs_f64();
        println!("{durability:?}: {} sessions of {bytes} bytes, {rate:.0} a second", done.carried);
        fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

async fn fill(store: &SqliteStore, sessions: usize, bytes: usize) -> Result<(), Box<dyn Error>> {
    let record = Record {
        owner: None,
        created_ms: 1,
        idle_deadline_ms: u64::MAX,
        absolute_deadline_ms: u64::MAX,
        writes: Writes::first(WriteId::new(1)),
        data: vec![b'x'; bytes],
    };
    let mut waiting = Vec::new();
    for number in 0..sessions as u64 {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let (store, record) = (store.clone(), record.clone());
        waiting.push(tokio::spawn(async move {
            store.create(&StoreKey::from_bytes(key), &record).await
        }));
        if waiting.len() == 500 {
            for one in waiting.drain(..) {
                one.await??;
            }
        }
    }
    for one in waiting {
        one.await??;
    }
    Ok(())
}
