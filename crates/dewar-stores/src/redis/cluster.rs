//! Which node has which slot.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{Pipeline, Value};
use tokio::task::JoinSet;

use super::{
    fault::Fault,
    link::{Endpoint, Link, lock, text},
    options::Options,
};

pub(super) const SLOTS: u16 = 16_384;

/// A map younger than this is not fetched again only because one slot has moved.
const YOUNG: Duration = Duration::from_secs(1);

pub(super) struct Cluster {
    seeds: Vec<Endpoint>,
    options: Arc<Options>,
    map: RwLock<Arc<Map>>,
    links: Mutex<HashMap<Endpoint, Arc<Link>>>,
    /// How often somebody doubted the map; and how often that was when it was asked for last. A
    /// fetch that is given up in the midst of it settles nothing.
    doubts: AtomicU64,
    settled: AtomicU64,
    /// One fetches, the others wait for it; and when that failed last.
    fetching: tokio::sync::Mutex<Option<(Instant, Fault)>>,
}

/// The master of each slot, and all nodes, replicas too.
#[derive(Clone)]
struct Map {
    slots: Vec<Option<Arc<Link>>>,
    nodes: Vec<Endpoint>,
    fetched: Instant,
}

/// A map as a node tells it.
struct Told {
    /// Whether the node sees a majority, and how new its view is.
    rank: (bool, u64),
    ranges: Vec<Range>,
}

/// Slots that lie side by side, and the nodes that have them; the master is the first.
struct Range {
    first: u16,
    last: u16,
    nodes: Vec<Endpoint>,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Endpoint>, options: Arc<Options>) -> Self {
        let slots = vec![None; usize::from(SLOTS)];
        Self {
            seeds,
            options,
            map: RwLock::new(Arc::new(Map { slots, nodes: Vec::new(), fetched: Instant::now() })),
            links: Mutex::default(),
            doubts: AtomicU64::new(1),
            settled: AtomicU64::new(0),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// The master of a slot.
    pub(super) async fn master(&self, slot: u16) -> Result<Arc<Link>, Fault> {
        if self.is_doubted() {
            self.fetch().await?;
        }
        let found = self.map().slots.get(usize::from(slot)).cloned().flatten();
        found.ok_or_else(|| {
            self.doubt();
            Fault::Unfit(format!("no node of the cluster has slot {slot}"))
        })
    }

    /// Every master.
    pub(super) async fn masters(&self) -> Result<Vec<Arc<Link>>, Fault> {
        self.fetch().await?;
        let mut masters: Vec<Arc<Link>> = Vec::new();
        for master in self.map().slots.iter().flatten() {
            if !masters.iter().any(|known| Arc::ptr_eq(known, master)) {
                masters.push(Arc::clone(master));
            }
        }
        Ok(masters)
    }

    /// A node was silent or is no master: who has its slots must be asked.
    pub(super) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
    }

    fn is_doubted(&self) -> bool {
        self.doubts.load(Ordering::Acquire) != self.settled.load(Ordering::Acquire)
    }

    /// A node says that the slot is there now.
    pub(super) fn moved(&self, slot: u16, endpoint: Endpoint) -> Result<(), Fault> {
        let link = self.link(endpoint)?;
        let mut map = self.map.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut newer = Map::clone(&map);
        if let Some(place) = newer.slots.get_mut(usize::from(slot)) {
            *place = Some(link);
        }
        if newer.fetched.elapsed() > YOUNG {
            self.doubt();
        }
        *map = Arc::new(newer);
        Ok(())
    }

    /// The way to a node; there is one for each.
    pub(super) fn link(&self, endpoint: Endpoint) -> Result<Arc<Link>, Fault> {
        let mut links = lock(&self.links);
        if let Some(link) = links.get(&endpoint) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(Link::new(endpoint.clone(), Arc::clone(&self.options), false)?);
        links.insert(endpoint, Arc::clone(&link));
        Ok(link)
    }

    fn map(&self) -> Arc<Map> {
        Arc::clone(&self.map.read().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    async fn fetch(&self) -> Result<(), Fault> {
        let asked = Instant::now();
        let mut failed = self.fetching.lock().await;
        if !self.is_doubted() && self.map().fetched >= asked {
            return Ok(());
        }
        if let Some((_, fault)) = failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(fault.clone());
        }
        // Doubts that come from now on may be about the new map.
        let doubts = self.doubts.load(Ordering::Acquire);
        match self.ask_all().await.and_then(|told| self.take(told)) {
            Ok(()) => {
                *failed = None;
                self.settled.store(doubts, Ordering::Release);
                Ok(())
            }
            Err(fault) => {
                *failed = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }

    /// Asks every known node at once, and believes the newest view of the majority: a node that was
    /// cut off tells of old masters.
    async fn ask_all(&self) -> Result<Told, Fault> {
        let mut nodes = self.map().nodes.clone();
        nodes.extend(self.seeds.iter().cloned());
        nodes.sort_unstable_by(|a, b| (&a.host, a.port).cmp(&(&b.host, b.port)));
        nodes.dedup();
        let mut asked = JoinSet::new();
        for node in &nodes {
            let link = self.link(node.clone())?;
            asked.spawn(async move { tell(&link).await });
        }
        let majority = nodes.len() / 2 + 1;
        let mut answers = 0;
        let mut best: Option<Told> = None;
        let mut last = Fault::Unfit("no node of the cluster was named".to_owned());
        while let Some(answer) = asked.join_next().await {
            match answer {
                Ok(Ok(told)) => {
                    answers += 1;
                    if best.as_ref().is_none_or(|best| told.rank > best.rank) {
                        best = Some(told);
                    }
                    if answers == majority {
                        break;
                    }
                }
                Ok(Err(fault)) => last = fault,
                Err(_) => {}
            }
        }
        best.ok_or(last)
    }

    fn take(&self, told: Told) -> Result<(), Fault> {
        let mut slots = vec![None; usize::from(SLOTS)];
        let mut nodes = Vec::new();
        for range in told.ranges {
            let Some(master) = range.nodes.first() else { continue };
            let link = self.link(master.clone())?;
            for slot in range.first..=range.last {
                if let Some(place) = slots.get_mut(usize::from(slot)) {
                    *place = Some(Arc::clone(&link));
                }
            }
            nodes.extend(range.nodes);
        }
        // Nodes come and go, and those that are gone are not asked any more.
        lock(&self.links).retain(|node, _| nodes.contains(node) || self.seeds.contains(node));
        let mut map = self.map.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        *map = Arc::new(Map { slots, nodes, fetched: Instant::now() });
        Ok(())
    }
}

async fn tell(node: &Link) -> Result<Told, Fault> {
    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
    let mut answers = node.send(&pipeline).await?.into_iter();
    let info = match answers.next() {
        Some(Value::ServerError(error)) => return Err(Fault::Refused(error.into())),
        Some(info) => text(&info),
        None => return Err(Fault::Strange),
    };
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
    let epoch = field("cluster_current_epoch:").and_then(|epoch| epoch.trim().parse().ok());
    let is_whole = field("cluster_state:").is_some_and(|state| state.trim() == "ok");
    let Some(Value::Array(rows)) = answers.next() else { return Err(Fault::Strange) };
    let ranges = rows.iter().filter_map(|row| range(row, &node.endpoint.host)).collect();
    Ok(Told { rank: (is_whole, epoch.unwrap_or(0)), ranges })
}

/// `first, last, master, replicas…`; a node that does not know its own name says nothing there.
fn range(row: &Value, asked: &str) -> Option<Range> {
    let Value::Array(row) = row else { return None };
    let [Value::Int(first), Value::Int(last), nodes @ ..] = &row[..] else { return None };
    let node = |node: &Value| {
        let Value::Array(node) = node else { return None };
        let (host, port) = (text(node.first()?), text(node.get(1)?).parse().ok()?);
        let host = if host.is_empty() || host == "?" { asked.to_owned() } else { host };
        Some(Endpoint { host, port })
    };
    Some(Range {
        first: u16::try_from(*first).ok()?,
        last: u16::try_from(*last).ok()?,
        nodes: nodes.iter().map(node).collect::<Option<_>>()?,
    })
}

/// Whether this row of `CLUSTER SLOTS` says that the node has the slot, as its master.
pub(super) fn has(row: &Value, id: &str, slot: u16) -> bool {
    let Value::Array(row) = row else { return false };
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &row[..] else {
        return false;
    };
    (*first..=*last).contains(&i64::from(slot)) && master.get(2).is_some_and(|it| text(it) == id)
}

/// The slot of a key: of what stands between its first braces, if anything does.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|&byte| byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let close = rest.iter().position(|&byte| byte == b'}')?;
        (close > 0).then(|| &rest[..close])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM, as Cluster hashes.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, &byte| (sum << 8) ^ CRC16[usize::from((sum >> 8) as u8 ^ byte)])
}

const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut sum = (at as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 };
            bit += 1;
        }
        table[at] = sum;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::slot;

    /// As `CLUSTER KEYSLOT` answers.
    #[test]
    fn keys_hash_to_the_slots_of_the_specification() {
        assert_eq!(slot(b"123456789"), 0x31c3);
        assert_eq!(slot(b"foo"), 12_182);
        assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
        assert_eq!(slot(b"foo{}{bar}"), super::crc16(b"foo{}{bar}") % 16_384);
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_eq!(slot(b"foo{bar}{zap}"), slot(b"bar"));
    }
}
