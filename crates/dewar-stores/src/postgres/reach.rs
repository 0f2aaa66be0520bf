//! How a server is reached: the one way to it, for every connection.

use std::time::Duration;

use tokio_postgres::{
    Client, Config, Connection, Error, Socket,
    config::{LoadBalanceHosts, SslMode, TargetSessionAttrs},
};

use super::{
    address::Address,
    error::OpenError,
    tls::{self, Connector, Stream, Wanted},
};

/// What carries the messages; nothing moves while nobody polls it.
pub(crate) type Carrier = Connection<Socket, Stream>;

/// An address that is understood, and how it is spoken to.
pub(crate) struct Reach {
    config: Config,
    connector: Connector,
}

impl Reach {
    /// Reads the address, and the files that it names.
    pub(crate) fn new(
        address: &str,
        chosen: Wanted,
        connect_timeout: Duration,
    ) -> Result<Self, OpenError> {
        let Address { mut config, tls } = Address::read(address, chosen)?;
        if config.get_application_name().is_none() {
            config.application_name("dewar");
        }
        // A standby's records are old, and it takes no writes.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(connect_timeout);
        Ok(Self { config, connector: tls.connector()? })
    }

    /// How many hosts are named.
    pub(super) fn hosts(&self) -> u32 {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len());
        u32::try_from(hosts).unwrap_or(1).max(1)
    }

    /// Connects to the one of the hosts that takes writes.
    ///
    /// `again` after an attempt that failed: then the hosts are tried in another order, because one
    /// that takes the connection and says nothing would use up all the time.
    #[allow(
        clippy::clone_on_copy,
        reason = "the connector without TLS can be copied, the other not"
    )]
    pub(crate) async fn connect(&self, again: bool) -> Result<(Client, Carrier), Error> {
        let mut config = self.config.clone();
        if again {
            config.load_balance_hosts(LoadBalanceHosts::Random);
        }
        match config.connect(self.connector.clone()).await {
            // As libpq: who prefers TLS takes what there is.
            Err(error) if config.get_ssl_mode() == SslMode::Prefer && tls::is_handshake(&error) => {
                config.ssl_mode(SslMode::Disable);
                config.connect(self.connector.clone()).await
            }
            connected => connected,
        }
    }
}
