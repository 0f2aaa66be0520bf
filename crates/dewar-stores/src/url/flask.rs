//! `flask-session+redis://…`, `flask-session+postgres://…` and `flask-session+sqlite:FILE`: sessions that
//! Flask-Session keeps.

use std::path::PathBuf;

use super::{
    authority::{Authority, Host, Login, ensure_escaped},
    error::UrlError,
    options::{self, Allowed, Options, Rule},
    postgres::{self, PostgresUrl},
    redis::database_of,
    sqlite::file_of,
};

pub(super) const REDIS: &str = "flask-session+redis";
pub(super) const POSTGRES: &str = "flask-session+postgres";
pub(super) const SQLITE: &str = "flask-session+sqlite";

const PREFIX: Rule = Rule { name: "prefix", allowed: Allowed::Text(|_| true), says: "text" };
const FORMAT: Rule =
    Rule { name: "format", allowed: Allowed::OneOf(&["msgpack", "json"]), says: "msgpack or json" };
const RULES: &[Rule] = &[PREFIX, FORMAT];
const OF_POSTGRES: &[Rule] = &[
    PREFIX,
    FORMAT,
    postgres::SSLMODE,
    postgres::SSLROOTCERT,
    postgres::SSLCERT,
    postgres::SSLKEY,
    postgres::CHANNEL_BINDING,
];

/// A `flask-session+…` URL, read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlaskSessionUrl {
    /// Where the records lie.
    pub database: FlaskSessionDatabase,
    /// `prefix`, `format`, and those of TLS to Postgres.
    pub options: Options,
}

/// Where Flask-Session keeps its records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlaskSessionDatabase {
    /// `SESSION_TYPE = "redis"`.
    #[non_exhaustive]
    Redis {
        /// Who asks.
        login: Login,
        /// The node.
        host: Host,
        /// The number of the database, 0 if none is named.
        database: u32,
    },
    /// `SESSION_TYPE = "sqlalchemy"`, the table `sessions` of this database.
    Postgres(PostgresUrl),
    /// `SESSION_TYPE = "sqlalchemy"`, the table `sessions` of this file.
    Sqlite(PathBuf),
}

impl FlaskSessionUrl {
    pub(super) fn redis(rest: &str) -> Result<Self, UrlError> {
        ensure_escaped(rest)?;
        let (rest, query) = options::split(rest);
        let Authority { login, hosts, path } = Authority::read(REDIS, rest, 6379)?;
        let options = Options::read(REDIS, query, RULES)?;
        let Ok([host]) = <[Host; 1]>::try_from(hosts) else {
            return Err(UrlError::OneNode { scheme: REDIS });
        };
        let database = database_of(path)?;
        Ok(Self { database: FlaskSessionDatabase::Redis { login, host, database }, options })
    }

    pub(super) fn postgres(rest: &str) -> Result<Self, UrlError> {
        let url = PostgresUrl::read_by(POSTGRES, rest, OF_POSTGRES)?;
        let options = url.options.clone();
        Ok(Self { database: FlaskSessionDatabase::Postgres(url), options })
    }

    pub(super) fn sqlite(rest: &str) -> Result<Self, UrlError> {
        let (file, query) = options::split(rest);
        let options = Options::read(SQLITE, query, RULES)?;
        Ok(Self { database: FlaskSessionDatabase::Sqlite(file_of(SQLITE, file)?), options })
    }
}
