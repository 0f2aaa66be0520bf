//! What can be chosen about a store.

use std::{fmt, time::Duration};

use super::{error::OpenError, reach::Reach, store::PostgresStore, tls::Wanted};

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
    tls: Wanted,
    only_existing: bool,
    #[cfg(feature = "sabotage")]
    sabotage: Option<Sabotage>,
}

/// The options, once they are known to be sound.
pub(super) struct Options {
    pub(super) reach: Reach,
    pub(super) schema: String,
    pub(super) connections: usize,
    pub(super) connect_timeout: Duration,
    pub(super) answer_timeout: Duration,
    pub(super) synchronous_commit: Option<SynchronousCommit>,
    /// Tables that are missing are not made.
    pub(super) only_existing: bool,
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
            tls: Wanted::default(),
            only_existing: false,
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

    /// Makes no schema and no tables: where there are none, connecting fails with
    /// [`OpenError::NoTables`]. For whoever looks at what an application has. Default: they are made.
    pub fn only_existing(mut self) -> Self {
        self.only_existing = true;
        self
    }

    /// The certificates of the authorities that the server's one may be signed by, as PEM. Default:
    /// those of the address's `sslrootcert`, or those that the operating system trusts.
    ///
    /// It needs an `sslmode` that looks at the certificate: `require`, `verify-ca` or `verify-full`.
    #[cfg(feature = "postgres-tls")]
    pub fn tls_root(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.root = Some(pem.into());
        self
    }

    /// The certificate that this store shows the server, with those that lead from it to an
    /// authority, and its key, both as PEM. Default: those of the address's `sslcert` and `sslkey`,
    /// or none.
    #[cfg(feature = "postgres-tls")]
    pub fn tls_client(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.tls.certificate = Some(certificate.into());
        self.tls.key = Some(key.into());
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
        let reach = Reach::new(&self.url, self.tls, self.connect_timeout)?;
        let name = &self.schema;
        if name.is_empty() || name.len() > 63 || name.contains('\0') {
            return Err(OpenError::SchemaName { name: self.schema });
        }
        Ok(Options {
            reach,
            schema: self.schema,
            connections: self.connections,
            connect_timeout: self.connect_timeout,
            answer_timeout: self.answer_timeout,
            synchronous_commit: self.synchronous_commit,
            only_existing: self.only_existing,
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
        self.connect_timeout * self.reach.hosts()
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
