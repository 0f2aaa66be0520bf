//! Stores on the test's own Redis servers.

use std::time::{SystemTime, UNIX_EPOCH};

use dewar::StoreKey;
use dewar_stores::redis::{RedisStore, RedisStoreBuilder};
use dewar_testdata::redis::Node;

/// A store on this node.
pub fn on(node: &Node) -> RedisStoreBuilder {
    RedisStore::builder(&format!("redis://127.0.0.1:{}", node.port()))
}

/// The name of a session's key, with the default prefix.
pub fn name(key: &StoreKey) -> Vec<u8> {
    [b"dewar:", &key.as_bytes()[..]].concat()
}

/// The machine's clock, by which Redis forgets.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}
