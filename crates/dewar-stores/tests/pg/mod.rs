//! A Postgres server of the test's own, and fresh schemas in it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use dewar::{
    StoreKey,
    store::{Record, WriteId, Writes},
};
use dewar_stores::postgres::{PostgresStore, PostgresStoreBuilder};
use dewar_testdata::postgres::Postgres;
use tokio_postgres::{Client, NoTls};

/// A server, and a number for each schema.
pub struct Server {
    pub postgres: Postgres,
    schemas: AtomicUsize,
}

impl Server {
    /// `None` if Postgres is not installed.
    pub fn start() -> Option<Self> {
        Postgres::start().map(Self::of)
    }

    pub fn of(postgres: Postgres) -> Self {
        Self { postgres, schemas: AtomicUsize::new(0) }
    }

    /// The name of a schema that nobody has used.
    pub fn schema(&self) -> String {
        format!("s{}", self.schemas.fetch_add(1, Ordering::Relaxed))
    }

    /// A store in this schema.
    pub fn builder(&self, schema: &str) -> PostgresStoreBuilder {
        PostgresStore::builder(&self.postgres.url()).schema(schema)
    }

    /// A store in a schema of its own.
    pub async fn store(&self) -> PostgresStore {
        self.builder(&self.schema()).connect().await.unwrap()
    }

    /// A store and its schema.
    pub async fn store_and_schema(&self) -> (PostgresStore, String) {
        let schema = self.schema();
        (self.builder(&schema).connect().await.unwrap(), schema)
    }

    /// A connection that is no store's.
    pub async fn client(&self) -> Client {
        client(&self.postgres.url()).await
    }

    /// Until a statement of anybody waits for a row that somebody else holds locked.
    pub async fn until_a_lock_is_waited_for(&self) {
        let watcher = self.client().await;
        until("nobody waits for a lock", async || self.is_a_lock_waited_for(&watcher).await).await;
    }

    /// Whether one does now, asked through this connection.
    pub async fn is_a_lock_waited_for(&self, watcher: &Client) -> bool {
        let waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        !watcher.query(waits, &[]).await.unwrap().is_empty()
    }
}

pub async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub fn key(byte: u8) -> StoreKey {
    StoreKey::from_bytes([byte; 32])
}

pub fn numbered(number: u32) -> StoreKey {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    StoreKey::from_bytes(bytes)
}

/// A record of this write, alive from 1,000 until 2,000, at most 9,000.
pub fn record(write: u64, data: impl Into<Vec<u8>>) -> Record {
    Record {
        owner: None,
        created_ms: 1000,
        idle_deadline_ms: 2000,
        absolute_deadline_ms: 9000,
        writes: Writes::first(WriteId::new(write)),
        data: data.into(),
    }
}

/// Waits until `ready`.
pub async fn until(what: &str, mut ready: impl AsyncFnMut() -> bool) {
    let all = async {
        while !ready().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.unwrap_or_else(|_| panic!("{what}"));
}
