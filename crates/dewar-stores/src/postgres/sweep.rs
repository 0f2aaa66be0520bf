//! Forgetting what is past.

use dewar::store::{GRACE, StoreError, Sweep};

use super::{fault::Deed, row::kept, store::PostgresStore};

/// How many rows a step looks at: it takes a few milliseconds, and the calls on its line wait for it.
const STEP: usize = 100;

impl Sweep for PostgresStore {
    /// In short steps, each a statement and a transaction of its own. Rows that others hold just now
    /// are left for the next time, so two nodes share the work and nobody waits. A session that was
    /// used since it was last looked at is put back on the way; `limit` does not count it.
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<usize, StoreError> {
        let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
        let before = kept(now_ms.saturating_sub(grace_ms));
        let mut forgotten = 0;
        while forgotten < limit {
            let looks = STEP.min(limit - forgotten);
            let looks_at = i64::try_from(looks).unwrap_or(i64::MAX);
            let rows = self.ask(Deed::Writes, |all| &all.sweep, &[&before, &looks_at]).await?;
            let (seen, gone) = match rows.first() {
                None => (0, 0),
                Some(row) => (count(row, 0)?, count(row, 1)?),
            };
            forgotten += gone;
            if seen < looks {
                break;
            }
        }
        Ok(forgotten)
    }
}

fn count(row: &tokio_postgres::Row, column: usize) -> Result<usize, StoreError> {
    let count: i64 = row.try_get(column).map_err(StoreError::unavailable)?;
    Ok(usize::try_from(count).unwrap_or(0))
}
