//! Databases that keep dewar's sessions: each is a [`Store`](dewar::store::Store), behind a feature
//! of its own.
//!
//! | feature | store | for |
//! |---|---|---|
//! | `postgres` | `postgres::PostgresStore` | one database, any number of machines |
//! | `redis` | `redis::RedisStore` | Redis or Valkey: one node, Sentinel, Cluster |
//! | `sqlite` | `sqlite::SqliteStore` | one file, one machine, any number of processes |
//!
//! [`url`] names a store by a URL, for configurations that choose one at run time.
//!
//! A store knows no cookie and no key. What it keeps is bytes under the hash of a session's id.

#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod url;
