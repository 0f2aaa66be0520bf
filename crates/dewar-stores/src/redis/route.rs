//! The way from a key to the node that has it.

use std::sync::Arc;

use redis::RedisError;

use super::{
    cluster::{self, Cluster},
    fault::Fault,
    link::{Endpoint, Link},
    sentinel::Sentinel,
};

pub(super) enum Route {
    One(Arc<Link>),
    Sentinel(Sentinel),
    Cluster(Cluster),
}

impl Route {
    /// The slot of a key; 0 where there are none.
    pub(super) fn slot(&self, key: &[u8]) -> u16 {
        match self {
            Self::Cluster(_) => cluster::slot(key),
            _ => 0,
        }
    }

    pub(super) async fn master(&self, slot: u16) -> Result<Arc<Link>, Fault> {
        match self {
            Self::One(link) => Ok(Arc::clone(link)),
            Self::Sentinel(sentinel) => sentinel.master().await,
            Self::Cluster(cluster) => cluster.master(slot).await,
        }
    }

    /// Every node that takes writes.
    pub(super) async fn masters(&self) -> Result<Vec<Arc<Link>>, Fault> {
        match self {
            Self::Cluster(cluster) => cluster.masters().await,
            _ => Ok(vec![self.master(0).await?]),
        }
    }

    /// This node gave no answer, or no master's.
    pub(super) fn doubt(&self, link: &Arc<Link>) {
        match self {
            Self::One(_) => {}
            Self::Sentinel(sentinel) => sentinel.doubt(link),
            Self::Cluster(cluster) => cluster.doubt(),
        }
    }

    /// Where a node sends the caller to, if it does: a link, and whether it is for this once.
    pub(super) fn redirected(
        &self,
        from: &Link,
        fault: &Fault,
    ) -> Result<Option<(Arc<Link>, bool)>, Fault> {
        let (Self::Cluster(cluster), Fault::Refused(error)) = (self, fault) else {
            return Ok(None);
        };
        let Some((endpoint, slot)) = target(error, from) else { return Ok(None) };
        let once = error.code() == Some("ASK");
        if !once {
            cluster.moved(slot, endpoint.clone())?;
        }
        cluster.link(endpoint).map(|link| Some((link, once)))
    }
}

/// `slot host:port`; without a host it is the one that says so.
fn target(error: &RedisError, from: &Link) -> Option<(Endpoint, u16)> {
    let (address, slot) = error.redirect_node()?;
    let (host, port) = address.rsplit_once(':')?;
    let host = if host.is_empty() || host == "?" { &from.endpoint.host } else { host };
    Some((Endpoint { host: host.to_owned(), port: port.parse().ok()? }, slot))
}
