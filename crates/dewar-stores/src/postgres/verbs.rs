//! The verbs of the contract, each one statement.

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Loaded, Moved, Reached, Record, Store, StoreError, WriteId, Written,
    },
};
use tokio_postgres::{Row, Statement, types::ToSql};

use super::{
    fault::{Contended, Deed},
    row::{DONE, ENDED, Found, Head, kept},
    statements::Statements,
    store::PostgresStore,
    sum,
};

/// How often a statement is asked again because others were quicker. Twice is rare already.
const ATTEMPTS: usize = 16;

type Parameters<'p> = [&'p (dyn ToSql + Sync)];

impl PostgresStore {
    /// Asks until `judge` makes something of the answer: a snapshot may be older than what the change
    /// met, and then says nothing.
    async fn change<T>(
        &self,
        key: &StoreKey,
        choose: fn(&Statements) -> &Statement,
        parameters: &Parameters<'_>,
        judge: impl Fn(Option<&Row>) -> Result<Option<T>, StoreError> + Send + Sync,
    ) -> Result<T, StoreError> {
        for _ in 0..ATTEMPTS {
            let rows = self.ask(Deed::Writes, choose, parameters).await?;
            if let Some(answer) = judge(rows.first())? {
                return Ok(answer);
            }
        }
        Err(Contended { key: *key, times: ATTEMPTS }.into())
    }

    /// What became of a change of the record whose version is `expected`.
    fn written(
        &self,
        key: &StoreKey,
        expected: WriteId,
        row: Option<&Row>,
    ) -> Result<Option<Written>, StoreError> {
        let Some(row) = row else { return Ok(Some(Written::Gone)) };
        let found = Found::new(key, row);
        if found.kind()? == DONE {
            return Ok(Some(Written::Done));
        }
        Ok(match found.loaded()? {
            Loaded::Live(there) if there.version() == expected && !self.believes_all() => None,
            Loaded::Live(there) => Some(Written::Conflict(there)),
            Loaded::Moved(moved) => Some(Written::Moved(moved)),
            Loaded::Ended { .. } | Loaded::Nothing => Some(Written::Gone),
        })
    }

    /// Always false, but in the test that must notice.
    fn believes_all(&self) -> bool {
        #[cfg(feature = "sabotage")]
        return self.is(super::open::Sabotage::BelieveOldSnapshot);
        #[cfg(not(feature = "sabotage"))]
        false
    }

    /// Lets a tombstone lie longer; false if it changed meanwhile.
    async fn keep_longer(
        &self,
        key: &StoreKey,
        from_ms: u64,
        until_ms: u64,
    ) -> Result<bool, StoreError> {
        let sum = sum::of_ended(key, until_ms);
        let parameters: &Parameters<'_> =
            &[&key.as_bytes().as_slice(), &kept(until_ms), &sum, &kept(from_ms)];
        let rows = self.ask(Deed::Writes, |all| &all.keep_longer, parameters).await?;
        Ok(!rows.is_empty())
    }
}

impl Store for PostgresStore {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        let parameters: &Parameters<'_> = &[&key.as_bytes().as_slice()];
        let rows = self.ask(Deed::Reads, |all| &all.load, parameters).await?;
        match rows.first() {
            None => Ok(Loaded::Nothing),
            Some(row) => Ok(Found::new(key, row).loaded()?),
        }
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        let columns = Columns::of(key, record);
        self.change(
            key,
            |all| &all.create,
            &columns.parameters(),
            |row| {
                // Without a row, what is in the way came after the snapshot.
                let Some(row) = row else { return Ok(None) };
                Ok(Some(match Found::new(key, row).kind()? {
                    DONE => Created::Done,
                    ENDED => Created::Ended,
                    _ => Created::Exists,
                }))
            },
        )
        .await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        let columns = Columns::of(key, record);
        let version = expected.get().to_be_bytes();
        let version: &[u8] = &version;
        let [a, b, c, d, e, f, g, h, i] = columns.parameters();
        let parameters: &Parameters<'_> = &[a, b, c, d, e, f, g, h, i, &version];
        self.change(key, |all| &all.update, parameters, |row| self.written(key, expected, row))
            .await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        let parameters: &Parameters<'_> = &[&key.as_bytes().as_slice(), &kept(idle_deadline_ms)];
        self.change(
            key,
            |all| &all.touch,
            parameters,
            |row| {
                let Some(row) = row else { return Ok(Some(Reached::Gone)) };
                let found = Found::new(key, row);
                if found.kind()? == DONE {
                    return Ok(Some(Reached::Done));
                }
                Ok(match found.head()? {
                    // It ends late enough as it is.
                    Head::Live { idle_ms, absolute_ms }
                        if idle_ms >= idle_deadline_ms.min(absolute_ms) =>
                    {
                        Some(Reached::Done)
                    }
                    Head::Live { .. } => None,
                    Head::Moved(moved) => Some(Reached::Moved(moved)),
                    Head::Ended { .. } => Some(Reached::Gone),
                })
            },
        )
        .await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        let sum = sum::of_ended(key, until_ms);
        let parameters: &Parameters<'_> = &[&key.as_bytes().as_slice(), &kept(until_ms), &sum];
        for _ in 0..ATTEMPTS {
            let rows = self.ask(Deed::Writes, |all| &all.end, parameters).await?;
            // Without a row, what is in the way came after the snapshot.
            let Some(row) = rows.first() else { continue };
            let found = Found::new(key, row);
            if found.kind()? == DONE {
                let was_live = found.began()?;
                return Ok(if was_live { Reached::Done } else { Reached::Gone });
            }
            match found.head()? {
                Head::Live { .. } => {}
                Head::Moved(moved) => return Ok(Reached::Moved(moved)),
                Head::Ended { until_ms: there } => {
                    // Of two calls the later moment counts. Its sum is asked first, so this takes
                    // another statement.
                    if there >= until_ms || self.keep_longer(key, there, until_ms).await? {
                        return Ok(Reached::Gone);
                    }
                }
            }
        }
        Err(Contended { key: *key, times: ATTEMPTS }.into())
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        let version = expected.get().to_be_bytes();
        let version: &[u8] = &version;
        let parameters: &Parameters<'_> = &[
            &old.as_bytes().as_slice(),
            &kept(moved.until_ms),
            &moved.to.as_bytes().as_slice(),
            &sum::of_moved(old, &moved),
            &version,
        ];
        self.change(old, |all| &all.supersede, parameters, |row| self.written(old, expected, row))
            .await
    }

    fn boxed(self) -> BoxStore {
        BoxStore::full(self)
    }
}

/// What a new live row and a changed one have in common: parameters 1 to 9.
struct Columns<'r> {
    key: &'r [u8],
    deadline: i64,
    owner: Option<&'r [u8]>,
    created: i64,
    idle: i64,
    absolute: i64,
    writes: Vec<u8>,
    data: &'r [u8],
    sum: i32,
}

impl<'r> Columns<'r> {
    fn of(key: &'r StoreKey, record: &'r Record) -> Self {
        Self {
            key: key.as_bytes(),
            deadline: kept(record.deadline_ms()),
            owner: record.owner.as_ref().map(|owner| owner.as_bytes().as_slice()),
            created: kept(record.created_ms),
            idle: kept(record.idle_deadline_ms),
            absolute: kept(record.absolute_deadline_ms),
            writes: record.writes.to_bytes(),
            data: &record.data,
            sum: sum::of_live(key, record),
        }
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 9] {
        [
            &self.key,
            &self.deadline,
            &self.owner,
            &self.created,
            &self.idle,
            &self.absolute,
            &self.writes,
            &self.data,
            &self.sum,
        ]
    }
}
