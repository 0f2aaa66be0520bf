//! tower-sessions' store.

use std::error::Error;

use tokio::runtime::{Builder, Runtime};
use tower_sessions::{
    MemoryStore, SessionStore,
    cookie::time::{Duration, OffsetDateTime},
    session::{Id, Record},
};

struct Shelf {
    store: MemoryStore,
    runtime: Runtime,
}

pub(super) fn shelf() -> Result<impl super::Shelf, Box<dyn Error>> {
    let runtime = Builder::new_current_thread().build()?;
    Ok(Shelf { store: MemoryStore::default(), runtime })
}

impl super::Shelf for Shelf {
    /// The store looks at the real clock, so a generation's sessions begin as expired as they will
    /// be when the next ones come: it has no other moment to forget them.
    fn keep(&mut self, generation: u32) -> Result<(), Box<dyn Error>> {
        let hours = if generation == 0 { 2 } else { -2 };
        let mut record = Record {
            id: Id::default(),
            data: serde_json::from_str(super::SESSION)?,
            expiry_date: OffsetDateTime::now_utc() + Duration::hours(hours),
        };
        Ok(self.runtime.block_on(self.store.create(&mut record))?)
    }
}
