//! Its `MemoryStore`.

use std::error::Error;

use tokio::runtime::Builder;
use tower_sessions_core::SessionStore;
use tower_sessions_memory_store::MemoryStore;

use crate::{
    measure::{any, cpu_ns, figure, rss_bytes, use_up},
    record::{id, record},
};

const CALLS: u64 = 100_000;

pub fn run(sessions: u64) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().build()?;
    let store = MemoryStore::default();
    let before = rss_bytes();
    runtime.block_on(async {
        for number in 0..sessions {
            store.create(&mut record(number, 7200, 0)).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    let bytes = (rss_bytes() - before) / sessions as f64;
    figure("memory", "tower-sessions", sessions, "bytes", bytes);
    let load_ns = cpu_ns(CALLS, |draw| {
        let id = id(any(sessions, draw));
        use_up(runtime.block_on(store.load(&id)).expect("memory does not fail"));
    });
    figure("memory", "tower-sessions", sessions, "load_ns", load_ns);
    let update_ns = cpu_ns(CALLS, |draw| {
        let next = record(any(sessions, draw), 7200, draw);
        runtime.block_on(store.save(&next)).expect("memory does not fail");
    });
    figure("memory", "tower-sessions", sessions, "update_ns", update_ns);
    Ok(())
}
