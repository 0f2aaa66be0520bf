//! Databases that keep dewar's sessions: each is a [`Store`](dewar::store::Store), behind a feature
//! of its own.
//!
//! | feature | store | for |
//! |---|---|---|
//! | `flask-session` | `flask_session::FlaskSessionStore` | live sessions shared with Flask-Session: Redis, and with `postgres` or `sqlite` its SQL table |
//! | `postgres`, `postgres-tls` | `postgres::PostgresStore` | one database, any number of machines |
//! | `redis` | `redis::RedisStore` | Redis or Valkey: one node, Sentinel, Cluster |
//! | `sqlite` | `sqlite::SqliteStore` | one file, one machine, any number of processes |
//!
//! [`url`] names a store by a URL, for configurations that choose one at run time.
//!
//! A store knows no cookie and no key. What it keeps is bytes under the hash of a session's id.
//!
//! # Moving to another store
//!
//! With the feature `migrate`, from any store here to any other, while the application runs: every node
//! gets `migrate::Migrating`, which is both stores as one, and `migrate::Migration` moves what
//! nobody asks for. Nobody is logged out, and it may be killed at any moment. See `migrate` for the
//! order in which nodes are changed.

#[cfg(feature = "flask-session")]
pub mod flask_session;
#[cfg(feature = "migrate")]
pub mod migrate;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod url;
