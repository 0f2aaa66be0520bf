//! `MemoryStore`, and what a table of such a size costs whoever keeps it.

use std::error::Error;

use dewar::store::{MemoryStore, Store, WriteId};
use tokio::runtime::Builder;

use crate::{
    measure::{any, cpu_ns, figure, rss_bytes, use_up},
    record::{key, now_ms, record},
    request,
};

const BYTES: usize = 200;
const CALLS: u64 = 100_000;

pub fn run(sessions: u64) -> Result<(), Box<dyn Error>> {
    store(sessions)?;
    machine(sessions);
    Ok(())
}

fn store(sessions: u64) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().build()?;
    let store = MemoryStore::with_capacity(usize::try_from(sessions)?);
    let (now_ms, before) = (now_ms(), rss_bytes());
    runtime.block_on(async {
        for number in 0..sessions {
            store.create(&key(number), &record(number, 0, now_ms, BYTES)).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    let bytes = (rss_bytes() - before) / sessions as f64;
    figure("memory", "dewar", sessions, "bytes", bytes);
    let load_ns = cpu_ns(CALLS, |draw| {
        let key = key(any(sessions, draw));
        use_up(runtime.block_on(store.load(&key)).expect("memory does not fail"));
    });
    figure("memory", "dewar", sessions, "load_ns", load_ns);
    let update_ns = cpu_ns(CALLS, |draw| {
        let number = any(sessions, draw);
        let next = record(number, 0, now_ms + draw, BYTES);
        let written = runtime.block_on(store.update(&key(number), WriteId::new(0), &next));
        use_up(written.expect("memory does not fail"));
    });
    figure("memory", "dewar", sessions, "update_ns", update_ns);
    drop(store);
    let store = MemoryStore::with_capacity(usize::try_from(sessions)?);
    let cookies = request::fill(&runtime, sessions, store.clone())?;
    Ok(request::measure(&runtime, "memory", &cookies, store)?)
}

/// The least that is possible: no keys, no locks, nothing but so many boxes of so many bytes, and
/// one of them copied. What grows here grows in every table.
fn machine(sessions: u64) {
    let fill = |number: u64| vec![number as u8; BYTES + 80].into_boxed_slice();
    let mut boxes: Vec<Box<[u8]>> = (0..sessions).map(fill).collect();
    let at = |draw| any(sessions, draw) as usize;
    let load_ns = cpu_ns(CALLS, |draw| {
        use_up(key(draw));
        use_up(boxes[at(draw)].to_vec());
    });
    figure("memory", "machine", sessions, "load_ns", load_ns);
    let update_ns = cpu_ns(CALLS, |draw| {
        use_up(key(draw));
        boxes[at(draw)] = fill(draw);
    });
    figure("memory", "machine", sessions, "update_ns", update_ns);
}
