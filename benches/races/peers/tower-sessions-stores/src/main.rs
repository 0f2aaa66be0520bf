//! Serves the pages with tower-sessions in Redis or in SQLite, until standard input ends.

use std::error::Error;

use axum::Router;
use tokio::runtime::Builder;
use tower_sessions_redis_store::{
    RedisStore,
    fred::prelude::{ClientLike, Config, Pool},
};
use tower_sessions_sqlx_store::{
    SqliteStore,
    sqlx::{
        SqlitePool,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

// The very pages of the memory store.
#[path = "../../../tower-sessions/src/pages.rs"]
mod pages;

fn main() -> Result<(), Box<dyn Error>> {
    let url = races_page::store()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let app = runtime.block_on(app(&url))?;
    Ok(compare_door::serve(&runtime, app)?)
}

async fn app(url: &str) -> Result<Router, Box<dyn Error>> {
    if let Some(file) = url.strip_prefix("sqlite:") {
        // The best journal a user can give it.
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let store = SqliteStore::new(SqlitePool::connect_with(options).await?);
        store.migrate().await?;
        return Ok(pages::app(store));
    }
    // The pool of six connections that its documents show.
    let pool = Pool::new(Config::from_url(url)?, None, None, None, 6)?;
    // Its task ends with the process.
    drop(pool.connect());
    pool.wait_for_connect().await?;
    Ok(pages::app(RedisStore::new(pool)))
}
