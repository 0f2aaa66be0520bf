//! Why a database cannot be a store.

use std::time::Duration;

use super::tls;

/// Why a database cannot be a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is not understood. It is not shown: it may hold a password.
    #[error(
        "the address of the Postgres server is not understood; write \
         postgres://user:password@host:5432/database, with special characters percent-encoded"
    )]
    Address,
    /// TLS is asked for, and this program was built without it.
    #[error(
        "{option} asks for TLS, and this program is built without it for Postgres: rebuild with \
         --features postgres-tls"
    )]
    MissingTls {
        /// What asks for it.
        option: &'static str,
    },
    /// An option of TLS that cannot be, or not so. Its value is not shown.
    #[error("the option {option} of the Postgres store {rule}")]
    TlsOption {
        /// The option.
        option: &'static str,
        /// What is wrong, and what to write.
        rule: &'static str,
    },
    /// A file that an option names cannot be read.
    #[error("the file of the option {option} cannot be read")]
    TlsFile {
        /// The option.
        option: &'static str,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The server's certificate is not trusted, or there is no TLS that both speak.
    #[error(
        "TLS with the Postgres server failed; its certificate has to be for the host in the address, \
         signed by an authority that the system trusts or that sslrootcert=FILE names"
    )]
    Handshake {
        /// What the driver says.
        source: tokio_postgres::Error,
    },
    /// No schema can have this name.
    #[error("the schema name {name:?} is empty, has a NUL or more than 63 bytes; choose another")]
    SchemaName {
        /// The name.
        name: String,
    },
    /// The store was opened outside a tokio runtime, which has to drive its connections.
    #[error("no tokio runtime is running here; open the Postgres store inside one")]
    NoRuntime,
    /// The server did not answer in time.
    #[error("the Postgres server did not answer within {after:?}; see whether it runs there")]
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// The role may not make the schema or its tables.
    #[error(
        "the role may not make the tables in schema {schema:?}; let an administrator run \
         CREATE SCHEMA \"{schema}\" AUTHORIZATION the_role"
    )]
    Forbidden {
        /// The schema.
        schema: String,
        /// What Postgres says.
        source: tokio_postgres::Error,
    },
    /// There are no tables, and none were to be made; see
    /// [`only_existing`](super::PostgresStoreBuilder::only_existing).
    #[error(
        "the schema {schema:?} holds no sessions of dewar; name the database of the application"
    )]
    NoTables {
        /// The schema.
        schema: String,
    },
    /// The schema holds something else; nothing was changed.
    #[error("the schema {schema:?} holds tables that are not dewar's; choose another schema")]
    Foreign {
        /// The schema.
        schema: String,
    },
    /// A newer dewar wrote this schema; nothing was changed.
    #[error(
        "the schema {schema:?} has version {found}, and this program knows {known}; use a newer \
         version of the program"
    )]
    NewerSchema {
        /// The schema.
        schema: String,
        /// The version of the schema.
        found: i32,
        /// The newest version that this program knows.
        known: i32,
    },
    /// The server closed the connection without a word.
    #[error("the Postgres server closed the connection while it was prepared; see its log")]
    Closed,
    /// Postgres cannot be reached, or refuses.
    #[error("cannot open the session store in Postgres")]
    Database {
        /// What the driver says.
        source: tokio_postgres::Error,
    },
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(source: tokio_postgres::Error) -> Self {
        if tls::is_handshake(&source) {
            Self::Handshake { source }
        } else {
            Self::Database { source }
        }
    }
}
