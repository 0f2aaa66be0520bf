//! A URL again, without its password.

use std::fmt;

use super::{
    FlaskSessionDatabase, PostgresUrl, StoreUrl,
    authority::{Host, Login},
    flask,
    options::Options,
    percent::encode,
};

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(url) => {
                write!(f, "sqlite:{}", encode_path(&url.file.to_string_lossy()))?;
                options(f, &url.options)
            }
            Self::Redis(url) => {
                authority(f, url.scheme, &url.login, &url.hosts)?;
                if let Some(service) = &url.service {
                    write!(f, "/{}", encode(service, ""))?;
                }
                if url.database > 0 {
                    write!(f, "/{}", url.database)?;
                }
                options(f, &url.options)
            }
            Self::Postgres(url) => {
                place(f, url)?;
                options(f, &url.options)
            }
            Self::FlaskSession(url) => {
                match &url.database {
                    FlaskSessionDatabase::Redis { login, host, database } => {
                        authority(f, flask::REDIS, login, std::slice::from_ref(host))?;
                        if *database > 0 {
                            write!(f, "/{database}")?;
                        }
                    }
                    FlaskSessionDatabase::Postgres(url) => place(f, url)?,
                    FlaskSessionDatabase::Sqlite(file) => {
                        write!(f, "{}:{}", flask::SQLITE, encode_path(&file.to_string_lossy()))?;
                    }
                }
                options(f, &url.options)
            }
        }
    }
}

/// As its `Display`.
impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

/// A file's name as people read it: only what would be misread is escaped.
fn encode_path(path: &str) -> String {
    path.chars()
        .map(|c| match c {
            '%' | '?' => encode(&c.to_string(), ""),
            c if c.is_control() => encode(&c.to_string(), ""),
            c => c.to_string(),
        })
        .collect()
}

fn place(f: &mut fmt::Formatter<'_>, url: &PostgresUrl) -> fmt::Result {
    authority(f, url.scheme, &url.login, &url.hosts)?;
    match &url.database {
        Some(database) => write!(f, "/{}", encode(database, "")),
        None => Ok(()),
    }
}

fn authority(
    f: &mut fmt::Formatter<'_>,
    scheme: &str,
    login: &Login,
    hosts: &[Host],
) -> fmt::Result {
    write!(f, "{scheme}://")?;
    let user = encode(login.shown().unwrap_or_default(), "*");
    match (&login.user, &login.password) {
        (None, None) => {}
        (_, None) => write!(f, "{user}@")?,
        (_, Some(_)) => write!(f, "{user}:***@")?,
    }
    for (i, host) in hosts.iter().enumerate() {
        write!(f, "{}{host}", if i == 0 { "" } else { "," })?;
    }
    Ok(())
}

fn options(f: &mut fmt::Formatter<'_>, options: &Options) -> fmt::Result {
    for (i, (name, value)) in options.shown().enumerate() {
        write!(f, "{}{name}={}", if i == 0 { '?' } else { '&' }, encode(value, "/:*"))?;
    }
    Ok(())
}
