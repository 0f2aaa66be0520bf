//! `postgres://user:password@host:port/database`.

use super::{
    authority::{Authority, Host, Login, ensure_escaped},
    error::UrlError,
    options::{self, Allowed, Options, Rule},
    percent,
};

pub(super) const SSLMODE: Rule = Rule {
    name: "sslmode",
    allowed: Allowed::OneOf(&["disable", "prefer", "require", "verify-ca", "verify-full"]),
    says: "disable, prefer, require, verify-ca or verify-full",
};
pub(super) const SSLROOTCERT: Rule = Rule {
    name: "sslrootcert",
    allowed: Allowed::Text(|file| !file.is_empty()),
    says: "a file of certificates in PEM, or system",
};
pub(super) const SSLCERT: Rule = Rule {
    name: "sslcert",
    allowed: Allowed::Text(|file| !file.is_empty()),
    says: "the file of a certificate in PEM",
};
pub(super) const SSLKEY: Rule = Rule {
    name: "sslkey",
    allowed: Allowed::Text(|file| !file.is_empty()),
    says: "the file of a key in PEM",
};
pub(super) const CHANNEL_BINDING: Rule = Rule {
    name: "channel_binding",
    allowed: Allowed::OneOf(&["disable", "prefer", "require"]),
    says: "disable, prefer or require",
};

const RULES: &[Rule] = &[
    SSLMODE,
    SSLROOTCERT,
    SSLCERT,
    SSLKEY,
    CHANNEL_BINDING,
    Rule {
        name: "schema",
        allowed: Allowed::Text(is_name),
        says: "a name of letters, digits and _ that begins with no digit",
    },
    Rule {
        name: "connections",
        allowed: Allowed::Number(1, 1000),
        says: "a number of connections from 1 to 1000",
    },
    Rule {
        name: "connect_timeout_ms",
        allowed: Allowed::Number(1, 3_600_000),
        says: "milliseconds from 1 to 3600000",
    },
    Rule {
        name: "answer_timeout_ms",
        allowed: Allowed::Number(1, 3_600_000),
        says: "milliseconds from 1 to 3600000",
    },
    Rule {
        name: "synchronous_commit",
        allowed: Allowed::OneOf(&["remote_apply", "on", "remote_write", "local", "off"]),
        says: "remote_apply, on, remote_write, local or off",
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
    /// Where the server is, of several the one that takes writes; the name is the folder of a UNIX
    /// socket if it begins with a slash.
    pub hosts: Vec<Host>,
    /// The database; Postgres takes the user's name if there is none.
    pub database: Option<String>,
    /// What follows the `?`.
    pub options: Options,
}

impl PostgresUrl {
    pub(super) fn read(scheme: &'static str, rest: &str) -> Result<Self, UrlError> {
        Self::read_by(scheme, rest, RULES)
    }

    /// The same with other options.
    pub(super) fn read_by(
        scheme: &'static str,
        rest: &str,
        rules: &'static [Rule],
    ) -> Result<Self, UrlError> {
        ensure_escaped(rest)?;
        let (rest, query) = options::split(rest);
        let Authority { login, hosts, path } = Authority::read(scheme, rest, 5432)?;
        let options = Options::read(scheme, query, rules)?;
        if path.contains('/') {
            return Err(UrlError::PostgresDatabase);
        }
        let database = percent::decode(path, "the database")?;
        let database = Some(database).filter(|database| !database.is_empty());
        Ok(Self { scheme, login, hosts, database, options })
    }

    /// The same address as the driver reads it, password and all: never to be shown.
    #[cfg(feature = "postgres")]
    pub(super) fn for_driver(&self) -> String {
        let mut url = String::from("postgres://");
        let Login { user, password } = &self.login;
        url.push_str(&percent::encode(user.as_deref().unwrap_or_default(), ""));
        if let Some(password) = password {
            url.push(':');
            url.push_str(&percent::encode(password, ""));
        }
        if user.is_some() || password.is_some() {
            url.push('@');
        }
        let hosts: Vec<_> = self.hosts.iter().map(Host::to_string).collect();
        url.push_str(&hosts.join(","));
        url.push('/');
        url.push_str(&percent::encode(self.database.as_deref().unwrap_or_default(), ""));
        let passed =
            ["sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding", "application_name"];
        let passed = passed.iter().filter_map(|name| Some((name, self.options.get(name)?)));
        for (i, (name, value)) in passed.enumerate() {
            url.push(if i == 0 { '?' } else { '&' });
            url.push_str(&format!("{name}={}", percent::encode(value, "")));
        }
        url
    }
}
