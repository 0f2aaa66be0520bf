//! The sessions that Flask-Session's records are, page by page.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dewar::{
    StoreKey,
    store::{Cursor, Loaded, Page, Scan, Store, StoreError, StoreErrorKind, Sweep, Swept},
};

use super::store::{FlaskSessionStore, Table};

/// Names of records, and where the next ones are.
#[derive(Debug)]
pub struct Names {
    pub(super) names: Vec<String>,
    /// A number that means something to the table; `None` at the end.
    pub(super) next: Option<u64>,
}

/// Shows what is live, for a migration and for operators. Tombstones and markers are not shown: they lie
/// under hashes, and which session they were of cannot be told. Names that hold no id of 32 bytes are
/// passed over. The cursor is a number and holds no id.
impl<T: Table> Scan for FlaskSessionStore<T> {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let from = from
            .map_or(Some(0), |cursor| cursor.as_bytes().try_into().ok().map(u64::from_be_bytes));
        let from = from.ok_or_else(|| {
            StoreError::new(StoreErrorKind::Unavailable)
                .with_source("the cursor is none of this store's; begin anew without one")
        })?;
        let Names { names, next } = self.table.names(&self.prefix, from, limit).await?;
        let mut found = Vec::with_capacity(names.len());
        for key in names.iter().filter_map(|name| id(name.strip_prefix(&*self.prefix)?)) {
            match self.load(&key).await {
                Ok(Loaded::Nothing) => {}
                Err(error) if error.kind() != StoreErrorKind::Corrupt => return Err(error),
                loaded => found.push((key, loaded)),
            }
        }
        Ok(Page { found, next: next.map(|next| Cursor::from_bytes(next.to_be_bytes())) })
    }
}

/// The key of an id as Flask-Session spells it.
fn id(text: &str) -> Option<StoreKey> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    bytes.try_into().ok().map(StoreKey::from_id)
}

/// Forgets notes alone: the records are Flask-Session's, in Redis they expire and in a table `flask
/// session_cleanup` removes them, as before. So their ends are not told.
impl<T: Table> Sweep for FlaskSessionStore<T> {
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        let forgotten = self.table.forget(now_ms, limit).await?;
        Ok(Swept { forgotten, expired: Vec::new() })
    }
}
