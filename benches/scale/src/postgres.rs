//! `PostgresStore` on a server that does not wait for the disk, and the bare server.

use std::{error::Error, time::Instant};

use dewar_stores::postgres::PostgresStore;
use dewar_testdata::postgres::Postgres;
use tokio::runtime::Builder;
use tokio_postgres::{Client, NoTls, Statement};

use crate::{
    calls::{self, Bare},
    measure::{figure, key},
    record::now_ms,
};

pub fn run(sessions: u64) -> Result<(), Box<dyn Error>> {
    let server = Postgres::start().ok_or("Postgres is not installed")?;
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let store = runtime.block_on(PostgresStore::connect(&server.url()))?;
    let now_ms = now_ms();
    calls::fill(&runtime, &store, sessions, |_| now_ms)?;
    let bared = runtime.block_on(async {
        let (client, line) = tokio_postgres::connect(&server.url(), NoTls).await?;
        tokio::spawn(line);
        let bytes = "SELECT pg_total_relation_size('dewar.sessions')";
        let bytes: i64 = client.query_one(bytes, &[]).await?.try_get(0)?;
        figure("postgres", "dewar", sessions, "bytes", bytes as f64 / sessions as f64);
        // The server would do so by itself within the next minute, and that would be measured too.
        client.batch_execute("VACUUM (ANALYZE) dewar.sessions").await?;
        client.batch_execute("CHECKPOINT").await?;
        let select = client.prepare("SELECT data FROM dewar.sessions WHERE key = $1").await?;
        let update = client.prepare("UPDATE dewar.sessions SET data = $2 WHERE key = $1").await?;
        Ok::<_, Box<dyn Error>>(Bared { client, select, update })
    })?;
    calls::measure(&runtime, "postgres", sessions, &store, &bared)
}

struct Bared {
    client: Client,
    select: Statement,
    update: Statement,
}

impl Bared {
    async fn select(&self, key: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
        Ok(self.client.query_one(&self.select, &[&key]).await?.try_get(0)?)
    }
}

impl Bare for Bared {
    async fn read(&self, number: u64) -> Result<(), Box<dyn Error>> {
        self.select(&key(number)).await.map(drop)
    }

    async fn write(&self, number: u64) -> Result<f64, Box<dyn Error>> {
        let key = &key(number)[..];
        let data = self.select(key).await?;
        let start = Instant::now();
        self.client.execute(&self.update, &[&key, &data]).await?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    }
}
