//! Serves the pages with tower-sessions in SQLite, on one thread, until standard input ends.
//!
//! ```text
//! compare-tower-sessions-sqlite NAME FOLDER
//! ```
//!
//! `tower-sessions-sqlite` is what its documents show: the rollback journal, each write synced.
//! `tower-sessions-sqlite-wal` is the best a user can configure: a write-ahead log, synced when it
//! is full, as dewar's `Durability::Normal` does it.

use std::{env, error::Error, path::Path};

use axum::Router;
use tokio::runtime::Builder;
use tower_sessions_sqlx_store::{
    SqliteStore,
    sqlx::{
        SqlitePool,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

// The very pages of the memory store.
#[path = "../../../sites/src/peers/tower_sessions.rs"]
mod pages;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [name, folder] = &args[..] else {
        return Err("usage: compare-tower-sessions-sqlite NAME FOLDER".into());
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let app = runtime.block_on(app(name, Path::new(folder)))?;
    Ok(compare_door::serve(&runtime, app)?)
}

async fn app(name: &str, folder: &Path) -> Result<Router, Box<dyn Error>> {
    let file = folder.join(format!("{name}.db"));
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let options = match name {
        "tower-sessions-sqlite" => options,
        "tower-sessions-sqlite-wal" => {
            options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal)
        }
        _ => return Err(format!("{name}: no application of this name").into()),
    };
    let store = SqliteStore::new(SqlitePool::connect_with(options).await?);
    store.migrate().await?;
    Ok(pages::app(store))
}
