//! What can be chosen about a store.

use std::{fmt, ops::RangeInclusive, sync::Arc, time::Duration};

use redis::{ConnectionAddr, IntoConnectionInfo};

use super::{
    cluster::Cluster,
    error::OpenError,
    fault::Fault,
    link::{Endpoint, Link},
    options::{Login, Options},
    route::Route,
    script::Scripts,
    sentinel::Sentinel,
    store::{Inner, RedisStore},
};

/// A way to break a promise, for the test that must notice.
#[cfg(feature = "sabotage")]
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sabotage {
    /// An update writes over whatever version is there.
    UpdateWithoutVersion,
    /// A delete deletes.
    DeleteWithoutTombstone,
    /// A delete that finds a tombstone leaves it as it is, so that nothing confirms it.
    RepeatedDeleteWritesNothing,
    /// A touch leaves Redis's own expiry where it is.
    TouchKeepsExpiry,
    /// A strict store does not wait for its replicas.
    NeverWait,
    /// A sweep forgets what it saw expired, whatever became of it meanwhile.
    SweepByOldDeadline,
    /// A sweep tells of what somebody else has taken away.
    SweepTellsWhatItSaw,
}

/// How much longer keys may be kept for a sweep.
const TOLD: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(30 * 24 * 60 * 60);

/// Where the nodes are.
#[derive(Clone)]
enum Nodes {
    One(Endpoint),
    Sentinel { service: String, sentinels: Vec<Endpoint> },
    Cluster(Vec<Endpoint>),
}

/// Options of a [`RedisStore`].
#[derive(Clone)]
#[must_use = "it connects to nothing before `connect` is called"]
pub struct RedisStoreBuilder {
    nodes: Result<Nodes, ()>,
    options: Options,
    #[cfg(feature = "sabotage")]
    sabotage: Option<Sabotage>,
}

impl RedisStoreBuilder {
    pub(super) fn of_url(url: &str) -> Self {
        let mut builder = Self::of_node(String::new(), 0);
        let Ok(info) = url.into_connection_info() else {
            return Self { nodes: Err(()), ..builder };
        };
        let settings = info.redis_settings();
        builder.options.database = settings.db();
        builder.options.login = Login {
            user: settings.username().map(str::to_owned),
            password: settings.password().map(str::to_owned),
        };
        builder.nodes = match info.addr().clone() {
            ConnectionAddr::Tcp(host, port) => Ok(Nodes::One(Endpoint { host, port })),
            // Its `#insecure` is not heeded: TLS that believes everybody keeps nobody out.
            ConnectionAddr::TcpTls { host, port, .. } => {
                builder.options.tls = true;
                Ok(Nodes::One(Endpoint { host, port }))
            }
            _ => Err(()),
        };
        builder
    }

    pub(super) fn of_node(host: String, port: u16) -> Self {
        Self {
            nodes: Ok(Nodes::One(Endpoint { host, port })),
            options: Options::default(),
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }
    }

    /// Asks these sentinels who is the master of this service, now and whenever it fails. The node
    /// that the builder was begun with is not asked.
    ///
    /// Name them all: the newest view of a majority counts.
    pub fn sentinel<H: Into<String>>(
        mut self,
        service: impl Into<String>,
        nodes: impl IntoIterator<Item = (H, u16)>,
    ) -> Self {
        self.nodes = Ok(Nodes::Sentinel { service: service.into(), sentinels: endpoints(nodes) });
        self
    }

    /// The user and password of the sentinels, if they ask for one. Default: none; those of
    /// [`user`](Self::user) are for the servers alone.
    pub fn sentinel_user(mut self, name: Option<&str>, password: impl Into<String>) -> Self {
        self.options.sentinel_login =
            Login { user: name.map(str::to_owned), password: Some(password.into()) };
        self
    }

    /// The cluster that these nodes belong to; a few are enough, the others are found.
    pub fn cluster<H: Into<String>>(mut self, nodes: impl IntoIterator<Item = (H, u16)>) -> Self {
        self.nodes = Ok(Nodes::Cluster(endpoints(nodes)));
        self
    }

    /// The database number. Default: that of the URL, or 0. A cluster has only 0.
    pub fn database(mut self, number: i64) -> Self {
        self.options.database = number;
        self
    }

    /// Who logs in; without a name it is Redis's user `default`. Default: that of the URL, or nobody.
    ///
    /// What it must be allowed to: the keys of the prefix, `+@read +@write +@scripting +@connection
    /// +wait +role +info +scan +time`, with Cluster `+cluster`, and a strict store `+config|get`.
    pub fn user(mut self, name: Option<&str>, password: impl Into<String>) -> Self {
        self.options.login =
            Login { user: name.map(str::to_owned), password: Some(password.into()) };
        self
    }

    /// What every key begins with. Default: `dewar:`.
    ///
    /// Two applications on one database need two, and neither may be the other's beginning.
    pub fn prefix(mut self, prefix: impl Into<Vec<u8>>) -> Self {
        self.options.prefix = prefix.into();
        self
    }

    /// Whether connections are encrypted, those to sentinels too. Default: as the URL says.
    ///
    /// It needs the feature `redis-tls`. Unless the program has chosen rustls's provider of
    /// cryptography, [`connect`](Self::connect) makes it `ring`.
    pub fn tls(mut self, tls: bool) -> Self {
        self.options.tls = tls;
        self
    }

    /// The certificate that signs the servers' ones, as PEM. Default: those that the operating
    /// system trusts.
    #[cfg(feature = "redis-tls")]
    pub fn tls_root(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.options.root = Some(pem.into());
        self
    }

    /// How long a call may take. Default: 1.5 seconds; more than a minute counts as a minute.
    ///
    /// A single attempt to connect or to be answered has half of it. Keep it below the time that the
    /// session layer gives a call (2 seconds), or errors say less; with [`strict`](Self::strict) a layer
    /// that gives a call less time is not built, for it would take for confirmed what it only found.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout.clamp(Duration::from_millis(10), Duration::from_secs(60));
        self
    }

    /// What ends a session counts as done only when so many replicas have it: `delete`, `supersede`,
    /// and the notes of a user's sessions. Name **all** that are configured: whichever is promoted
    /// then has it. Default: not strict.
    ///
    /// While a replica is missing, such calls fail with
    /// [`NotReplicated`](dewar::store::StoreErrorKind::NotReplicated). Each waits for a round trip of
    /// the replicas, on a connection of its own. `min-replicas-to-write` must be at least 1 on every
    /// master, so that one that is cut off refuses: it is checked whenever such a connection is
    /// opened.
    pub fn strict(mut self, replicas: usize) -> Self {
        self.options.strict = Some(replicas);
        self
    }

    /// `create` and `update` wait for the replicas too. Default: no. It needs
    /// [`strict`](Self::strict).
    pub fn strict_writes(mut self, strict: bool) -> Self {
        self.options.strict_writes = strict;
        self
    }

    /// Lets the store tell of sessions that expired: it becomes a [`Sweep`](dewar::store::Sweep), and
    /// keys are kept so much longer after their end. Default: not, Redis forgets by itself and tells
    /// nobody. From a second to 30 days.
    ///
    /// A sweep walks through all keys of the database, a few hundred at a time, and leaves the
    /// server three quarters of the time to others; the module says what it costs. Run it with
    /// [`keep_swept`](dewar::SessionLayer::keep_swept), and choose twice its `every` at least, plus
    /// what a walk takes: what nobody has swept until its key is gone is told by nobody. Writes cost
    /// nothing more.
    ///
    /// All nodes that write need the same, or their sessions may go untold.
    pub fn tell_expired(mut self, longer: Duration) -> Self {
        self.options.tell_expired = Some(longer);
        self
    }

    #[cfg(feature = "sabotage")]
    #[doc(hidden)]
    pub fn sabotage(mut self, sabotage: Sabotage) -> Self {
        self.sabotage = Some(sabotage);
        self
    }

    /// Connects, and looks whether it is what it should be.
    ///
    /// # Errors
    /// If options contradict each other, no node answers, the user is refused or may not use the keys of
    /// the prefix, or a strict store
    /// finds a master without `min-replicas-to-write`; see [`OpenError`].
    pub async fn connect(self) -> Result<RedisStore, OpenError> {
        let scripts = self.scripts();
        let never_waits = self.never_waits();
        let Self { nodes, mut options, .. } = self;
        let nodes = nodes.map_err(|()| OpenError::Url)?;
        check(&nodes, &options)?;
        #[cfg(feature = "redis-tls")]
        if options.tls {
            // Without one, and with two linked in, rustls would panic. Fails if there is one already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let strict = options.strict.is_some();
        if never_waits {
            options.strict = None;
        }
        let options = Arc::new(options);
        let route = match nodes {
            Nodes::One(node) => {
                Link::new(node, Arc::clone(&options), false).map(|link| Route::One(Arc::new(link)))
            }
            Nodes::Sentinel { service, sentinels } => {
                Sentinel::new(service, sentinels, Arc::clone(&options)).map(Route::Sentinel)
            }
            Nodes::Cluster(seeds) => Ok(Route::Cluster(Cluster::new(seeds, Arc::clone(&options)))),
        };
        let failed = |fault: Fault| fault.into_open_error(options.tls);
        let route = route.map_err(failed)?;
        // The name of a session that nobody has.
        let key = [&options.prefix[..], &[0; 32]].concat();
        for master in route.masters().await.map_err(failed)? {
            master.check(strict, &key).await.map_err(failed)?;
        }
        Ok(RedisStore(Arc::new(Inner { options, route, scripts, walk: Default::default() })))
    }

    /// Always false, but in the test that must notice.
    fn never_waits(&self) -> bool {
        #[cfg(feature = "sabotage")]
        return self.sabotage == Some(Sabotage::NeverWait);
        #[cfg(not(feature = "sabotage"))]
        false
    }

    fn scripts(&self) -> Scripts {
        #[cfg(feature = "sabotage")]
        if let Some(sabotage) = self.sabotage {
            return Scripts::broken(sabotage);
        }
        Scripts::new()
    }
}

fn endpoints<H: Into<String>>(nodes: impl IntoIterator<Item = (H, u16)>) -> Vec<Endpoint> {
    nodes.into_iter().map(|(host, port)| Endpoint { host: host.into(), port }).collect()
}

fn check(nodes: &Nodes, options: &Options) -> Result<(), OpenError> {
    let wrong = |option, value: String, rule| Err(OpenError::Option { option, value, rule });
    match nodes {
        Nodes::Sentinel { sentinels: nodes, .. } | Nodes::Cluster(nodes) if nodes.is_empty() => {
            return wrong("the list of nodes", "empty".to_owned(), "name at least one");
        }
        Nodes::Cluster(_) if options.database != 0 => {
            let rule = "a cluster has only database 0; choose another prefix instead";
            return wrong("database", options.database.to_string(), rule);
        }
        _ => {}
    }
    if options.database < 0 {
        let rule = "databases are counted from 0";
        return wrong("database", options.database.to_string(), rule);
    }
    if options.strict == Some(0) {
        let rule = "name all replicas that are configured, or leave it out";
        return wrong("strict", "0 replicas".to_owned(), rule);
    }
    if options.strict_writes && options.strict.is_none() {
        let rule = "say by strict(…) how many replicas must confirm";
        return wrong("strict_writes", "true".to_owned(), rule);
    }
    if let Some(longer) = options.tell_expired.filter(|longer| !TOLD.contains(longer)) {
        let rule = "choose from a second to 30 days: how much longer keys are kept";
        return wrong("tell_expired", format!("{longer:?}"), rule);
    }
    if options.tls && cfg!(not(feature = "redis-tls")) {
        let rule = "this program is built without it; rebuild with --features redis-tls";
        return wrong("tls", "true".to_owned(), rule);
    }
    #[cfg(feature = "redis-tls")]
    if options.root.as_deref().is_some_and(|pem| !is_certificate(pem)) {
        let rule =
            "name the file of a certificate, with BEGIN CERTIFICATE and END CERTIFICATE in it";
        return wrong("tls_root", "what holds no certificate in PEM".to_owned(), rule);
    }
    Ok(())
}

#[cfg(feature = "redis-tls")]
fn is_certificate(pem: &[u8]) -> bool {
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.is_ok_and(|all| !all.is_empty())
}

/// Without the logins.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("database", &self.options.database)
            .field("timeout", &self.options.timeout)
            .field("strict", &self.options.strict)
            .finish_non_exhaustive()
    }
}
