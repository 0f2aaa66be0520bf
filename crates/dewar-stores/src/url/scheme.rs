//! What stands before the first colon.

use super::{error::UrlError, flask, near::nearest, redis::Topology};

/// A scheme, read.
#[derive(Clone, Copy)]
pub(super) enum Scheme {
    Memory,
    Sqlite,
    Redis { name: &'static str, topology: Topology, tls: bool },
    Postgres { name: &'static str },
    FlaskRedis,
    FlaskPostgres,
    FlaskSqlite,
}

const ALL: [(&str, Scheme); 13] = [
    ("memory", Scheme::Memory),
    ("sqlite", Scheme::Sqlite),
    ("redis", redis("redis", Topology::Single, false)),
    ("rediss", redis("rediss", Topology::Single, true)),
    ("redis+sentinel", redis("redis+sentinel", Topology::Sentinel, false)),
    ("rediss+sentinel", redis("rediss+sentinel", Topology::Sentinel, true)),
    ("redis+cluster", redis("redis+cluster", Topology::Cluster, false)),
    ("rediss+cluster", redis("rediss+cluster", Topology::Cluster, true)),
    ("postgres", Scheme::Postgres { name: "postgres" }),
    ("postgresql", Scheme::Postgres { name: "postgresql" }),
    (flask::REDIS, Scheme::FlaskRedis),
    (flask::POSTGRES, Scheme::FlaskPostgres),
    (flask::SQLITE, Scheme::FlaskSqlite),
];

const fn redis(name: &'static str, topology: Topology, tls: bool) -> Scheme {
    Scheme::Redis { name, topology, tls }
}

/// Longer ones are nobody's scheme, and are not shown.
const LONGEST: usize = 24;

impl Scheme {
    /// The scheme, and what follows its colon. Letters may be large or small.
    pub(super) fn of(url: &str) -> Result<(Self, &str), UrlError> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let name = scheme.to_ascii_lowercase();
        if let Some((_, known)) = ALL.iter().find(|(known, _)| *known == name) {
            if rest.is_empty() && !url.contains(':') {
                return Err(UrlError::NoColon { scheme: name });
            }
            return Ok((*known, rest));
        }
        // What is not even of the form may be anything, and is not repeated.
        let is_form = name.len() <= LONGEST
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !is_form || !url.contains(':') {
            return Err(UrlError::NoScheme { known: known() });
        }
        let near = nearest(&name, ALL.iter().map(|(name, _)| *name));
        Err(UrlError::UnknownScheme { scheme: name, near, known: known() })
    }
}

/// What this build opens.
fn known() -> String {
    let mut known = vec!["memory:"];
    if cfg!(feature = "sqlite") {
        known.push("sqlite:FILE");
    }
    if cfg!(feature = "redis") {
        known.push("redis://, redis+sentinel:// and redis+cluster://");
    }
    if cfg!(feature = "postgres") {
        known.push("postgres://");
    }
    if cfg!(feature = "flask-session") {
        known.push("flask-session+redis://");
    }
    if cfg!(all(feature = "flask-session", feature = "postgres")) {
        known.push("flask-session+postgres://");
    }
    if cfg!(all(feature = "flask-session", feature = "sqlite")) {
        known.push("flask-session+sqlite:FILE");
    }
    known.join(", ")
}
