//! One way to name a store: a URL, read in one place.
//!
//! | URL | store |
//! |---|---|
//! | `memory:` | the memory of this process |
//! | `sqlite:FILE` | one SQLite file; a relative path begins in the working folder |
//! | `redis://[user:password@]host[:port][/database]` | one Redis or Valkey node; `rediss` with TLS |
//! | `redis+sentinel://[user:password@]host[:port],…/service[/database]` | whatever node the Sentinels call master |
//! | `redis+cluster://[user:password@]host[:port],…` | a cluster, found through any of its nodes |
//! | `postgres://[user[:password]@]host[:port],…[/database]` | Postgres; `postgresql` is the same |
//! | `flask-session+redis://[user:password@]host[:port][/database]` | what Flask-Session keeps in Redis |
//! | `flask-session+postgres://[user[:password]@]host[:port][/database]` | what it keeps in Postgres by Flask-SQLAlchemy |
//! | `flask-session+sqlite:FILE` | the same in SQLite |
//!
//! The last three are given session ids instead of hashes: migrate from them, or list what they hold. An
//! application takes `FlaskSessionStore` itself. Their table has to be there; none is made.
//!
//! With `rediss+sentinel` and `rediss+cluster` TLS is spoken, and to Postgres as the option `sslmode`
//! says: `postgres://app@db/app?sslmode=verify-full`. Options follow a `?` as
//! `name=value&name=value`. In a user, a password, a name, a file and a value, `%` and two hex digits
//! stand for a byte; `% / ? # @ :` have to be written so in a user or a password, `% ?` in a file.
//!
//! | store | option | what it says |
//! |---|---|---|
//! | `sqlite` | `durability` | `full` (default) or `normal`: what an answered write survives |
//! | | `busy_timeout_ms` | how long a locked file is waited for; 1500 |
//! | | `queue_length` | how many writes may wait; 1024 |
//! | `redis…` | `prefix` | what every key begins with; `dewar:` |
//! | | `timeout_ms` | how long a call may take; 1500 |
//! | | `tell_expired_s` | keys are kept so much longer for a sweep that tells of their ends; not |
//! | | `strict` | how many replicas confirm what ends a session; none |
//! | | `strict_writes` | `true`: they confirm every write; `false` |
//! | | `tls_root` | the file of the authority's certificate, in PEM; those of the system |
//! | | `sentinel_user`, `sentinel_password` | who asks the Sentinels; nobody |
//! | `postgres` | `schema` | where the tables are; `dewar` |
//! | | `connections` | how many there are at most |
//! | | `connect_timeout_ms`, `answer_timeout_ms` | how long connecting, and a call, may take |
//! | | `synchronous_commit` | as Postgres has it; what the server says |
//! | | `application_name` | how the connections are called; `dewar` |
//! | both `postgres` | `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `channel_binding` | TLS, as libpq has it |
//! | `flask-session+…` | `prefix` | what names begin with; `session:` |
//! | | `format` | `msgpack` (default) or `json`: how records are written |
//!
//! The user of a Redis needs the keys of the prefix (`~dewar:*`) and `+@read +@write +@scripting
//! +@connection +wait +role +info +scan +time`, with Cluster `+cluster`, and a strict store `+config|get`.
//! An application that neither sweeps nor lists sessions does without `+info`; `dewar sessions` needs it.
//!
//! ```
//! use dewar_stores::url::StoreUrl;
//!
//! let url: StoreUrl = "redis://app:s3cret@db.example:6379/2".parse()?;
//! assert_eq!(url.to_string(), "redis://app:***@db.example:6379/2");
//! assert!("redsi://db.example".parse::<StoreUrl>().is_err());
//! # Ok::<(), dewar_stores::url::UrlError>(())
//! ```

mod authority;
mod error;
mod flask;
mod near;
mod open;
mod options;
mod percent;
mod postgres;
mod redis;
mod scheme;
mod show;
mod sqlite;

use std::{path::Path, str::FromStr};

pub use authority::{Host, Login};
pub use error::UrlError;
pub use flask::{FlaskSessionDatabase, FlaskSessionUrl};
pub use open::open;
pub use options::Options;
pub use postgres::PostgresUrl;
pub use redis::{RedisUrl, Topology};
pub use sqlite::SqliteUrl;

use scheme::Scheme;

/// Which store a URL names, and how it is opened. Neither its `Debug` nor its `Display` shows a
/// password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `memory:`
    Memory,
    /// `sqlite:FILE`
    Sqlite(SqliteUrl),
    /// `redis:`, and its kin.
    Redis(RedisUrl),
    /// `postgres:`, and `postgresql:`.
    Postgres(PostgresUrl),
    /// `flask-session+redis:`, `flask-session+postgres:` and `flask-session+sqlite:`.
    FlaskSession(FlaskSessionUrl),
}

impl FromStr for StoreUrl {
    type Err = UrlError;

    /// Reads a URL. It asks nobody, and looks at no file.
    ///
    /// # Errors
    /// If it names no store, or not how it is opened; the error says what to write, and holds no
    /// password.
    fn from_str(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = Scheme::of(url)?;
        match scheme {
            Scheme::Memory if rest.is_empty() => Ok(Self::Memory),
            Scheme::Memory => Err(UrlError::Memory),
            Scheme::Sqlite => SqliteUrl::read(rest).map(Self::Sqlite),
            Scheme::Redis { name, topology, tls } => {
                RedisUrl::read(name, topology, tls, rest).map(Self::Redis)
            }
            Scheme::Postgres { name } => PostgresUrl::read(name, rest).map(Self::Postgres),
            Scheme::FlaskRedis => FlaskSessionUrl::redis(rest).map(Self::FlaskSession),
            Scheme::FlaskPostgres => FlaskSessionUrl::postgres(rest).map(Self::FlaskSession),
            Scheme::FlaskSqlite => FlaskSessionUrl::sqlite(rest).map(Self::FlaskSession),
        }
    }
}

impl StoreUrl {
    /// Whether its sessions are seen by other processes: all but those in memory.
    pub fn is_shared(&self) -> bool {
        !matches!(self, Self::Memory)
    }

    /// Whether the store forgets what is past by itself, and a sweep has nothing to do.
    pub fn forgets_by_itself(&self) -> bool {
        let redis =
            |url: &FlaskSessionUrl| matches!(url.database, FlaskSessionDatabase::Redis { .. });
        match self {
            Self::Redis(_) => true,
            Self::FlaskSession(url) => redis(url),
            Self::Memory | Self::Sqlite(_) | Self::Postgres(_) => false,
        }
    }

    /// The SQLite file that it names, if it names one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(url) => Some(&url.file),
            Self::FlaskSession(FlaskSessionUrl {
                database: FlaskSessionDatabase::Sqlite(file),
                ..
            }) => Some(file),
            _ => None,
        }
    }

    /// Whether its sessions are Flask-Session's, whose keys are ids and not hashes.
    pub fn is_flask_session(&self) -> bool {
        matches!(self, Self::FlaskSession(_))
    }
}
