//! Masters die under Sentinel and in a cluster, while many write.
//!
//! `DEWAR_KILLS=100 cargo test -p dewar-stores --test redis_failover -- --nocapture` for a long run;
//! it prints what was lost.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::time::{Duration, Instant};

use dewar_stores::redis::{RedisStore, RedisStoreBuilder, Sabotage};
use dewar_testdata::redis::{Cluster, Node, Sentinels};
use support::failover::{Losses, Writers, kills};
use tokio::time::sleep;

/// Every second master is cut off from its replicas before it dies, for so long.
const CUT_OFF: Duration = Duration::from_millis(300);

/// How long before a master died or was cut off something may have been acknowledged and be lost: as
/// long as its replicas are behind. It is milliseconds; here others use the processor, too.
const BEHIND: Duration = Duration::from_secs(1);

const SAFE: [&str; 2] = ["--min-replicas-to-write", "1"];

/// When a master was cut off, when it was dead, and when the others had taken over.
struct Death {
    was_cut_off: bool,
    begun: Instant,
    dead: Instant,
    over: Instant,
}

/// A master dies: at once, or cut off from its replicas first.
async fn die(number: usize, master: &Node, replicas: &[&Node], writers: &Writers) -> Death {
    let (begun, was_cut_off) = (Instant::now(), number % 2 == 1);
    if was_cut_off {
        replicas.iter().for_each(|replica| replica.pause());
        master.cut_off();
        // Whoever does not wait for replicas goes on.
        let before = writers.acknowledged();
        sleep(CUT_OFF).await;
        assert!(writers.acknowledged() > before, "nobody wrote while the master was cut off");
    }
    master.kill();
    replicas.iter().for_each(|replica| replica.resume());
    Death { was_cut_off, begun, dead: Instant::now(), over: Instant::now() }
}

/// What all acknowledged, and what is left of it: at the default level, at the strict one, and at one
/// that says it is strict and does not wait.
struct Levels {
    builder: fn(RedisStoreBuilder, usize) -> RedisStoreBuilder,
    replicas: usize,
    writers: [Writers; 3],
}

impl Levels {
    async fn start(base: &RedisStoreBuilder, replicas: usize) -> Self {
        let strict = |builder: RedisStoreBuilder, replicas| {
            builder.prefix("strict:").strict(replicas).strict_writes(true)
        };
        let usual = base.clone().connect().await.unwrap();
        let safe = strict(base.clone(), replicas).connect().await.unwrap();
        let broken = strict(base.clone(), replicas).prefix("broken:").sabotage(Sabotage::NeverWait);
        let broken = broken.connect().await.unwrap();
        let writers = [&usual, &safe, &broken].map(Writers::start);
        Self { builder: strict, replicas, writers }
    }

    /// Until everybody writes again.
    async fn go_on(&self) {
        for writers in &self.writers {
            writers.go_on(30).await;
        }
        sleep(BEHIND).await;
    }

    async fn look(self, what: &str, base: &RedisStoreBuilder, deaths: &[Death]) {
        self.writers.iter().for_each(Writers::stop);
        let [usual, safe, broken] = self.writers;
        let fresh = base.clone().connect().await.unwrap();
        let usual = usual.look(&fresh).await;
        let fresh = (self.builder)(base.clone(), self.replicas).connect().await.unwrap();
        let safe = safe.look(&fresh).await;
        let fresh = base.clone().prefix("broken:").connect().await.unwrap();
        let broken = broken.look(&fresh).await;
        println!("{what}, {} masters died:", deaths.len());
        for (level, losses) in [("default", &usual), ("strict", &safe), ("never waits", &broken)] {
            let Losses { acknowledged, lost, revived } = losses;
            let before = lost.iter().filter_map(|at| Some(death_of(*at, deaths)?.dead - *at)).max();
            let at_once = lost.iter().filter_map(|at| death_of(*at, deaths));
            println!(
                "  {level}: of {acknowledged} sessions {} lost an acknowledged write, {} of them with a \
                 master that was not cut off before, and {revived} live that had ended; the oldest was \
                 acknowledged {:?} before its master was dead",
                lost.len(),
                at_once.filter(|death| !death.was_cut_off).count(),
                before.unwrap_or_default(),
            );
        }
        assert!(safe.lost.is_empty(), "{} acknowledged strict writes are lost", safe.lost.len());
        assert_eq!(safe.revived, 0);
        assert!(!broken.lost.is_empty(), "the test would not notice a store that does not wait");
        for at in usual.lost {
            assert!(death_of(at, deaths).is_some(), "lost, and no master died then");
        }
    }
}

/// The death that explains why something that was acknowledged at this moment is lost: from when the
/// master had no replicas that kept up with it, until the others have taken over. Also meanwhile
/// Sentinel may depose one that is alive.
fn death_of(at: Instant, deaths: &[Death]) -> Option<&Death> {
    let explains = |death: &&Death| at + BEHIND > death.begun && at < death.over;
    deaths.iter().find(explains)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn masters_die_under_sentinel_and_nothing_strict_is_lost() {
    let Some(sentinels) = Sentinels::start(&SAFE, None) else { return };
    let base = RedisStore::at("", 0).sentinel(sentinels.service(), sentinels.addresses());
    let levels = Levels::start(&base, 2).await;
    let mut deaths = Vec::new();
    for number in 0..kills() {
        levels.go_on().await;
        let master = sentinels.master().unwrap();
        let mut replicas: Vec<_> = sentinels.servers().iter().collect();
        replicas.retain(|node| node.port() != master.port());
        let mut death = die(number, master, &replicas, &levels.writers[0]).await;
        sentinels.wait_for_another_than(master.port());
        // With one replica less: only whoever needs all of them cannot write.
        levels.writers[0].go_on(30).await;
        sentinels.rejoin(master);
        death.over = Instant::now();
        deaths.push(death);
    }
    levels.go_on().await;
    levels.look("Sentinel", &base, &deaths).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn masters_die_in_a_cluster_and_nothing_strict_is_lost() {
    let Some(cluster) = Cluster::start(&SAFE) else { return };
    let base = RedisStore::at("", 0).cluster(cluster.addresses());
    let levels = Levels::start(&base, 1).await;
    let mut deaths = Vec::new();
    for number in 0..kills() {
        levels.go_on().await;
        let masters = cluster.masters();
        let master = masters[number % masters.len()];
        let port = master.port().to_string();
        let mut nodes = cluster.nodes().iter();
        let replica = nodes.find(|node| node.info("master_port") == port).unwrap();
        let mut death = die(number, master, &[replica], &levels.writers[0]).await;
        dewar_testdata::redis::wait_until("the replica takes over", || {
            replica.info("role") == "master"
                && replica.ask(&["CLUSTER", "INFO"]).text().contains("cluster_state:ok")
        });
        // The slots of the other masters, for whoever waits for replicas.
        levels.writers[1].go_on(10).await;
        master.restart();
        cluster.wait_until_whole();
        death.over = Instant::now();
        deaths.push(death);
    }
    levels.go_on().await;
    levels.look("Cluster", &base, &deaths).await;
}
