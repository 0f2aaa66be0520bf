//! From a URL to a store.

use dewar::store::{BoxStore, MemoryStore, Store};

#[cfg(any(feature = "flask-session", feature = "redis"))]
use super::Login;
#[cfg(feature = "postgres")]
use super::PostgresUrl;
#[cfg(feature = "sqlite")]
use super::SqliteUrl;
#[cfg(feature = "flask-session")]
use super::{FlaskSessionDatabase, FlaskSessionUrl, Host, Options};
#[cfg(feature = "redis")]
use super::{RedisUrl, Topology};
use super::{StoreUrl, UrlError};

/// Opens the store that this URL names.
///
/// A store in memory is a new one each time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = dewar_stores::url::open("memory:").await?;
/// assert!(store.scans() && store.knows_users());
/// # Ok(()) }
/// ```
///
/// # Errors
/// If the URL names no store, if this build has not the store's feature, or if the store cannot be
/// opened; see [`UrlError`].
pub async fn open(url: &str) -> Result<BoxStore, UrlError> {
    url.parse::<StoreUrl>()?.open().await
}

impl StoreUrl {
    /// Opens the store; see [`open`].
    ///
    /// # Errors
    /// As [`open`].
    pub async fn open(&self) -> Result<BoxStore, UrlError> {
        match self {
            Self::Memory => Ok(MemoryStore::new().boxed()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(url) => sqlite(url).map_err(|source| self.failed(source)),
            #[cfg(not(feature = "sqlite"))]
            Self::Sqlite(_) => Err(UrlError::MissingFeature { feature: "sqlite" }),
            #[cfg(feature = "redis")]
            Self::Redis(url) => {
                let builder = redis(url)?;
                let store = builder.connect().await.map_err(|source| self.failed(source))?;
                Ok(store.boxed())
            }
            #[cfg(not(feature = "redis"))]
            Self::Redis(_) => Err(UrlError::MissingFeature { feature: "redis" }),
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => {
                let store = postgres(url).connect().await.map_err(|source| self.failed(source))?;
                Ok(store.boxed())
            }
            #[cfg(not(feature = "postgres"))]
            Self::Postgres(_) => Err(UrlError::MissingFeature { feature: "postgres" }),
            #[cfg(feature = "flask-session")]
            Self::FlaskSession(url) => self.flask_session(url).await,
            #[cfg(not(feature = "flask-session"))]
            Self::FlaskSession(_) => Err(UrlError::MissingFeature { feature: "flask-session" }),
        }
    }

    /// Opens the store if it is there: no file, no folder, no schema and no table is made. For whoever
    /// looks at what an application keeps.
    ///
    /// # Errors
    /// As [`open`], and [`UrlError::NoSessions`] if there is none: no such file or an empty one, or a
    /// database without the tables. A Redis is always taken for one.
    pub async fn open_existing(&self) -> Result<BoxStore, UrlError> {
        if let Some(file) = self.file() {
            // A link, or one that may not be looked at, is for the store to refuse.
            let length = std::fs::metadata(file).map(|file| file.len());
            if matches!(&length, Ok(0)) || is_missing(&length) {
                return Err(UrlError::NoSessions { url: self.to_string() });
            }
        }
        #[cfg(feature = "postgres")]
        if let Self::Postgres(url) = self {
            use crate::postgres::OpenError;

            return match postgres(url).only_existing().connect().await {
                Ok(store) => Ok(store.boxed()),
                Err(OpenError::NoTables { .. }) => {
                    Err(UrlError::NoSessions { url: self.to_string() })
                }
                Err(source) => Err(self.failed(source)),
            };
        }
        self.open().await
    }

    #[cfg(feature = "flask-session")]
    async fn flask_session(&self, url: &FlaskSessionUrl) -> Result<BoxStore, UrlError> {
        use crate::flask_session::FlaskSessionStore;

        match &url.database {
            FlaskSessionDatabase::Redis { login, host, database } => {
                let text = for_driver(login, host, *database);
                let store = FlaskSessionStore::redis(&text).await;
                Ok(as_said(store.map_err(|source| self.failed(source))?, &url.options))
            }
            #[cfg(feature = "postgres")]
            FlaskSessionDatabase::Postgres(of) => {
                let store = FlaskSessionStore::postgres_that_is_there(&of.for_driver()).await;
                Ok(as_said(store.map_err(|source| self.failed(source))?, &url.options))
            }
            #[cfg(not(feature = "postgres"))]
            FlaskSessionDatabase::Postgres(_) => {
                Err(UrlError::MissingFeature { feature: "postgres" })
            }
            #[cfg(feature = "sqlite")]
            FlaskSessionDatabase::Sqlite(file) => {
                let store = FlaskSessionStore::sqlite_that_is_there(file);
                Ok(as_said(store.map_err(|source| self.failed(source))?, &url.options))
            }
            #[cfg(not(feature = "sqlite"))]
            FlaskSessionDatabase::Sqlite(_) => Err(UrlError::MissingFeature { feature: "sqlite" }),
        }
    }

    #[cfg(any(
        feature = "flask-session",
        feature = "postgres",
        feature = "redis",
        feature = "sqlite"
    ))]
    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> UrlError {
        UrlError::Open { url: self.to_string(), source: source.into() }
    }
}

fn is_missing(found: &std::io::Result<u64>) -> bool {
    found.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

#[cfg(feature = "flask-session")]
fn as_said<T: crate::flask_session::Table>(
    mut store: crate::flask_session::FlaskSessionStore<T>,
    options: &Options,
) -> BoxStore {
    use dewar::store::Store;

    if let Some(prefix) = options.get("prefix") {
        store = store.prefix(prefix);
    }
    if options.get("format") == Some("json") {
        store = store.format(crate::flask_session::Format::Json);
    }
    store.boxed()
}

/// The URL that the driver reads, password and all.
#[cfg(feature = "flask-session")]
fn for_driver(login: &Login, host: &Host, database: u32) -> String {
    use super::percent::encode;

    let user = encode(login.user.as_deref().unwrap_or_default(), "");
    let login = match &login.password {
        Some(password) => format!("{user}:{}@", encode(password, "")),
        None if user.is_empty() => user,
        None => format!("{user}@"),
    };
    format!("redis://{login}{host}/{database}")
}

#[cfg(feature = "sqlite")]
fn sqlite(url: &SqliteUrl) -> Result<BoxStore, crate::sqlite::OpenError> {
    use std::time::Duration;

    use crate::sqlite::{Durability, SqliteStore};

    let mut builder = SqliteStore::builder(&url.file);
    if url.options.get("durability") == Some("normal") {
        builder = builder.durability(Durability::Normal);
    }
    if let Some(ms) = url.options.number("busy_timeout_ms") {
        builder = builder.busy_timeout(Duration::from_millis(ms));
    }
    if let Some(length) = url.options.number("queue_length") {
        builder = builder.queue_length(usize::try_from(length).unwrap_or(usize::MAX));
    }
    builder.open().map(BoxStore::full)
}

#[cfg(feature = "redis")]
fn redis(url: &RedisUrl) -> Result<crate::redis::RedisStoreBuilder, UrlError> {
    use std::time::Duration;

    use crate::redis::RedisStore;

    if url.tls && !cfg!(feature = "redis-tls") {
        return Err(UrlError::MissingTls { scheme: url.scheme });
    }
    let nodes = url.hosts.iter().map(|host| (host.name.clone(), host.port));
    let one = url.hosts.first().ok_or(UrlError::NoHost { scheme: url.scheme })?;
    let mut builder = RedisStore::at(one.name.clone(), one.port);
    builder = match (url.topology, &url.service) {
        (Topology::Cluster, _) => builder.cluster(nodes),
        (Topology::Sentinel, Some(service)) => builder.sentinel(service.clone(), nodes),
        _ => builder,
    };
    builder = builder.database(url.database.into()).tls(url.tls);
    let Login { user, password } = &url.login;
    if user.is_some() || password.is_some() {
        builder = builder.user(user.as_deref(), password.clone().unwrap_or_default());
    }
    let options = &url.options;
    let (user, password) = (options.get("sentinel_user"), options.get("sentinel_password"));
    if user.is_some() || password.is_some() {
        builder = builder.sentinel_user(user, password.unwrap_or_default());
    }
    if let Some(prefix) = options.get("prefix") {
        builder = builder.prefix(prefix);
    }
    if let Some(ms) = options.number("timeout_ms") {
        builder = builder.timeout(Duration::from_millis(ms));
    }
    if let Some(replicas) = options.number("strict") {
        builder = builder.strict(usize::try_from(replicas).unwrap_or(usize::MAX));
    }
    builder = builder.strict_writes(options.get("strict_writes") == Some("true"));
    if let Some(seconds) = options.number("tell_expired_s") {
        builder = builder.tell_expired(Duration::from_secs(seconds));
    }
    #[cfg(feature = "redis-tls")]
    if let Some(file) = options.get("tls_root") {
        let pem = std::fs::read(file);
        builder =
            builder.tls_root(pem.map_err(|reason| UrlError::File { option: "tls_root", reason })?);
    }
    Ok(builder)
}

#[cfg(feature = "postgres")]
fn postgres(url: &PostgresUrl) -> crate::postgres::PostgresStoreBuilder {
    use std::time::Duration;

    use crate::postgres::{PostgresStore, SynchronousCommit};

    let options = &url.options;
    let mut builder = PostgresStore::builder(&url.for_driver());
    if let Some(schema) = options.get("schema") {
        builder = builder.schema(schema);
    }
    if let Some(count) = options.number("connections") {
        builder = builder.connections(usize::try_from(count).unwrap_or(usize::MAX));
    }
    if let Some(ms) = options.number("connect_timeout_ms") {
        builder = builder.connect_timeout(Duration::from_millis(ms));
    }
    if let Some(ms) = options.number("answer_timeout_ms") {
        builder = builder.answer_timeout(Duration::from_millis(ms));
    }
    match options.get("synchronous_commit") {
        Some("remote_apply") => builder.synchronous_commit(SynchronousCommit::RemoteApply),
        Some("on") => builder.synchronous_commit(SynchronousCommit::On),
        Some("remote_write") => builder.synchronous_commit(SynchronousCommit::RemoteWrite),
        Some("local") => builder.synchronous_commit(SynchronousCommit::Local),
        Some("off") => builder.synchronous_commit(SynchronousCommit::Off),
        _ => builder,
    }
}
