//! What all connections of a store have in common.

use std::time::Duration;

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, RedisResult,
    io::tcp::TcpSettings,
};

use super::link::{Confirm, Endpoint};

/// Who asks.
#[derive(Clone, Default)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
}

/// What all connections of a store have in common.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) login: Login,
    pub(super) sentinel_login: Login,
    pub(super) database: i64,
    pub(super) tls: bool,
    #[cfg(feature = "redis-tls")]
    pub(super) root: Option<Vec<u8>>,
    pub(super) prefix: Vec<u8>,
    pub(super) timeout: Duration,
    pub(super) strict: Option<usize>,
    pub(super) strict_writes: bool,
    /// How much longer keys are kept, so that a sweep can tell of them; `None`: nobody sweeps.
    pub(super) tell_expired: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            login: Login::default(),
            sentinel_login: Login::default(),
            database: 0,
            tls: false,
            #[cfg(feature = "redis-tls")]
            root: None,
            prefix: b"dewar:".to_vec(),
            timeout: Duration::from_millis(1500),
            strict: None,
            strict_writes: false,
            tell_expired: None,
        }
    }
}

impl Options {
    /// How long one attempt may take, so that there is time for a second one.
    pub(super) fn attempt(&self) -> Duration {
        self.timeout / 2
    }

    /// How much longer than the grace a key is kept, in milliseconds.
    pub(super) fn kept_longer_ms(&self) -> u64 {
        self.tell_expired.map_or(0, |longer| u64::try_from(longer.as_millis()).unwrap_or(u64::MAX))
    }

    /// How those of a confirmed call are confirmed: within one attempt.
    pub(super) fn confirm(&self) -> Option<Confirm> {
        let wait_ms = u64::try_from(self.attempt().as_millis()).unwrap_or(1000) * 3 / 4;
        self.strict.map(|replicas| Confirm { replicas, wait_ms: wait_ms.max(1) })
    }

    /// Sentinels have logins of their own, and no databases.
    pub(super) fn of_sentinels(&self) -> Self {
        Self { login: self.sentinel_login.clone(), database: 0, ..self.clone() }
    }

    pub(super) fn client(&self, endpoint: &Endpoint) -> RedisResult<Client> {
        let Endpoint { host, port } = endpoint.clone();
        let address = if self.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let mut settings = RedisConnectionInfo::default().set_db(self.database);
        if let Some(user) = &self.login.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.login.password {
            settings = settings.set_password(password);
        }
        let info: ConnectionInfo = address.into_connection_info()?;
        let info = info
            .set_redis_settings(settings)
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        #[cfg(feature = "redis-tls")]
        if self.tls {
            let root_cert = self.root.clone();
            let certificates = redis::TlsCertificates { client_tls: None, root_cert };
            return Client::build_with_tls(info, certificates);
        }
        Client::open(info)
    }
}
