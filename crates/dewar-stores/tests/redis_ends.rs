//! Each session that expires in Redis ends once: with two nodes that sweep, and with visitors who come
//! with its cookie at the same moment.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    routing::get,
};
use dewar::{
    Clock, EndedBy, Event, Session, SessionLayer, StoreKey,
    store::{Loaded, Record, Scan, Store, Sweep},
};
use dewar_stores::redis::{RedisStore, Sabotage};
use dewar_testdata::redis::{Cluster, Node, wait_until};
use support::{
    chance::Chance,
    redis::{now_ms, on},
};
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// The machine's clock, moved: Redis goes by the machine's.
#[derive(Clone, Debug, Default)]
struct Ahead(Arc<Mutex<Duration>>);

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        SystemTime::now() + *self.0.lock().unwrap()
    }
}

/// One process of an application, and the ends that it told.
struct App {
    layer: SessionLayer,
    router: Router,
    told: Arc<Mutex<Vec<StoreKey>>>,
    clock: Ahead,
}

impl App {
    async fn on(node: &Node, sabotage: Option<Sabotage>) -> Self {
        let mut store = on(node).tell_expired(Duration::from_secs(600)).timeout(PATIENCE);
        if let Some(sabotage) = sabotage {
            store = store.sabotage(sabotage);
        }
        let (told, clock) = (Arc::<Mutex<Vec<_>>>::default(), Ahead::default());
        let ends = Arc::clone(&told);
        let store = store.connect().await.unwrap();
        let layer = SessionLayer::server("9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG", store)
            .clock(clock.clone())
            .on_event(move |event| {
                if let Event::SessionEnded { session, by } = event {
                    assert_eq!(*by, EndedBy::Expired);
                    ends.lock().unwrap().push(*session);
                }
            })
            .build()
            .unwrap();
        let visit = async |session: Session| session.set("visits", 1);
        let router = Router::new().route("/", get(visit)).layer(layer.clone());
        Self { layer, router, told, clock }
    }

    fn told(&self) -> Vec<StoreKey> {
        self.told.lock().unwrap().clone()
    }

    fn visit(&self, cookie: &str) -> JoinHandle<Option<String>> {
        let request = Request::get("/").header(header::COOKIE, cookie).body(Body::empty()).unwrap();
        let router = self.router.clone();
        tokio::spawn(async move {
            let response = router.oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            let set = response.headers().get(header::SET_COOKIE)?.to_str().unwrap();
            set.split(';').next().map(str::to_owned)
        })
    }

    fn sweeps(&self) -> JoinHandle<()> {
        let layer = self.layer.clone();
        tokio::spawn(async move { layer.keep_swept(Duration::from_millis(20)).await })
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
const SESSIONS: usize = 20;
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    OneNode,
    TheOther,
    Visitors,
}

/// The sessions, and what each has told, if all were held back by the server and let go in this order.
async fn all_at_once(
    node: &Node,
    order: [Who; 3],
    sabotage: Option<Sabotage>,
) -> (BTreeSet<StoreKey>, [Vec<StoreKey>; 3]) {
    node.ask(&["FLUSHALL"]);
    let app = || App::on(node, sabotage);
    let apps = [app().await, app().await, app().await];
    let [one, other, visitors] = &apps;
    let mut cookies = Vec::new();
    for _ in 0..SESSIONS {
        cookies.push(visitors.visit("").await.unwrap().unwrap());
    }
    let there = keys(node).await;
    assert_eq!(there.len(), SESSIONS);
    apps.iter().for_each(|app| *app.clock.0.lock().unwrap() = 3 * HOUR);

    node.ask(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    let (mut sweeps, mut visits) = (Vec::new(), Vec::new());
    for (number, who) in order.iter().enumerate() {
        match who {
            Who::OneNode => sweeps.push(one.sweeps()),
            Who::TheOther => sweeps.push(other.sweeps()),
            Who::Visitors => visits.extend(cookies.iter().map(|cookie| visitors.visit(cookie))),
        }
        wait_until("the server holds them back", || {
            node.info("blocked_clients") == (number + 1).to_string()
        });
    }
    assert_eq!(apps.iter().map(|app| app.told().len()).sum::<usize>(), 0, "all are under way");
    node.ask(&["CLIENT", "UNPAUSE"]);
    for visit in visits {
        // He gets a session of his own, or the old one would not have ended.
        visit.await.unwrap().unwrap();
    }
    let walks = || node.info("cmdstat_scan").split([',', '=']).nth(1).unwrap().parse::<u64>();
    let before = walks().unwrap();
    wait_until("both have swept again", || walks().unwrap() >= before + 6);
    for sweep in sweeps {
        assert!(!sweep.is_finished());
        sweep.abort();
    }
    (there, [one, other, visitors].map(App::told))
}

/// Who told how many; each of them is told once.
async fn told_once(node: &Node, order: [Who; 3]) -> [usize; 3] {
    let (there, told) = all_at_once(node, order, None).await;
    let all = told.concat();
    assert_eq!(all.len(), SESSIONS, "{order:?}: each is told once");
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), there, "{order:?}");
    told.map(|told| told.len())
}

/// The sessions that are there.
async fn keys(node: &Node) -> BTreeSet<StoreKey> {
    let page = on(node).connect().await.unwrap().scan(None, 1000).await.unwrap();
    assert!(page.found.iter().all(|(_, found)| matches!(found, Ok(Loaded::Live(_)))));
    page.found.into_iter().map(|(key, _)| key).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_session_that_expires_ends_once_whoever_comes_first() {
    let Some(node) = Node::start(&[]) else { return };
    use Who::{OneNode, TheOther, Visitors};
    // The server gets to know the scripts: one it does not know is sent again, behind the others.
    told_once(&node, [OneNode, TheOther, Visitors]).await;
    let told = told_once(&node, [OneNode, TheOther, Visitors]).await;
    assert_eq!(told, [SESSIONS, 0, 0]);
    let told = told_once(&node, [TheOther, Visitors, OneNode]).await;
    assert_eq!(told, [0, SESSIONS, 0]);
    let told = told_once(&node, [Visitors, OneNode, TheOther]).await;
    // The first of them; the others ask behind the sweep.
    assert!(told[2] > 0, "{told:?}");
}

/// Were a sweep to tell what it saw, and not what it took away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sweeps_that_tell_what_they_saw_are_caught() {
    let Some(node) = Node::start(&[]) else { return };
    let order = [Who::OneNode, Who::TheOther, Who::Visitors];
    let broken = Some(Sabotage::SweepTellsWhatItSaw);
    all_at_once(&node, order, broken).await;
    let (_, told) = all_at_once(&node, order, broken).await;
    assert_eq!(told.map(|told| told.len()), [SESSIONS, SESSIONS, 0]);
}

/// A planned failover: nothing is lost, and the walk was on the node that is no master any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_of_a_cluster_goes_on_with_the_new_master_and_tells_nothing_twice() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let store = RedisStore::at("", 0).cluster(cluster.addresses());
    let store = store.tell_expired(Duration::from_secs(600)).connect().await.unwrap();
    let (mut chance, mut there, mut told) = (Chance::new(), BTreeSet::new(), BTreeSet::new());
    let past = Record { idle_deadline_ms: now_ms() - 1000, ..support::record(1, "a") };
    let past = Record { absolute_deadline_ms: now_ms(), ..past };
    for _ in 0..600 {
        let key = StoreKey::from_bytes(chance.bytes());
        store.create(&key, &past).await.unwrap();
        there.insert(key);
    }
    let swept_ms = now_ms() + 300_001;
    for key in store.sweep(swept_ms, 100).await.unwrap().expired {
        assert!(told.insert(key));
    }
    for replica in cluster.nodes().iter().filter(|node| node.info("role") == "slave") {
        assert_eq!(replica.ask(&["CLUSTER", "FAILOVER"]).text(), "OK");
        wait_until("the replica is the master", || replica.info("role") == "master");
    }
    wait_until("all agree", || cluster.masters().len() == 3);
    for _ in 0..20 {
        // The first may fail; `keep_swept` tries again the next time.
        let Ok(swept) = store.sweep(swept_ms, 100).await else { continue };
        for key in swept.expired {
            assert!(told.insert(key), "told twice");
        }
    }
    assert_eq!(told, there);
}

/// As it is by default: nobody tells, and `keep_swept` has nothing to do.
#[tokio::test]
async fn without_the_option_keep_swept_ends_at_once() {
    let Some(node) = Node::start(&[]) else { return };
    let store = on(&node).connect().await.unwrap().boxed();
    let layer = SessionLayer::server("9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG", store);
    let layer = layer.build().unwrap();
    tokio::time::timeout(PATIENCE, layer.keep_swept(Duration::from_secs(3600))).await.unwrap();
}
