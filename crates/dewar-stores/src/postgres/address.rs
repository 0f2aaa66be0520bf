//! The address: what the driver reads of it, and the options of TLS, which the driver does not know.

use std::fs;

use tokio_postgres::{Config, config};

use super::{
    error::OpenError,
    tls::{SslMode, Wanted},
};

/// An address, read.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: Wanted,
}

impl Address {
    /// Reads an address and the files that it names. What `chosen` has already counts instead of it.
    pub(super) fn read(address: &str, chosen: Wanted) -> Result<Self, OpenError> {
        let (rest, said) = split(address)?;
        // What the driver says of the address may repeat a part of it.
        let mut config: Config = rest.parse().map_err(|_| OpenError::Address)?;
        if config.get_hosts().is_empty() {
            if config.get_hostaddrs().is_empty() {
                return Err(OpenError::Address);
            }
            // The name that a certificate has to be for.
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        let mode = match &said.mode {
            Some(word) => SslMode::of(word).ok_or(OpenError::TlsOption {
                option: "sslmode",
                rule: "cannot be what it is; write disable, prefer, require, verify-ca or \
                       verify-full",
            })?,
            None => mode_of(&config),
        };
        config.ssl_mode(mode.for_driver());
        let file = |chosen: Option<Vec<u8>>, option, file: Option<String>| match (chosen, file) {
            (None, Some(file)) => {
                fs::read(file).map(Some).map_err(|source| OpenError::TlsFile { option, source })
            }
            (chosen, _) => Ok(chosen),
        };
        let tls = Wanted {
            mode,
            says_system: said.root.as_deref() == Some("system"),
            root: file(chosen.root, "sslrootcert", said.root.filter(|file| file != "system"))?,
            certificate: file(chosen.certificate, "sslcert", said.certificate)?,
            key: file(chosen.key, "sslkey", said.key)?,
        };
        Ok(Self { config, tls })
    }
}

/// What the driver has read itself, of an address that is no URL.
fn mode_of(config: &Config) -> SslMode {
    match config.get_ssl_mode() {
        config::SslMode::Disable => SslMode::Disable,
        config::SslMode::Prefer => SslMode::Prefer,
        _ => SslMode::VerifyFull,
    }
}

/// What a URL says of TLS.
#[derive(Default)]
struct Said {
    mode: Option<String>,
    root: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

/// The address without these options, and they.
fn split(address: &str) -> Result<(String, Said), OpenError> {
    let mut said = Said::default();
    let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| address.starts_with(scheme));
    // Where the driver looks for it: a `?` may be in a password.
    let login = address.find('@').unwrap_or(0);
    let query = address[login..].find('?').filter(|_| is_url);
    let Some(query) = query else { return Ok((address.to_owned(), said)) };
    let (mut rest, query) = (address[..login + query].to_owned(), &address[login + query + 1..]);
    let mut sign = '?';
    for option in query.split('&') {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let part = match name {
            "sslmode" => &mut said.mode,
            "sslrootcert" => &mut said.root,
            "sslcert" => &mut said.certificate,
            "sslkey" => &mut said.key,
            _ => {
                rest.push(sign);
                rest.push_str(option);
                sign = '&';
                continue;
            }
        };
        *part = Some(decoded(value).ok_or(OpenError::Address)?);
    }
    Ok((rest, said))
}

/// The text that is meant, as the driver reads it: it is handed over as another option's.
fn decoded(value: &str) -> Option<String> {
    let config: Config = format!("postgres://u@h?application_name={value}").parse().ok()?;
    config.get_application_name().map(str::to_owned)
}
