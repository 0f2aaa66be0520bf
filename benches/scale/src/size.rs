//! Sessions of other sizes: what a byte costs.

use std::{error::Error, fs, path::Path};

use dewar::store::{MemoryStore, Store, WriteId};
use dewar_stores::sqlite::{Durability, SqliteStore};
use tokio::runtime::Builder;

use crate::{
    measure::{any, cpu_ns, figure, use_up},
    record::{key, now_ms, record},
};

const SESSIONS: u64 = 100;

pub fn run(bytes: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let file = folder.join("size.db");
    measure("memory", &MemoryStore::new(), bytes)?;
    let store = SqliteStore::builder(&file).durability(Durability::Normal).open()?;
    measure("sqlite", &store, bytes)?;
    drop(store);
    fs::remove_file(file)?;
    Ok(())
}

fn measure(name: &str, store: &impl Store, bytes: u64) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().build()?;
    let (now_ms, len) = (now_ms(), usize::try_from(bytes)?);
    for number in 0..SESSIONS {
        runtime.block_on(store.create(&key(number), &record(number, 0, now_ms, len)))?;
    }
    let calls = (20_000_000 / (bytes + 10_000)).clamp(20, 2000);
    let load_ns = cpu_ns(calls, |draw| {
        let key = key(any(SESSIONS, draw));
        use_up(runtime.block_on(store.load(&key)).expect("a sound store"));
    });
    figure("size", name, bytes, "load_us", load_ns / 1e3);
    let records: Vec<_> = (0..SESSIONS).map(|number| record(number, 0, now_ms, len)).collect();
    let update_ns = cpu_ns(calls, |draw| {
        let number = any(SESSIONS, draw);
        let (key, next) = (key(number), &records[number as usize]);
        let call = store.update(&key, WriteId::new(0), next);
        use_up(runtime.block_on(call).expect("a sound store"));
    });
    figure("size", name, bytes, "update_us", update_ns / 1e3);
    Ok(())
}
