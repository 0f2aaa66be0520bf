//! Sessions in a Postgres database, for any number of machines.
//!
//! ```no_run
//! # async fn open() -> Result<(), Box<dyn std::error::Error>> {
//! use dewar_stores::postgres::PostgresStore;
//!
//! let store = PostgresStore::connect("postgres://app:secret@db.internal/shop").await?;
//! # let key = dewar::random_bytes(32)?;
//! let sessions = dewar::SessionLayer::server(key, store).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//!  a verb ──▶ the freest line ──▶ one prepared statement, behind what others just sent ──▶ answer
//!               └ cut, silent, no longer the primary ──▶ connects anew, with ever longer pauses
//! ```
//!
//! # What holds
//!
//! - **One statement and one round trip per verb**, unless somebody else changes the same row at the
//!   same moment: then the statement is asked again. Many calls share a line; none waits for the
//!   answer of the one before.
//! - **Acknowledged means committed**, as durably as `synchronous_commit` says: the server's own
//!   setting, or [`synchronous_commit`](PostgresStoreBuilder::synchronous_commit). With `on`, the
//!   default of Postgres, it is on the disk of the primary, and on that of every standby that
//!   `synchronous_standby_names` asks for.
//! - **A restart or a failover needs nobody.** Lines that break connect anew, and prepare their
//!   statements. A call meanwhile waits for the first attempt; if that fails, calls fail at once with
//!   [`Unavailable`](dewar::store::StoreErrorKind::Unavailable) until an attempt succeeds. That kind
//!   means that nothing was carried out; a write whose connection broke after it was handed over is
//!   [`OutcomeUnknown`](dewar::store::StoreErrorKind::OutcomeUnknown).
//! - **No call hangs.** A line whose server is silent for
//!   [`answer_timeout`](PostgresStoreBuilder::answer_timeout) is cut. A row that somebody else holds
//!   locked, as an operator's open transaction does, is waited for for one second; then the call is
//!   [`Contended`](dewar::store::StoreErrorKind::Contended), and nothing of it is done. Whatever else the
//!   server says no to is [`Refused`](dewar::store::StoreErrorKind::Refused).
//! - **Only a server that takes writes is used**, so never a standby, whose records would be old. Name
//!   several hosts, as in `postgres://app@db1,db2/shop`, and the primary among them is found.
//! - A row that cannot be read is [`Corrupt`](dewar::store::StoreErrorKind::Corrupt), and stays.
//!
//! # What does not hold
//!
//! - **Without an `sslmode` nobody is kept from standing in between**; see below. Over a network that
//!   is not yours, say `sslmode=verify-full`.
//! - If the server is told to stop while it waits for a synchronous standby, or that wait is cancelled,
//!   a write may be answered as done that the standby does not have.
//! - A pooler between must keep sessions apart (`pool_mode = session` in PgBouncer), because the
//!   statements are prepared and the session's settings chosen once per line.
//!
//! # TLS
//!
//! With the feature `postgres-tls`, by rustls; without it, whatever asks for TLS is refused when the
//! store is opened. As libpq, but for `require`, which does here what its name says:
//!
//! | `sslmode` | TLS | the server's certificate |
//! |---|---|---|
//! | none, or `prefer` | if the server offers it | is not looked at: keeps out who only listens |
//! | `disable` | never | |
//! | `require`, `verify-full` | always | signed by an authority, for the host in the address |
//! | `verify-ca` | always | signed by an authority, for any host |
//!
//! `allow` is none of them. No mode insists on TLS and lets everybody be the server: who has signed
//! the certificate himself names it as `sslrootcert`. The other options, in the address as well:
//!
//! - `sslrootcert=FILE`: the authorities, as PEM. Default, and `sslrootcert=system`: those that the
//!   operating system trusts. Either is refused beside an `sslmode` that does not look at it; and
//!   `verify-ca` needs a file, because the system's authorities give anybody a certificate.
//! - `sslcert=FILE` and `sslkey=FILE`: what this store shows the server, as PEM, the key without a
//!   password.
//! - `channel_binding=require`: only by a password whose proof is bound to the server's certificate, so
//!   that nobody in between can hand it on. Default: `prefer`, which does so if the server can.
//!
//! The files are read once, when the store is opened. A certificate has to name its host as
//! `subjectAltName`, and may not be an authority's own (`CA:TRUE`), which `openssl req -x509` makes
//! unless it is told `-addext basicConstraints=critical,CA:FALSE`. Every connection is opened the same
//! way, also after a restart: a server that comes back without TLS is not used. A UNIX socket has no
//! TLS. Of an address that is not a URL (`host=… sslmode=…`) only `disable`, `prefer` and `require` are
//! understood.
//!
//! # The schema
//!
//! All is in one schema, `dewar` unless [`schema`](PostgresStoreBuilder::schema) says otherwise:
//! `sessions`, and `schema_version` with one number. The first one to connect makes it, or leads it
//! to the version of this program, in one transaction; a newer one is refused. A role that may not
//! create schemas needs one that an administrator made: `CREATE SCHEMA dewar AUTHORIZATION app`.
//!
//! Moments are `bigint`, lessened by 2⁶³ so that all 64 bits of them fit and sort. To read one:
//! `to_timestamp((idle_ms + 9223372036854775808) / 1000)`.
//!
//! # The runtime
//!
//! The store is opened inside a tokio runtime, which then drives its lines; it lives no longer than
//! that runtime. Its verbs may be called from any thread.

mod address;
mod error;
mod fault;
mod line;
mod open;
mod reach;
mod row;
mod scan;
mod schema;
mod session;
mod statements;
mod store;
mod sum;
mod sweep;
mod tls;
mod users;
mod verbs;

pub use error::OpenError;
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use open::Sabotage;
pub use open::{PostgresStoreBuilder, SynchronousCommit};
pub use store::PostgresStore;
#[cfg(feature = "flask-session")]
pub(crate) use {
    fault::{Deed, store_error},
    reach::Reach,
    tls::Wanted,
};
