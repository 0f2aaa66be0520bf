//! The sessions of a user, found by the records themselves: there is nothing to note.

use dewar::{
    StoreKey,
    store::{Entry, Owner, StoreError, UserIndex},
};

use super::{
    fault::Deed,
    row::{kept, moment},
    scan,
    store::PostgresStore,
};

impl UserIndex for PostgresStore {
    async fn enter(&self, _: &Owner, _: &StoreKey, _: u64, _: u64) -> Result<(), StoreError> {
        Ok(())
    }

    async fn leave(&self, _: &Owner, _: &StoreKey) -> Result<(), StoreError> {
        Ok(())
    }

    /// Live sessions alone, since they began.
    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let owner = owner.as_bytes().as_slice();
        let since = after.map_or(i64::MIN, |entry| kept(entry.since_ms));
        let key = after.map_or_else(Vec::new, |entry| entry.key.as_bytes().to_vec());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
            &[&owner, &since, &key, &limit];
        let rows = self.ask(Deed::Reads, |all| &all.sessions_of, parameters).await?;
        let entry = |row: &tokio_postgres::Row| {
            let since_ms = row.try_get(1).map(moment).map_err(StoreError::unavailable)?;
            Ok(Entry { key: scan::key(row)?, since_ms })
        };
        rows.iter().map(entry).collect()
    }
}
