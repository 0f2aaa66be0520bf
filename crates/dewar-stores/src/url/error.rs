//! What is wrong with a store's URL, and what to write.

use std::error::Error;

/// Why a URL names no store, or one that cannot be opened. No text of it shows a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// There is no scheme at all.
    #[error(
        "a store is named by a URL that begins with a scheme; this build of dewar knows {known}"
    )]
    NoScheme {
        /// What this build opens.
        known: String,
    },
    /// A scheme without its colon.
    #[error("a store's URL has a colon after its scheme: write \"{scheme}:…\"")]
    NoColon {
        /// The scheme.
        scheme: String,
    },
    /// A scheme that is nobody's.
    #[error(
        "the scheme \"{scheme}\" names no store{}; this build of dewar knows {known}",
        .near.map(|near| format!(", did you mean \"{near}\"?")).unwrap_or_default()
    )]
    UnknownScheme {
        /// The scheme.
        scheme: String,
        /// A known one that is nearly the same.
        near: Option<&'static str>,
        /// What this build opens.
        known: String,
    },
    /// The store exists, and this program was built without it.
    #[error("this build of dewar has no {feature}: rebuild with --features {feature}")]
    MissingFeature {
        /// The feature.
        feature: &'static str,
    },
    /// An option that this store has not.
    #[error(
        "a {scheme} store has no option \"{option}\"{}; it has {known}",
        .near.map(|near| format!(", did you mean \"{near}\"?")).unwrap_or_default()
    )]
    UnknownOption {
        /// The scheme.
        scheme: &'static str,
        /// What was written.
        option: String,
        /// A known one that is nearly the same.
        near: Option<&'static str>,
        /// All of them.
        known: String,
    },
    /// An option with a value that it cannot have.
    #[error("the option {option} cannot be {value:?}; write {allowed}")]
    BadOption {
        /// The option.
        option: &'static str,
        /// What was written.
        value: String,
        /// What may be written.
        allowed: &'static str,
    },
    /// An option that is named twice.
    #[error("the option {option} is named twice; name it once")]
    OptionTwice {
        /// The option.
        option: &'static str,
    },
    /// A `%` that stands for no byte.
    #[error(
        "{part} of a store's URL has a % that stands for nothing; write % and two hex digits, \
             and %25 for % itself"
    )]
    Percent {
        /// Where it stands.
        part: &'static str,
    },
    /// Something follows `memory:`.
    #[error("a store in memory has no name and no options; write memory:")]
    Memory,
    /// `sqlite://…`, which programs read in different ways.
    #[error(
        "a file is named without //; write {scheme}:app.db for one in the working folder, or \
         {scheme}:/var/lib/app.db"
    )]
    SqliteSlashes {
        /// The scheme.
        scheme: &'static str,
    },
    /// `sqlite::memory:`.
    #[error("an SQLite store is a file; write memory: for the memory of this process")]
    SqliteMemory,
    /// No file is named.
    #[error("a {scheme} store is a file; write {scheme}:FILE")]
    NoFile {
        /// The scheme.
        scheme: &'static str,
    },
    /// The two slashes are missing.
    #[error("a {scheme} store is reached over a network; write {scheme}://host")]
    NoSlashes {
        /// The scheme.
        scheme: &'static str,
    },
    /// No host is named.
    #[error("a host is missing; write {scheme}://host or {scheme}://host:port")]
    NoHost {
        /// The scheme.
        scheme: &'static str,
    },
    /// More hosts than there can be.
    #[error("{scheme} names one host; for several write redis+sentinel://… or redis+cluster://…")]
    OneHost {
        /// The scheme.
        scheme: &'static str,
    },
    /// More hosts than Flask-Session's Redis has.
    #[error("{scheme} names one host: that of the one node that Flask-Session uses")]
    OneNode {
        /// The scheme.
        scheme: &'static str,
    },
    /// A host with a character that no host has.
    #[error(
        "a host's name has letters, digits, dots, hyphens and underscores; and before it stand \
             user:password@"
    )]
    BadHost,
    /// A port that is none, or a password without its host.
    #[error("a port is a number from 1 to 65535; a password stands before an @")]
    Port,
    /// An address that is none, or has no brackets.
    #[error("an IPv6 address stands in brackets; write [::1]:6379")]
    Ipv6,
    /// A password without its colon, or a user without his password.
    #[error(
        "what stands before the @ has no colon; write {scheme}://:PASSWORD@host, or \
         {scheme}://USER:PASSWORD@host"
    )]
    NoColonInLogin {
        /// The scheme.
        scheme: &'static str,
    },
    /// A user or a password that ends too early.
    #[error("a user or a password has one of / ? # @ in it; write %2F %3F %23 %40")]
    Unescaped,
    /// Something after a `#`.
    #[error("a store's URL has no # part; write %23 for # itself")]
    Fragment,
    /// The Sentinels are not told whom to look for.
    #[error(
        "the service that the Sentinels watch is missing; write {scheme}://host:26379/mymaster"
    )]
    NoService {
        /// The scheme.
        scheme: &'static str,
    },
    /// A database that is no number.
    #[error("a Redis database is a number; write it after the last slash, such as /0")]
    RedisDatabase,
    /// A database of a cluster.
    #[error("a cluster has one database, number 0; leave what follows the hosts out")]
    ClusterDatabase,
    /// A database with a slash.
    #[error("a Postgres database has one name; write %2F for a / in it")]
    PostgresDatabase,
    /// TLS is asked for, and this program was built without it.
    #[error(
        "{scheme} speaks TLS, and this build of dewar has none for Redis: rebuild with --features \
             redis-tls"
    )]
    MissingTls {
        /// The scheme.
        scheme: &'static str,
    },
    /// A file that an option names cannot be read.
    #[error("the file of the option {option} cannot be read: {reason}")]
    File {
        /// The option.
        option: &'static str,
        /// What the operating system says.
        reason: std::io::Error,
    },
    /// The URL is good, and there is no store; see [`open_existing`](super::StoreUrl::open_existing).
    #[error("there are no sessions of dewar in {url}: name the store that the application uses")]
    NoSessions {
        /// Which store, without its password.
        url: String,
    },
    /// The URL is good, and the store cannot be opened.
    #[error("the session store {url} cannot be opened")]
    Open {
        /// Which store, without its password.
        url: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}
