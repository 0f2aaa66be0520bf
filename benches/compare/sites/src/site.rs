//! Which application a name stands for.

use std::{error::Error, fmt, path::Path};

use axum::Router;
use dewar_benches::{floor, limit};
use dewar_stores::sqlite::Durability;

use crate::{
    ours,
    peers::{actix, axum_extra, axum_session, tower_sessions},
};

/// An application, of one web framework or the other.
#[derive(Debug)]
pub enum Site {
    /// Of actix-web; with a session or without.
    Actix(actix::Pages),
    /// Of axum.
    Axum(Router),
}

/// There is no such application here.
#[derive(Debug)]
pub struct UnknownName(String);

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        write!(f, "{name}: no application of this name; sites/src/site.rs lists them")
    }
}

impl Error for UnknownName {}

/// The application with this name. What it keeps on a disk lies in `folder`.
///
/// # Errors
/// If there is none, or it cannot be made.
pub async fn site(name: &str, folder: &Path) -> Result<Site, Box<dyn Error>> {
    let sqlite = || folder.join(format!("{name}.db"));
    Ok(Site::Axum(match name {
        "floor" => floor::app(),
        "dewar-cookie" => ours::cookie()?,
        "dewar-flask" => ours::flask()?,
        "dewar-memory" => ours::memory()?,
        "dewar-sqlite-full" => ours::sqlite(&sqlite(), Durability::Full)?,
        "dewar-sqlite-normal" => ours::sqlite(&sqlite(), Durability::Normal)?,
        "hand-cookie" => limit::cookie::app(),
        "hand-memory" => limit::memory::app(),
        "hand-sqlite-full" => limit::sqlite::app(&sqlite(), "FULL")?,
        "hand-sqlite-normal" => limit::sqlite::app(&sqlite(), "NORMAL")?,
        "axum-extra-private" => axum_extra::private(),
        "axum-extra-signed" => axum_extra::signed(),
        "axum-session-memory" => axum_session::memory().await?,
        "tower-sessions-memory" => tower_sessions::app(::tower_sessions::MemoryStore::default()),
        "actix-floor" => return Ok(Site::Actix(actix::Pages::Floor)),
        "actix-session-cookie" => return Ok(Site::Actix(actix::Pages::Session)),
        _ => return Err(UnknownName(name.to_owned()).into()),
    }))
}
