//! `RedisStore` on one node that keeps nothing on the disk, and the bare node.

use std::{error::Error, time::Instant};

use dewar_stores::redis::RedisStore;
use dewar_testdata::redis::Node;
use redis::{Client, aio::MultiplexedConnection};
use tokio::runtime::Builder;

use crate::{
    calls::{self, Bare},
    measure::{figure, key},
    record::now_ms,
};

pub fn run(sessions: u64) -> Result<(), Box<dyn Error>> {
    let node = Node::start(&[]).ok_or("Redis is not installed")?;
    let url = format!("redis://127.0.0.1:{}", node.port());
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let used = || node.info("used_memory").parse::<f64>();
    let (store, line) = runtime.block_on(async {
        let line = Client::open(url.as_str())?.get_multiplexed_async_connection().await?;
        Ok::<_, Box<dyn Error>>((RedisStore::connect(&url).await?, line))
    })?;
    let (before, now_ms) = (used()?, now_ms());
    calls::fill(&runtime, &store, sessions, |_| now_ms)?;
    figure("redis", "dewar", sessions, "bytes", (used()? - before) / sessions as f64);
    calls::measure(&runtime, "redis", sessions, &store, &Bared(line))
}

struct Bared(MultiplexedConnection);

impl Bared {
    async fn get(&self, name: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
        let value: Option<Vec<u8>> =
            redis::cmd("GET").arg(name).query_async(&mut self.0.clone()).await?;
        value.ok_or_else(|| "the node has no such key".into())
    }
}

/// As the store names it by default.
fn name(number: u64) -> Vec<u8> {
    [&b"dewar:"[..], &key(number)].concat()
}

impl Bare for Bared {
    async fn read(&self, number: u64) -> Result<(), Box<dyn Error>> {
        self.get(&name(number)).await.map(drop)
    }

    async fn write(&self, number: u64) -> Result<f64, Box<dyn Error>> {
        let name = name(number);
        let value = self.get(&name).await?;
        let mut command = redis::cmd("SET");
        let command = command.arg(&name).arg(value).arg("KEEPTTL");
        let start = Instant::now();
        let () = command.query_async(&mut self.0.clone()).await?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    }
}
