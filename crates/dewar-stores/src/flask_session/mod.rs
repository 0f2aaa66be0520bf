//! Live sessions shared with Flask-Session 0.8: its records, its keys, its cookie.
//!
//! ```no_run
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! use dewar_stores::flask_session::FlaskSessionStore;
//!
//! let store = FlaskSessionStore::redis("redis://127.0.0.1:6379").await?;
//! # let key = dewar::random_bytes(32)?;
//! let sessions = dewar::SessionLayer::flask_session(key, store).build()?;
//! # drop(sessions);
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//!  load ───────────────▶ read both ─▶ record + note ─▶ what the contract calls it
//!  create, update, … ──▶ read both ─▶ decide ─▶ swap, if both are still as they were read
//!                          │                        └ if not: again
//!                          ├ session:<id>             Flask-Session's record, nothing of ours in it
//!                          └ dewar:session:<hash>     our note: owner, deadlines, writes, rotation; or
//!                                                     a tombstone, or a marker
//! ```
//!
//! # What holds
//!
//! - **Among programs of dewar everything the contract promises.** Each verb is one atomic step on the
//!   record and its note.
//! - **What Flask-Session writes is seen**, as a write like any other: a record that differs from what
//!   the note remembers has a new version, its hash.
//! - **A record without a note is a live session of Flask-Session.** Its expiry is its deadline.
//! - **An unknown id opens nothing.** A new one is drawn, as Flask-Session does since 0.7.
//! - **A pickled record is never decoded**, and left as it is.
//!
//! # What does not hold
//!
//! A request of Flask-Session loads the whole session and writes the whole session back. What is
//! written here in between is lost, and a session that was ended here in between is there again for
//! Flask-Session. It is not for dewar, as long as the tombstone stays.
//!
//! A record is gone at its deadline, not five minutes later: Flask-Session looks at no deadline, the
//! store's expiry is all that ends its sessions.
//!
//! # Leaving Flask-Session
//!
//! [`Scan`](dewar::store::Scan) shows what is live, so `dewar sessions migrate --from
//! flask-session+redis://… --to URL` moves it to any other store of dewar; in a program,
//! `Migrating::with_keys` does, with [`hashed`] between the keys. Each browser goes on with its cookie: on
//! the new store the layer is [`SessionLayer::flask_session`](dewar::SessionLayer::flask_session) with
//! [`Hashed`] around it, and `Hashed::migrating` around both while sessions move. Pickles stay where they
//! are.

mod codec;
mod hashed;
mod look;
mod note;
#[cfg(feature = "postgres")]
mod postgres;
mod redis;
mod scan;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;

pub use codec::{Contents, Format, Unreadable, Unwritable, write};
pub use hashed::{Hashed, hashed};
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
pub use redis::{OpenError, Redis};
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use store::Sabotage;
pub use store::{FlaskSessionStore, Table};
