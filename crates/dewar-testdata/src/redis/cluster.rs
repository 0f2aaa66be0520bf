//! Three masters with a replica each.

use super::{Node, Reply, node::free_port, wait_until};
use crate::tool;

/// A cluster of six nodes. It ends when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
}

impl Cluster {
    /// Starts it, with more options for each node. It gives a silent node up after one second.
    /// `None`, said on the standard error, if there is no program for it.
    ///
    /// # Panics
    /// If it does not start, or is missing where nothing may be skipped.
    pub fn start(options: &[&str]) -> Option<Self> {
        let program = tool::find_redis_server()?;
        let start = || {
            let bus = free_port().to_string();
            let fixed = [
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "1000",
                "--cluster-replica-validity-factor",
                "0",
                "--repl-diskless-sync-delay",
                "0",
                "--cluster-port",
                &bus,
            ];
            let options: Vec<_> =
                fixed.iter().chain(options).map(|&option| option.to_owned()).collect();
            Node::start_with(program.clone(), free_port(), &options, None)
        };
        let cluster = Self { nodes: (0..6).map(|_| start()).collect() };
        cluster.join();
        Some(cluster)
    }

    fn join(&self) {
        let Self { nodes } = self;
        for (node, slots) in
            nodes.iter().zip([("0", "5461"), ("5462", "10922"), ("10923", "16383")])
        {
            ok(&node.ask(&["CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1]));
        }
        for (number, node) in nodes.iter().enumerate() {
            ok(&node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]));
            let bus = nodes[0].ask(&["CONFIG", "GET", "cluster-port"]).list()[1].text();
            let port = nodes[0].port().to_string();
            ok(&node.ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]));
        }
        wait_until("the nodes know each other", || {
            nodes.iter().all(|node| {
                node.ask(&["CLUSTER", "INFO"]).text().contains("cluster_known_nodes:6")
                    && !node.ask(&["CLUSTER", "NODES"]).text().contains("handshake")
            })
        });
        for (master, replica) in nodes.iter().zip(&nodes[3..]) {
            let id = master.ask(&["CLUSTER", "MYID"]).text();
            wait_until("the replica knows its master", || {
                replica.ask(&["CLUSTER", "REPLICATE", &id]).text() == "OK"
            });
        }
        self.wait_until_whole();
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Where they listen.
    pub fn addresses(&self) -> Vec<(String, u16)> {
        self.nodes.iter().map(|node| ("127.0.0.1".to_owned(), node.port())).collect()
    }

    /// The nodes that have slots now, as a majority sees it.
    pub fn masters(&self) -> Vec<&Node> {
        self.nodes.iter().filter(|node| node.info("role") == "master").collect()
    }

    /// Waits until every node runs, each master has its replica, and all see all.
    pub fn wait_until_whole(&self) {
        wait_until("the cluster is whole", || {
            let running: Vec<_> = self.nodes.iter().filter(|node| node.runs()).collect();
            running.len() == 6
                && running.iter().all(|node| {
                    node.ask(&["CLUSTER", "INFO"]).text().contains("cluster_state:ok")
                        && !node.ask(&["CLUSTER", "NODES"]).text().contains("fail")
                })
                && self.masters().len() == 3
                && self.masters().iter().all(|node| node.info("connected_slaves") == "1")
                && running
                    .iter()
                    .filter(|node| node.info("role") == "slave")
                    .all(|node| node.info("master_link_status") == "up")
        });
    }
}

#[track_caller]
fn ok(reply: &Reply) {
    assert_eq!(reply.text(), "OK");
}
