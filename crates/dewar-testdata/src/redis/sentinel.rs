//! A master, two replicas, and three sentinels that watch them.

use super::{Node, node::free_port, wait_until};
use crate::tool;

/// The name of the service.
const SERVICE: &str = "sessions";

/// Six servers. They end when this is dropped.
#[derive(Debug)]
pub struct Sentinels {
    servers: Vec<Node>,
    sentinels: Vec<Node>,
}

impl Sentinels {
    /// Starts them; servers with more options, and a password if there is one for all. The sentinels
    /// give a silent master up after two seconds: after one, a busy machine made them depose masters that were
    /// alive. `None`, said on the standard error, if there is no
    /// program for it.
    ///
    /// # Panics
    /// If they do not start, or are missing where nothing may be skipped.
    pub fn start(options: &[&str], password: Option<&str>) -> Option<Self> {
        let program = tool::find_redis_server()?;
        let secret = |name: &str| match password {
            Some(password) => vec![name.to_owned(), password.to_owned()],
            None => Vec::new(),
        };
        let mut servers: Vec<Node> = Vec::new();
        for _ in 0..3 {
            let fixed = ["--repl-diskless-sync-delay", "0"];
            let mut all: Vec<_> =
                fixed.iter().chain(options).map(|&option| option.to_owned()).collect();
            all.extend(secret("--requirepass"));
            all.extend(secret("--masterauth"));
            if let Some(master) = servers.first() {
                all.extend(["--replicaof".to_owned(), format!("127.0.0.1 {}", master.port())]);
            }
            servers.push(Node::start_with(program.clone(), free_port(), &all, None));
        }
        let master = &servers[0];
        wait_until("the replicas follow", || replicas(master) == 2);
        let auth = match password {
            Some(password) => format!("sentinel auth-pass {SERVICE} {password}\n"),
            None => String::new(),
        };
        let config = format!(
            "sentinel monitor {SERVICE} 127.0.0.1 {} 2\n\
             sentinel down-after-milliseconds {SERVICE} 2000\n\
             sentinel failover-timeout {SERVICE} 6000\n{auth}",
            master.port()
        );
        let start = || {
            let mut options = vec!["--sentinel".to_owned()];
            options.extend(secret("--requirepass"));
            Node::start_with(program.clone(), free_port(), &options, Some(&config))
        };
        let sentinels: Vec<_> = (0..3).map(|_| start()).collect();
        let all = Self { servers, sentinels };
        all.wait_until_whole();
        Some(all)
    }

    /// The name under which the sentinels know the master.
    pub fn service(&self) -> &'static str {
        SERVICE
    }

    /// The servers, whichever is the master.
    pub fn servers(&self) -> &[Node] {
        &self.servers
    }

    /// Where the sentinels listen.
    pub fn addresses(&self) -> Vec<(String, u16)> {
        self.sentinels.iter().map(|node| ("127.0.0.1".to_owned(), node.port())).collect()
    }

    /// The master, as every sentinel sees it; `None` while they do not agree.
    pub fn master(&self) -> Option<&Node> {
        let seen = |sentinel: &Node| {
            let ask = [&b"SENTINEL"[..], b"GET-MASTER-ADDR-BY-NAME", SERVICE.as_bytes()];
            sentinel.try_ask(&ask).ok()?.list().get(1)?.text().parse::<u16>().ok()
        };
        let port = seen(&self.sentinels[0])?;
        let agree = self.sentinels.iter().all(|sentinel| seen(sentinel) == Some(port));
        self.servers.iter().find(|node| agree && node.port() == port)
    }

    /// Waits until another server than `old` is the master.
    ///
    /// # Panics
    /// If none is in time.
    pub fn wait_for_another_than(&self, old: u16) {
        wait_until("another master is chosen", || {
            let master = self.master().filter(|master| master.port() != old);
            master.is_some_and(|master| master.info("role") == "master")
        });
    }

    /// Starts a server that was killed, as a replica of the master, and waits until all is whole. The
    /// sentinels would do that too, ten seconds later.
    ///
    /// # Panics
    /// If there is no master, or it is not whole in time.
    pub fn rejoin(&self, server: &Node) {
        let master = self.master().expect("there is a master").port().to_string();
        server.restart();
        server.ask(&["REPLICAOF", "127.0.0.1", &master]);
        self.wait_until_whole();
    }

    /// Waits until every server runs, the replicas follow, and the sentinels know all of them.
    pub fn wait_until_whole(&self) {
        wait_until("the sentinels know everybody", || {
            let ask = |sentinel: &Node| sentinel.ask(&["SENTINEL", "MASTER", SERVICE]);
            let has = |sentinel: &Node, name: &str, value: &str| {
                let reply = ask(sentinel);
                let pairs = reply.list().chunks_exact(2);
                pairs
                    .map(|pair| (pair[0].text(), pair[1].text()))
                    .any(|pair| pair == (name.to_owned(), value.to_owned()))
            };
            self.servers.iter().all(Node::runs)
                && self.sentinels.iter().all(|sentinel| {
                    has(sentinel, "num-slaves", "2")
                        && has(sentinel, "num-other-sentinels", "2")
                        && has(sentinel, "flags", "master")
                })
                && self.master().is_some_and(|master| replicas(master) == 2)
        });
    }
}

/// So many replicas have all that the master wrote so far.
fn replicas(master: &Node) -> usize {
    ["slave0", "slave1"].iter().filter(|name| master.info(name).contains("state=online")).count()
}
