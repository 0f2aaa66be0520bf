//! Forgetting what is past.

use dewar::{
    StoreKey,
    store::{GRACE, StoreError, Sweep, Swept},
};

use tokio_postgres::types::ToSql;

use super::{fault::Deed, row::kept, store::PostgresStore};

/// How many rows a step looks at: it takes a few milliseconds, and the calls on its line wait for it.
const STEP: usize = 100;

impl Sweep for PostgresStore {
    /// In short steps, each a statement and a transaction of its own. Rows that others hold just now
    /// are left for the next time, so two nodes share the work and nobody waits. A session that was
    /// used since it was last looked at is put back on the way; `limit` does not count it.
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
        let before = kept(now_ms.saturating_sub(grace_ms));
        let mut swept = Swept::default();
        let mut looks = limit.min(STEP);
        while swept.forgotten < limit {
            let most = limit - swept.forgotten;
            let (looks_at, forgets) = (number(looks), number(most));
            let asked: &[&(dyn ToSql + Sync)] = &[&before, &looks_at, &kept(0), &forgets];
            let rows = self.ask(Deed::Writes, |all| &all.sweep, asked).await?;
            let Some(row) = rows.first() else { break };
            let forgotten = count(row, 1)?;
            swept.forgotten += forgotten;
            swept.expired.extend(expired(row)?);
            if count(row, 0)? < looks {
                break;
            }
            // Where many live on, few steps get past them.
            looks = if forgotten == 0 { looks * 2 } else { most }.min(STEP);
        }
        Ok(swept)
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(row: &tokio_postgres::Row, column: usize) -> Result<usize, StoreError> {
    let count: i64 = row.try_get(column).map_err(StoreError::unavailable)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// The sessions among what was forgotten; a key that is none belonged to no session.
fn expired(row: &tokio_postgres::Row) -> Result<impl Iterator<Item = StoreKey>, StoreError> {
    let keys: Option<Vec<Vec<u8>>> = row.try_get(2).map_err(StoreError::unavailable)?;
    let key = |bytes: Vec<u8>| bytes.try_into().ok().map(StoreKey::from_bytes);
    Ok(keys.unwrap_or_default().into_iter().filter_map(key))
}
