//! Serves the pages with dewar, on one thread, until standard input ends; with `none:`, the same pages
//! without sessions.

use std::{env, error::Error};

use axum::Router;
use dewar_benches::{floor, pages};
use dewar_stores::{
    postgres::PostgresStore,
    redis::RedisStore,
    sqlite::{Durability, SqliteStore},
};
use tokio::runtime::Builder;

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

const USAGE: &str = "usage: stores-dewar --store none:|redis://…|postgres://…|sqlite:FILE";

async fn app(url: &str) -> Result<Router, Box<dyn Error>> {
    let sessions = match url.split_once(':') {
        Some(("none", "")) => return Ok(floor::app()),
        Some(("redis", _)) => pages::server(RedisStore::connect(url).await?),
        Some(("postgres", _)) => pages::server(PostgresStore::connect(url).await?),
        Some(("sqlite", file)) => {
            // As its peer has it: a write-ahead log that is synced when it is full.
            pages::server(SqliteStore::builder(file).durability(Durability::Normal).open()?)
        }
        _ => return Err(USAGE.into()),
    };
    Ok(pages::app(sessions.build()?))
}
