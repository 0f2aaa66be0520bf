//! From one store to another while the application runs: nobody is logged out, nothing is lost.
//!
//! [`Migrating`] is two stores as one, for every node of the application. [`Migration`] walks the
//! old store beside it and moves what nobody asks for.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = std::env::temp_dir().join(format!("dewar-migrate-{}", std::process::id()));
//! # let key = dewar::random_bytes(32)?;
//! # #[cfg(feature = "sqlite")] {
//! use dewar_stores::{migrate::{Migrating, Migration}, sqlite::SqliteStore};
//!
//! let old = SqliteStore::open(folder.join("old.db"))?;
//! let new = SqliteStore::open(folder.join("new.db"))?;
//! let both = Migrating::new(old, new);
//! // Every node:
//! let sessions = dewar::SessionLayer::server(key, both.clone()).build()?;
//! // One process, or more:
//! let done = Migration::new(both)
//!     .checkpoint(folder.join("migration"), "sqlite:old.db", "sqlite:new.db")
//!     .run()
//!     .await?;
//! println!("{} carried over, {} were there already", done.carried, done.already_there);
//! # drop(sessions); std::fs::remove_dir_all(folder)?; }
//! # Ok(()) }
//! ```
//!
//! # The order of things
//!
//! 1. If nodes are changed one after the other: each gets [`Migrating::standing_by`], which leaves
//!    sessions where nodes that know the old store alone find them. If all are changed at once, skip this.
//! 2. When no node is left that knows the old store alone, each gets [`Migrating::new`].
//! 3. [`Migration::run`], until it is done. It may be stopped and killed, and goes on.
//! 4. When [`Progress::routes_until_ms`] has passed, each node gets the new store alone; then the old
//!    one may go. Both may be in use at once while the nodes are changed: nothing is live in the old
//!    one.
//!
//! To go back, migrate to another, empty store: the old one still holds the marks of what was carried
//! over, and is refused.
//!
//! # What holds
//!
//! - **A session is in one store.** As long as it is live in the old store, that one decides; once it is
//!   carried over, the new one alone. So any node may look, at any moment.
//! - **It moves when it is first written,** or when the sweep comes to it: `create` in the new store
//!   with all that it is (owner, moments, writes, contents), then `supersede` in the old one by a
//!   *mark*, a marker that names its own key. That is one step, and is refused if anything was written
//!   meanwhile: then the copy is brought up to date first. A load moves nothing.
//! - **Only what is marked is written in the new store.** So a write, a rotation and a logout are
//!   answered when the old store can no longer show the session: not after a restart, and not after the
//!   new one has forgotten a tombstone or a marker.
//! - **A crash between any two calls leaves the session whole.** Before the mark the old record counts
//!   and the copy is a copy; after it the copy is the session. Whoever comes next finishes.
//! - **Markers and tombstones of the old store are followed where they lie,** and a copy that was left
//!   halfway is ended or superseded before they are told to anybody. They are not carried over: they
//!   last minutes.
//! - **A user's sessions are found throughout.** A session is noted in the new store before it is
//!   created there, and lists ask the old store first.
//!
//! Each of these is shown by the examination that every store has to pass (`dewar::store::conformance`)
//! over both stores, wherever a session begins, and by twenty thousand random schedules of nodes, sweeps, failing
//! calls and calls that are dropped halfway.
//!
//! # What does not hold
//!
//! - A node that knows the old store alone, beside one that moves sessions, cannot serve what has moved:
//!   it answers 503 and keeps the cookie, until another node answers. That is what standing by is for.
//! - A call that is held up for longer than a tombstone stays in the new store (10 minutes by default, and
//!   the grace) could copy what has ended meanwhile. Copies are made of what was read within a minute, and
//!   the session layer gives up long before.
//! - What was carried over is as safe as an acknowledged write of the new store. If that may lose writes
//!   when it fails over, it may lose what came in those moments, and the old one no longer has it.

mod carry;
mod checkpoint;
mod error;
mod keys;
mod migrating;
mod migration;
mod patience;
mod progress;
mod recent;
mod show;

use std::time::UNIX_EPOCH;

use dewar::Clock;

pub use carry::CarriedOver;
pub use error::MigrationError;
pub use keys::KeyMap;
pub use migrating::Migrating;
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use migrating::Sabotage;
pub use migration::Migration;
pub use progress::Progress;

fn unix_millis(clock: &dyn Clock) -> u64 {
    let since = clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
