//! Serves the pages of `dewar demo race` with dewar, until standard input ends.

use std::error::Error;

use axum::Router;
use dewar::{SecretKey, SessionLayer, store::MemoryStore};
use dewar_stores::{redis::RedisStore, sqlite::SqliteStore};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [flag, url] = &args[..] else { return Err(USAGE.into()) };
    if flag != "--store" {
        return Err(USAGE.into());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let app = runtime.block_on(app(url))?;
    Ok(compare_door::serve(&runtime, app)?)
}

const USAGE: &str = "usage: races-dewar --store cookie:|memory:|sqlite:FILE|redis://HOST:PORT";

async fn app(url: &str) -> Result<Router, Box<dyn Error>> {
    let key = SecretKey::new(dewar::random_bytes(32)?);
    let sessions = match url.split_once(':') {
        Some(("cookie", "")) => SessionLayer::signed_cookie(key),
        Some(("memory", "")) => SessionLayer::server(key, MemoryStore::new()),
        Some(("sqlite", file)) => SessionLayer::server(key, SqliteStore::open(file)?),
        Some(("redis", _)) => SessionLayer::server(key, RedisStore::connect(url).await?),
        // Not the rest of it: the address of a database may hold its password.
        Some((scheme, _)) => return Err(format!("{scheme}: is no store: {USAGE}").into()),
        None => return Err(USAGE.into()),
    };
    Ok(dewar_examples::race::app().layer(sessions.loopback_development().build()?))
}
