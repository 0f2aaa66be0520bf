//! What can be chosen about a store, and why a database cannot be one.

use std::{fmt, time::Duration};

use tokio_postgres::{
    Config,
    config::{SslMode, TargetSessionAttrs},
};

use super::store::PostgresStore;

/// When Postgres calls a write done; its own words say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SynchronousCommit {
    /// On the disk here, and visible on every synchronous standby.
    RemoteApply,
    /// On the disk here and on that of every synchronous standby.
    On,
    /// On the disk here, and in the hands of every synchronous standby's operating system.
    RemoteWrite,
    /// On the disk here.
    Local,
    /// Soon. A crash of the server loses what was answered within the last three `wal_writer_delay`
    /// (600 ms by default): logins **and logouts**.
    Off,
}

impl SynchronousCommit {
    pub(super) fn as_sql(self) -> &'static str {
        match self {
            Self::RemoteApply => "remote_apply",
            Self::On => "on",
            Self::RemoteWrite => "remote_write",
            Self::Local => "local",
            Self::Off => "off",
        }
    }
}

/// A way to break the contract, for the test that must notice.
#[cfg(feature = "sabotage")]
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sabotage {
    /// An update writes over whatever version is there.
    UpdateWithoutVersion,
    /// An update's answer is taken from a snapshot that is older than the row it waited for.
    BelieveOldSnapshot,
    /// A delete leaves nothing.
    DeleteWithoutTombstone,
    /// A create writes over what is there.
    CreateOverwrites,
    /// A touch sets the idle deadline to whatever it is told.
    TouchWithoutLimit,
    /// A sweep looks at the deadline a row had when the sweep began.
    SweepByOldDeadline,
    /// A write whose connection broke counts as not carried out.
    BrokenMeansUndone,
}

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
    /// TLS is asked for, which this store does not speak.
    #[error(
        "the address of the Postgres server asks for TLS (sslmode=require), which this store does \
         not speak; use a UNIX socket, a private network or a tunnel, and leave sslmode out"
    )]
    Tls,
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
        Self::Database { source }
    }
}

/// A moment so far away can be named by every clock.
const LONGEST: Duration = Duration::from_secs(3600);
const SHORTEST: Duration = Duration::from_millis(1);

/// Options of a [`PostgresStore`].
#[derive(Clone)]
#[must_use = "it opens nothing before `connect` is called"]
pub struct PostgresStoreBuilder {
    url: String,
    schema: String,
    connections: usize,
    connect_timeout: Duration,
    answer_timeout: Duration,
    synchronous_commit: Option<SynchronousCommit>,
    #[cfg(feature = "sabotage")]
    sabotage: Option<Sabotage>,
}

/// The options, once they are known to be sound.
pub(super) struct Options {
    pub(super) config: Config,
    pub(super) schema: String,
    pub(super) connections: usize,
    pub(super) connect_timeout: Duration,
    pub(super) answer_timeout: Duration,
    pub(super) synchronous_commit: Option<SynchronousCommit>,
    #[cfg(feature = "sabotage")]
    pub(super) sabotage: Option<Sabotage>,
}

impl PostgresStoreBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            schema: "dewar".to_owned(),
            connections: 2,
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(2),
            synchronous_commit: None,
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }
    }

    /// The schema that holds the tables; it is made if it is missing. Default: `dewar`.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// How many connections the calls share. Default: 2; 0 counts as 1.
    ///
    /// One bears tens of thousands of reads a second. A second one goes on while a slow statement
    /// holds up the first, and uses a second core of the server.
    pub fn connections(mut self, count: usize) -> Self {
        self.connections = count.max(1);
        self
    }

    /// How long an attempt to connect may take, all included, for each host that is named. Default: 5
    /// seconds; at least a millisecond, at most an hour.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout.clamp(SHORTEST, LONGEST);
        self
    }

    /// How long a server may be silent on a connection that is in use, before it is cut. Default: 2
    /// seconds; at least a millisecond, at most an hour.
    ///
    /// It is looked after every half of that, so a call fails after one and a half times as long, or
    /// sooner.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout.clamp(SHORTEST, LONGEST);
        self
    }

    /// When Postgres calls a write done. Default: as the server, the database or the role is
    /// configured.
    pub fn synchronous_commit(mut self, level: SynchronousCommit) -> Self {
        self.synchronous_commit = Some(level);
        self
    }

    #[cfg(feature = "sabotage")]
    #[doc(hidden)]
    pub fn sabotage(mut self, sabotage: Sabotage) -> Self {
        self.sabotage = Some(sabotage);
        self
    }

    /// Opens the store; see [`PostgresStore::connect`].
    ///
    /// # Errors
    /// As [`PostgresStore::connect`].
    pub async fn connect(self) -> Result<PostgresStore, OpenError> {
        PostgresStore::open(self.checked()?).await
    }

    fn checked(self) -> Result<Options, OpenError> {
        // What the driver says of the address may repeat a part of it.
        let mut config: Config = self.url.parse().map_err(|_| OpenError::Address)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(OpenError::Address);
        }
        if config.get_ssl_mode() == SslMode::Require {
            return Err(OpenError::Tls);
        }
        let name = &self.schema;
        if name.is_empty() || name.len() > 63 || name.contains('\0') {
            return Err(OpenError::SchemaName { name: self.schema });
        }
        if config.get_application_name().is_none() {
            config.application_name("dewar");
        }
        // A standby's records are old, and it takes no writes.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(self.connect_timeout);
        Ok(Options {
            config,
            schema: self.schema,
            connections: self.connections,
            connect_timeout: self.connect_timeout,
            answer_timeout: self.answer_timeout,
            synchronous_commit: self.synchronous_commit,
            #[cfg(feature = "sabotage")]
            sabotage: self.sabotage,
        })
    }
}

impl Options {
    /// The schema's name as SQL.
    pub(super) fn quoted_schema(&self) -> String {
        format!("\"{}\"", self.schema.replace('"', "\"\""))
    }

    /// For every host that is named.
    pub(super) fn patience(&self) -> Duration {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len());
        self.connect_timeout * u32::try_from(hosts).unwrap_or(1).max(1)
    }
}

/// The address may hold a password.
impl fmt::Debug for PostgresStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("answer_timeout", &self.answer_timeout)
            .field("synchronous_commit", &self.synchronous_commit)
            .finish_non_exhaustive()
    }
}
