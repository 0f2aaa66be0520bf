//! The pages with dewar.

use std::{error::Error, path::Path};

use axum::Router;
use dewar::{ConfigError, SessionLayer, store::MemoryStore};
use dewar_benches::{KEY, pages};
use dewar_stores::sqlite::{Durability, SqliteStore};

pub(crate) fn cookie() -> Result<Router, ConfigError> {
    Ok(pages::app(pages::cookie().build()?))
}

/// Exact parity with Flask: its deadlines, its compression, its `Vary`.
pub(crate) fn flask() -> Result<Router, ConfigError> {
    Ok(pages::app(SessionLayer::flask(KEY).build()?))
}

pub(crate) fn memory() -> Result<Router, ConfigError> {
    Ok(pages::app(pages::server(MemoryStore::new()).build()?))
}

pub(crate) fn sqlite(file: &Path, durability: Durability) -> Result<Router, Box<dyn Error>> {
    let store = SqliteStore::builder(file).durability(durability).open()?;
    Ok(pages::app(pages::server(store).build()?))
}
