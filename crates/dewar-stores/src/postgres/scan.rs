//! Everything, page by page, in the order of the keys.

use dewar::{
    StoreKey,
    store::{Cursor, Page, Scan, StoreError, StoreErrorKind},
};

use super::{fault::Deed, row::Found, store::PostgresStore};

/// So many rows a page has at most: the calls on its line wait for it.
const LARGEST: usize = 500;

impl Scan for PostgresStore {
    /// A cursor is the last key of its page, so others may come and go. At most 500 rows a page.
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let after = from.map_or(&[][..], Cursor::as_bytes);
        if from.is_some() && after.len() != 32 {
            let error = StoreError::new(StoreErrorKind::Unsupported);
            return Err(error.with_source("the cursor is of another store; begin anew without one"));
        }
        let limit = limit.clamp(1, LARGEST);
        let rows = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.ask(Deed::Reads, |all| &all.scan, &[&after, &rows]).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let key = key(row)?;
            let loaded = Found { key, row, first: 1 }.loaded();
            found.push((key, loaded.map_err(StoreError::from)));
        }
        let last = found.last().filter(|_| found.len() == limit);
        let next = last.map(|(key, _)| Cursor::from_bytes(*key.as_bytes()));
        Ok(Page { found, next })
    }
}

/// The key in a row's first column; the table has no other.
pub(super) fn key(row: &tokio_postgres::Row) -> Result<StoreKey, StoreError> {
    let bytes: &[u8] = row.try_get(0).map_err(StoreError::unavailable)?;
    bytes.try_into().map(StoreKey::from_bytes).map_err(StoreError::unavailable)
}
