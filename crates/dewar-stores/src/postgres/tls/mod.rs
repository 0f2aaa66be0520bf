//! TLS: what is wanted, and what the driver gets for it.

#[cfg(feature = "postgres-tls")]
mod binding;
#[cfg(feature = "postgres-tls")]
mod connect;
#[cfg(feature = "postgres-tls")]
mod trust;

use tokio_postgres::config;

use super::error::OpenError;

#[cfg(feature = "postgres-tls")]
pub(crate) use connect::{Connector, Stream, is_handshake};
#[cfg(not(feature = "postgres-tls"))]
pub(crate) use tokio_postgres::{NoTls as Connector, tls::NoTlsStream as Stream};

/// `sslmode`, in libpq's words. `require` is `VerifyFull`: what libpq means by it lets everybody be the
/// server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SslMode {
    Disable,
    #[default]
    Prefer,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    pub(super) fn of(word: &str) -> Option<Self> {
        match word {
            "disable" => Some(Self::Disable),
            "prefer" => Some(Self::Prefer),
            "verify-ca" => Some(Self::VerifyCa),
            "require" | "verify-full" => Some(Self::VerifyFull),
            _ => None,
        }
    }

    pub(super) fn for_driver(self) -> config::SslMode {
        match self {
            Self::Disable => config::SslMode::Disable,
            Self::Prefer => config::SslMode::Prefer,
            Self::VerifyCa | Self::VerifyFull => config::SslMode::Require,
        }
    }

    /// Whether it looks at the server's certificate, and goes nowhere without one.
    fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

/// What is wanted. The files are PEM.
#[derive(Clone, Default)]
pub(crate) struct Wanted {
    pub(super) mode: SslMode,
    pub(super) root: Option<Vec<u8>>,
    /// `sslrootcert=system`: there is no file, and yet somebody is to be looked at.
    pub(super) says_system: bool,
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) key: Option<Vec<u8>>,
}

impl Wanted {
    /// What opens connections as wanted.
    pub(super) fn connector(&self) -> Result<Connector, OpenError> {
        if (self.root.is_some() || self.says_system) && !self.mode.verifies() {
            return Err(OpenError::TlsOption {
                option: "sslrootcert",
                rule: "says whom to trust, and its sslmode trusts everybody; write \
                       sslmode=verify-full beside it",
            });
        }
        if self.certificate.is_some() != self.key.is_some() {
            return Err(OpenError::TlsOption {
                option: "sslcert",
                rule: "goes with sslkey; name both, or neither",
            });
        }
        #[cfg(feature = "postgres-tls")]
        return Connector::new(self);
        #[cfg(not(feature = "postgres-tls"))]
        self.none()
    }

    #[cfg(not(feature = "postgres-tls"))]
    fn none(&self) -> Result<Connector, OpenError> {
        if self.mode.verifies() {
            return Err(OpenError::MissingTls { option: "sslmode" });
        }
        if self.certificate.is_some() {
            return Err(OpenError::MissingTls { option: "sslcert" });
        }
        Ok(tokio_postgres::NoTls)
    }
}

/// Whether TLS itself failed, and not what came before or after.
#[cfg(not(feature = "postgres-tls"))]
pub(super) fn is_handshake(_: &tokio_postgres::Error) -> bool {
    false
}
