//! Real Redis servers, for one test each: on free ports of the loopback, in folders of their own.
//! They end with their value, and with the process if that is killed.
//!
//! The program is named by `DEWAR_REDIS_SERVER`, or found on the `PATH`: `redis-server`, or
//! `valkey-server`.

mod cluster;
mod node;
mod reply;
mod sentinel;

pub use cluster::Cluster;
pub use node::Node;
pub use reply::Reply;
pub use sentinel::Sentinels;

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long a server, or an election among them, may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until it is so.
///
/// # Panics
/// If it is not so in time.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
