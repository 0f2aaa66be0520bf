//! Databases that keep dewar's sessions: each is a [`Store`](dewar::store::Store), behind a feature
//! of its own.
//!
//! | feature | store | for |
//! |---|---|---|
//! | `flask-session` | `flask_session::FlaskSessionStore` | live sessions shared with Flask-Session: Redis, and with `sqlite` its SQL table |
//! | `redis` | `redis::RedisStore` | Redis or Valkey: one node, Sentinel, Cluster |
//! | `sqlite` | `sqlite::SqliteStore` | one file, one machine, any number of processes |
//!
//! A store knows no cookie and no key. What it keeps is bytes under the hash of a session's id.

#[cfg(feature = "flask-session")]
pub mod flask_session;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
