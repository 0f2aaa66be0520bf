//! Serves the pages with tower-sessions in Redis, Postgres or SQLite, on one thread, until standard
//! input ends.

use std::{env, error::Error};

use axum::Router;
use tokio::runtime::Builder;
use tower_sessions_redis_store::{
    RedisStore,
    fred::prelude::{ClientLike, Config, Pool},
};
use tower_sessions_sqlx_store::{
    PostgresStore, SqliteStore,
    sqlx::{
        PgPool, SqlitePool,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

// The very pages of the comparison.
#[path = "../../../../compare/sites/src/peers/tower_sessions.rs"]
mod pages;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [flag, url] = &args[..] else { return Err(USAGE.into()) };
    if flag != "--store" {
        return Err(USAGE.into());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let app = runtime.block_on(app(url))?;
    Ok(compare_door::serve(&runtime, app)?)
}

const USAGE: &str = "usage: stores-tower-sessions --store redis://…|postgres://…|sqlite:FILE";

async fn app(url: &str) -> Result<Router, Box<dyn Error>> {
    match url.split_once(':') {
        Some(("sqlite", file)) => {
            // The best journal a user can give it, and dewar's own.
            let options = SqliteConnectOptions::new()
                .filename(file)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal);
            let store = SqliteStore::new(SqlitePool::connect_with(options).await?);
            store.migrate().await?;
            Ok(pages::app(store))
        }
        Some(("postgres", _)) => {
            // Its documents show the pool's defaults: at most ten connections.
            let store = PostgresStore::new(PgPool::connect(url).await?);
            store.migrate().await?;
            Ok(pages::app(store))
        }
        Some(("redis", _)) => {
            // The pool of six connections that its documents show.
            let pool = Pool::new(Config::from_url(url)?, None, None, None, 6)?;
            // Its task ends with the process.
            drop(pool.connect());
            pool.wait_for_connect().await?;
            Ok(pages::app(RedisStore::new(pool)))
        }
        _ => Err(USAGE.into()),
    }
}
