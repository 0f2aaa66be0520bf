//! `postgres://user:password@host:port/database`.

use super::{
    authority::{Authority, Host, Login, ensure_escaped},
    error::UrlError,
    options::{self, Allowed, Options, Rule},
    percent,
};

const RULES: &[Rule] = &[
    Rule {
        name: "sslmode",
        allowed: Allowed::OneOf(&["disable", "prefer", "require", "verify-ca", "verify-full"]),
        says: "disable, prefer, require, verify-ca or verify-full",
    },
    Rule { name: "sslrootcert", allowed: Allowed::Text(|file| !file.is_empty()), says: "a file" },
    Rule {
        name: "schema",
        allowed: Allowed::Text(is_name),
        says: "a name of letters, digits and _ that begins with no digit",
    },
    Rule {
        name: "pool_size",
        allowed: Allowed::Number(1, 1000),
        says: "a number of connections from 1 to 1000",
    },
    Rule {
        name: "application_name",
        allowed: Allowed::Text(|name| !name.is_empty()),
        says: "a name",
    },
];

fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=63).contains(&name.len())
        && name.chars().all(is_part)
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// A `postgres:` URL, read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresUrl {
    pub(super) scheme: &'static str,
    /// Who asks.
    pub login: Login,
    /// Where the server is; of several the first that answers.
    pub hosts: Vec<Host>,
    /// The database; Postgres takes the user's name if there is none.
    pub database: Option<String>,
    /// What follows the `?`.
    pub options: Options,
}

impl PostgresUrl {
    pub(super) fn read(scheme: &'static str, rest: &str) -> Result<Self, UrlError> {
        ensure_escaped(rest)?;
        let (rest, query) = options::split(rest);
        let Authority { login, hosts, path } = Authority::read(scheme, rest, 5432)?;
        let options = Options::read(scheme, query, RULES)?;
        if path.contains('/') {
            return Err(UrlError::PostgresDatabase);
        }
        let database = percent::decode(path, "the database")?;
        let database = Some(database).filter(|database| !database.is_empty());
        Ok(Self { scheme, login, hosts, database, options })
    }
}
