//! Sessions in Redis or Valkey: one node, Sentinel, or Cluster.
//!
//! ```no_run
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! use dewar_stores::redis::RedisStore;
//!
//! let store = RedisStore::connect("redis://127.0.0.1:6379").await?;
//! # let key = dewar::random_bytes(32)?;
//! let sessions = dewar::SessionLayer::server(key, store).build()?;
//! # drop(sessions);
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//!  load ──────────────▶ GET ─────────────┐
//!                                        ├─▶ the master of the key ─▶ one connection for all
//!  create, update, ───▶ a script by name ┘        │
//!  touch, …             (EVALSHA, one key)        └ strict: a connection of its own, then WAIT
//! ```
//!
//! # What holds
//!
//! - **One key, one value.** A session, a marker and a tombstone are a string under
//!   `{prefix}{key}`, and each verb is one script on one key; so Cluster is no special case.
//! - **Redis forgets by itself**, five to six minutes after the deadline, by its own clock. That is
//!   for tidiness alone: whether a session is over is decided by the application's clock.
//!   Nobody sweeps it, and so nobody tells of a session that expired unless somebody comes with its
//!   cookie; [`tell_expired`](RedisStoreBuilder::tell_expired) changes that.
//! - **It connects anew by itself**, after a restart and after a failover, and asks who is the master
//!   now. A call fails within [`timeout`](RedisStoreBuilder::timeout).
//! - **A damaged value is an error and stays as it is**; [`Corrupt`](dewar::store::StoreErrorKind::Corrupt)
//!   is what every verb that has to read it says.
//!
//! # What a failover can lose
//!
//! Redis copies to its replicas after it has answered. When a master fails, whatever it had
//! acknowledged and not yet copied is lost: commonly the last milliseconds. A master that was cut
//! off goes on acknowledging until it notices, and loses all of that: with Sentinel until
//! `down-after-milliseconds` and the failover are over, and with Cluster for about
//! `cluster-node-timeout`. A lost write may be a logout, and the session then lives on.
//!
//! Measured on one machine, sixty kills each, every second master cut off 300 ms before it died:
//!
//! | | sessions | lost an acknowledged write | lived again after their end |
//! |---|---|---|---|
//! | Cluster, default | 62,304 | 1,894 | 34 |
//! | Cluster, strict | 36,822 | 0 | 0 |
//! | Sentinel, default | 221,245 | 8,965 | 122 |
//! | Sentinel, strict | 39,217 | 0 | 0 |
//!
//! The oldest write that was lost had been acknowledged 0.56 s (Cluster) and 0.50 s (Sentinel) before
//! the master died. CONTRIBUTING.md says how to repeat it.
//!
//! [`strict`](RedisStoreBuilder::strict) closes that window for what ends a session: such a call is
//! acknowledged only after every replica has it, and fails with
//! [`NotReplicated`](dewar::store::StoreErrorKind::NotReplicated) otherwise.
//!
//! What a master that is cut off *shows* may be stale in either case, until it is gone: somebody else's
//! logout may not be there yet. `min-replicas-to-write` stops its writes, and not its reads.
//!
//! # What it costs to be told of expired sessions
//!
//! With [`tell_expired`](RedisStoreBuilder::tell_expired) every sweep walks through all keys, be any of
//! them past or not: 100 in a step, and a rest three times as long as the step took. Writes cost
//! nothing more.
//!
//! Measured in three runs with 10⁵ sessions of 300 bytes, while others were building on both cores: 4.0 to
//! 4.9 µs of the server's processor time for a session that lives, 15 to 18 for one that is forgotten; a
//! walk took 6 to 9 seconds. Loads of another caller took 0.03 ms (p50) with and without it; their p99
//! was 0.2 to 4.1 ms beside it, and 2.7 to 3.4 ms without. CONTRIBUTING.md says how to repeat it.
//!
//! Every node that sweeps walks. One is enough, a second one for when it ends; the others need the
//! option all the same, for what they write.
//!
//! It needs Redis 6.2 or newer, or Valkey, and a tokio runtime: the one it was opened on must live as
//! long as the store.

mod builder;
mod call;
mod cluster;
mod deflate;
mod error;
mod expiry;
mod fault;
mod form;
mod link;
mod options;
mod pack;
mod request;
mod route;
mod scan;
mod script;
mod sentinel;
mod slots;
mod store;
mod sweep;
mod users;
mod varint;

pub use builder::RedisStoreBuilder;
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use builder::Sabotage;
pub use error::OpenError;
pub use store::RedisStore;
