//! Sessions in one SQLite file, for any number of processes on one machine.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use dewar_stores::sqlite::SqliteStore;
//!
//! # let folder = std::env::temp_dir().join(format!("dewar-doc-{}", std::process::id()));
//! # let path = folder.join("sessions.db");
//! let store = SqliteStore::open(path)?;
//! # let key = dewar::random_bytes(32)?;
//! let sessions = dewar::SessionLayer::server(key, store).build()?;
//! # drop(sessions);
//! # std::fs::remove_dir_all(folder)?;
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//!  load ──▶ a connection that is free, on the caller's thread ──▶ answer
//!             └ locked, or slow lately ──▶ the patient reader ──▶ answer
//!
//!  create, update, touch,  ──▶ queue ──▶ the writer: BEGIN, all that waits, COMMIT (sync) ──▶ answers
//!  delete, supersede, sweep                    └ a long log ──▶ the copier: log ──▶ database
//! ```
//!
//! # What holds
//!
//! - **Acknowledged means synced**, with [`Durability::Full`]: an answer leaves after the
//!   transaction that it stands in was written through to the disk. All callers that wait share one
//!   such write, so many cost hardly more than one.
//! - **A reader never waits for a writer**; the file is in WAL mode.
//! - **Faults are answered, not waited out.** A locked file, a full disk, a failing device: each call
//!   gets a [`StoreError`](dewar::store::StoreError) within the time that
//!   [`busy_timeout`](SqliteStoreBuilder::busy_timeout) gives, and the store works again as soon as
//!   the file does. A file that was replaced is opened anew. A sweep alone, which has time, waits as
//!   long as the log is being copied.
//! - The file is for one machine: WAL needs shared memory, so no network file system.
//!
//! # What does not hold
//!
//! A slow read is found out by reading. The first ones wait on their callers' threads, at most four
//! at once; after them, reads go to the patient reader until it has read quickly again.
//!
//! The longest such wait is SQLite's own. If another process is stopped just while it holds the locks
//! in `-shm` that a read needs, commonly for microseconds, SQLite tries again 100 times, whatever
//! `busy_timeout` says: five times at once, then after 1 µs, and from the tenth on after
//! 39 µs · (*n* − 9)², together about 10 seconds. Then the read fails with
//! [`Unavailable`](dewar::store::StoreErrorKind::Unavailable). The patient reader meets the same
//! pauses, but holds up no caller's thread.
//!
//! No async runtime is needed, and any may be used.

mod checkpoint;
mod connect;
mod dues;
mod fault;
mod log;
mod open;
mod queue;
mod readers;
mod reply;
mod row;
mod schema;
mod show;
mod store;
mod table;
mod transaction;
mod verbs;
mod writer;

pub use log::empty_log;
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use open::Sabotage;
pub use open::{Durability, OpenError, SqliteStoreBuilder};
pub use store::SqliteStore;
