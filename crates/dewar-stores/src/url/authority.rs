//! `user:password@host:port,host:port`.

use std::{fmt, net::Ipv6Addr};

use super::{error::UrlError, percent};

/// Who asks. Its `Debug` does not show the password, nor a user without one: that may be the password.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// The user's name, if there is one.
    pub user: Option<String>,
    /// The password, if there is one.
    pub password: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| "hidden");
        f.debug_struct("Login").field("user", &self.shown()).field("password", &password).finish()
    }
}

impl Login {
    /// The user as it may be shown. A password whose colon was forgotten stands in the user's place.
    pub(super) fn shown(&self) -> Option<&str> {
        let user = self.user.as_deref();
        if self.password.is_some() { user } else { user.map(|_| "***") }
    }
}

/// A machine, and the port on it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Host {
    /// A name or an address; an IPv6 address without its brackets.
    pub name: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.starts_with('/') {
            write!(f, "{}:{}", percent::encode(&self.name, ""), self.port)
        } else if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

/// What every URL with a network in it has.
pub(super) struct Authority<'u> {
    pub(super) login: Login,
    pub(super) hosts: Vec<Host>,
    /// Without the slash before it.
    pub(super) path: &'u str,
}

impl<'u> Authority<'u> {
    /// Reads what follows the scheme's colon, with the options taken away.
    ///
    /// No error shows a port: in `redis://user:password` it is what was meant as a password.
    pub(super) fn read(scheme: &'static str, text: &'u str, port: u16) -> Result<Self, UrlError> {
        let text = text.strip_prefix("//").ok_or(UrlError::NoSlashes { scheme })?;
        let (authority, path) = text.split_once('/').unwrap_or((text, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (login_of(login)?, hosts),
            None => (Login::default(), authority),
        };
        // Postgres may know users by their name alone. A Redis does not.
        if login.user.is_some() && login.password.is_none() && !scheme.contains("postgres") {
            return Err(UrlError::NoColonInLogin { scheme });
        }
        let hosts = hosts.split(',').map(|host| host_of(scheme, host, port));
        Ok(Self { login, hosts: hosts.collect::<Result<_, _>>()?, path })
    }
}

/// A password with an unescaped `/`, `?` or `#` ends before its `@`: what follows is then no path.
///
/// To be asked of the whole rest of a URL, before anything of it can reach an error.
pub(super) fn ensure_escaped(rest: &str) -> Result<(), UrlError> {
    let body = rest.strip_prefix("//").unwrap_or(rest);
    match body.find(['/', '?', '#']) {
        Some(end) if body[end..].contains('@') => Err(UrlError::Unescaped),
        Some(end) if body[end..].contains('#') => Err(UrlError::Fragment),
        _ => Ok(()),
    }
}

fn login_of(text: &str) -> Result<Login, UrlError> {
    if text.contains('@') {
        return Err(UrlError::Unescaped);
    }
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(percent::decode(password, "the password")?)),
        None => (text, None),
    };
    let user = percent::decode(user, "the user")?;
    Ok(Login { user: Some(user).filter(|user| !user.is_empty()), password })
}

fn host_of(scheme: &'static str, text: &str, default: u16) -> Result<Host, UrlError> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or(UrlError::Ipv6)?;
            let address: Ipv6Addr = address.parse().map_err(|_| UrlError::Ipv6)?;
            let port = match port {
                "" => None,
                port => Some(port.strip_prefix(':').ok_or(UrlError::Ipv6)?),
            };
            (address.to_string(), port)
        }
        None => match text.split_once(':') {
            Some((_, port)) if port.contains(':') => return Err(UrlError::Ipv6),
            Some((name, port)) => (name.to_owned(), Some(port)),
            None => (text.to_owned(), None),
        },
    };
    if name.is_empty() {
        return Err(UrlError::NoHost { scheme });
    }
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    let is_socket = scheme.starts_with("postgres") && name.to_ascii_lowercase().starts_with("%2f");
    let name = if is_socket { percent::decode(&name, "the socket's folder")? } else { name };
    if !is_socket && !name.chars().all(is_good) {
        return Err(UrlError::BadHost);
    }
    let port = match port {
        None => default,
        Some(port) if !port.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Err(UrlError::Port);
        }
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or(UrlError::Port)?,
    };
    Ok(Host { name, port })
}
