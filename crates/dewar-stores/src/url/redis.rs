//! `redis://`, `redis+sentinel://`, `redis+cluster://`, each with TLS as `rediss…`.

use super::{
    authority::{Authority, Host, Login, ensure_escaped},
    error::UrlError,
    options::{self, Allowed, Options, Rule},
    percent,
};

const RULES: &[Rule] = &[
    Rule {
        name: "prefix",
        allowed: Allowed::Text(|prefix| !prefix.contains(['{', '}'])),
        says: "text without { and }, which would send all sessions to one node of a cluster",
    },
    Rule {
        name: "timeout_ms",
        allowed: Allowed::Number(1, 60_000),
        says: "milliseconds from 1 to 60000",
    },
    Rule {
        name: "strict",
        allowed: Allowed::Number(1, 100),
        says: "how many replicas confirm what ends a session, from 1 to 100",
    },
    Rule {
        name: "strict_writes",
        allowed: Allowed::OneOf(&["true", "false"]),
        says: "true or false",
    },
    Rule {
        name: "tell_expired_s",
        allowed: Allowed::Number(1, 2_592_000),
        says: "how many seconds longer keys are kept to be told of, from 1 to 2592000",
    },
    Rule {
        name: "sentinel_user",
        allowed: Allowed::Text(|user| !user.is_empty()),
        says: "the user's name",
    },
    Rule { name: "sentinel_password", allowed: Allowed::Secret, says: "the password" },
    Rule {
        name: "tls_root",
        allowed: Allowed::Text(|file| !file.is_empty()),
        says: "the file of a certificate in PEM",
    },
];

/// How the nodes stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topology {
    /// One node.
    Single,
    /// Whatever node the Sentinels call the master of a service.
    Sentinel,
    /// A cluster.
    Cluster,
}

/// A `redis:` URL, read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisUrl {
    pub(super) scheme: &'static str,
    /// How the nodes stand to each other.
    pub topology: Topology,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Who asks.
    pub login: Login,
    /// The node; or the Sentinels; or nodes of the cluster.
    pub hosts: Vec<Host>,
    /// What the Sentinels call the master.
    pub service: Option<String>,
    /// The number of the database, 0 if none is named.
    pub database: u32,
    /// What follows the `?`.
    pub options: Options,
}

impl RedisUrl {
    pub(super) fn read(
        scheme: &'static str,
        topology: Topology,
        tls: bool,
        rest: &str,
    ) -> Result<Self, UrlError> {
        ensure_escaped(rest)?;
        let (rest, query) = options::split(rest);
        let port = if topology == Topology::Sentinel { 26379 } else { 6379 };
        let Authority { login, hosts, path } = Authority::read(scheme, rest, port)?;
        let options = Options::read(scheme, query, RULES)?;
        if topology == Topology::Single && hosts.len() > 1 {
            return Err(UrlError::OneHost { scheme });
        }
        let (service, database) = match topology {
            Topology::Single => (None, path),
            Topology::Cluster if matches!(path, "" | "0") => (None, ""),
            Topology::Cluster => return Err(UrlError::ClusterDatabase),
            Topology::Sentinel => {
                let (service, database) = path.split_once('/').unwrap_or((path, ""));
                let service = percent::decode(service, "the service")?;
                if service.is_empty() {
                    return Err(UrlError::NoService { scheme });
                }
                (Some(service), database)
            }
        };
        let database = database_of(database)?;
        Ok(Self { scheme, topology, tls, login, hosts, service, database, options })
    }
}

/// The number of a database; 0 if none is named.
pub(super) fn database_of(path: &str) -> Result<u32, UrlError> {
    match path {
        "" => Ok(0),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map_err(|_| UrlError::RedisDatabase)
        }
        _ => Err(UrlError::RedisDatabase),
    }
}
