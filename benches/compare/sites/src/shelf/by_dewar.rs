//! dewar's store.

use std::{error::Error, io, time::SystemTime};

use dewar::{
    StoreKey,
    store::{Created, MemoryStore, Record, Store, WriteId, Writes},
};
use tokio::runtime::{Builder, Runtime};

const HOUR_MS: u64 = 60 * 60 * 1000;

struct Shelf {
    store: MemoryStore,
    runtime: Runtime,
    began_ms: u64,
}

pub(super) fn shelf(room: usize) -> Result<impl super::Shelf, Box<dyn Error>> {
    let began = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Shelf {
        // Expired sessions count until they are forgotten: what is past and what begins.
        store: MemoryStore::with_capacity(2 * room),
        runtime: Builder::new_current_thread().build()?,
        began_ms: began.as_millis() as u64,
    })
}

impl super::Shelf for Shelf {
    fn keep(&mut self, generation: u32) -> Result<(), Box<dyn Error>> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let created_ms = self.began_ms + u64::from(generation) * 3 * HOUR_MS;
        // As many writes as a record ever remembers: that of a session in use.
        let writes = (1..Writes::KEPT as u64)
            .fold(Writes::first(WriteId::new(0)), |writes, write| writes.and(WriteId::new(write)));
        let record = Record {
            owner: None,
            created_ms,
            idle_deadline_ms: created_ms + 2 * HOUR_MS,
            absolute_deadline_ms: created_ms + 7 * 24 * HOUR_MS,
            writes,
            data: super::SESSION.into(),
        };
        match self.runtime.block_on(self.store.create(&StoreKey::from_bytes(key), &record))? {
            Created::Done => Ok(()),
            refused => Err(format!("a new session was not kept: {refused:?}").into()),
        }
    }
}
