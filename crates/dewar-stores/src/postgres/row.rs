//! A record as a row, and back.

use dewar::{
    StoreKey,
    store::{Loaded, Moved, Owner, Record, Writes},
};
use tokio_postgres::{Row, types::FromSql};

use super::{fault::Unreadable, sum};

/// What a row is, in its column `kind`.
pub(super) const LIVE: i16 = 0;
pub(super) const MOVED: i16 = 1;
pub(super) const ENDED: i16 = 2;
/// Not a row: the statement did what it was to do.
pub(super) const DONE: i16 = -1;

/// The columns that this file reads, in its order.
pub(super) const COLUMNS: &str = "kind, deadline_ms, row_sum, moved_to, created_ms, idle_ms, \
     absolute_ms, owner, writes, data";

/// The same without what only a reader of the contents needs.
pub(super) const HEAD: &str =
    "kind, deadline_ms, row_sum, moved_to, created_ms, idle_ms, absolute_ms";

const KIND: usize = 0;
const DEADLINE: usize = 1;
const SUM: usize = 2;
const MOVED_TO: usize = 3;
const CREATED: usize = 4;
const IDLE: usize = 5;
const ABSOLUTE: usize = 6;
const OWNER: usize = 7;
const WRITES: usize = 8;
const DATA: usize = 9;

/// A moment as Postgres keeps it: `bigint` is signed, so zero lies in its middle. All 64 bits fit, and
/// their order stays.
pub(super) fn kept(ms: u64) -> i64 {
    i64::from_ne_bytes((ms ^ (1 << 63)).to_ne_bytes())
}

/// The inverse of [`kept`].
pub(super) fn moment(kept: i64) -> u64 {
    u64::from_ne_bytes(kept.to_ne_bytes()) ^ (1 << 63)
}

/// A row that a statement gave of this key, from its column `first` on.
pub(super) struct Found<'r> {
    pub(super) key: StoreKey,
    pub(super) row: &'r Row,
    pub(super) first: usize,
}

impl<'r> Found<'r> {
    pub(super) fn new(key: &StoreKey, row: &'r Row) -> Self {
        Self { key: *key, row, first: 0 }
    }

    fn get<T: FromSql<'r>>(&self, column: usize, what: &'static str) -> Result<T, Unreadable> {
        self.row.try_get(self.first + column).map_err(|_| self.damaged(what))
    }

    fn damaged(&self, what: &'static str) -> Unreadable {
        Unreadable { key: self.key, what }
    }

    fn moment(&self, column: usize, what: &'static str) -> Result<u64, Unreadable> {
        self.get(column, what).map(moment)
    }

    pub(super) fn kind(&self) -> Result<i16, Unreadable> {
        self.get(KIND, "its kind")
    }

    /// Whether a session began here, be it over or not.
    pub(super) fn began(&self) -> Result<bool, Unreadable> {
        Ok(self.get::<Option<i64>>(CREATED, "its beginning")?.is_some())
    }

    /// What stands in the row; every damage that can be seen is an error.
    pub(super) fn loaded(&self) -> Result<Loaded, Unreadable> {
        if self.kind()? == LIVE {
            return self.record().map(Loaded::Live);
        }
        Ok(match self.head()? {
            Head::Moved(moved) => Loaded::Moved(moved),
            Head::Ended { until_ms, .. } => Loaded::Ended { until_ms },
            Head::Live { .. } => return Err(self.damaged("its kind")),
        })
    }

    fn record(&self) -> Result<Record, Unreadable> {
        let owner: Option<&[u8]> = self.get(OWNER, "its owner")?;
        let owner: Option<[u8; 32]> =
            owner.map(TryFrom::try_from).transpose().map_err(|_| self.damaged("its owner"))?;
        let writes: &[u8] = self.get(WRITES, "its writes")?;
        let record = Record {
            owner: owner.map(Owner::from_bytes),
            created_ms: self.moment(CREATED, "its beginning")?,
            idle_deadline_ms: self.moment(IDLE, "its idle deadline")?,
            absolute_deadline_ms: self.moment(ABSOLUTE, "its absolute deadline")?,
            writes: Writes::from_bytes(writes).ok_or_else(|| self.damaged("its writes"))?,
            data: self.get(DATA, "its contents")?,
        };
        self.check(sum::of_live(&self.key, &record))?;
        // The sum knows neither of the two that a touch moves, but each of them tells the other.
        if self.moment(DEADLINE, "its deadline")? != record.deadline_ms() {
            return Err(self.damaged("its deadline"));
        }
        Ok(record)
    }

    pub(super) fn head(&self) -> Result<Head, Unreadable> {
        let until_ms = self.moment(DEADLINE, "its deadline")?;
        match self.kind()? {
            LIVE => Ok(Head::Live {
                idle_ms: self.moment(IDLE, "its idle deadline")?,
                absolute_ms: self.moment(ABSOLUTE, "its absolute deadline")?,
            }),
            MOVED => {
                let to: &[u8] = self.get(MOVED_TO, "its successor")?;
                let to = to.try_into().map_err(|_| self.damaged("its successor"))?;
                let moved = Moved { to: StoreKey::from_bytes(to), until_ms };
                self.check(sum::of_moved(&self.key, &moved))?;
                Ok(Head::Moved(moved))
            }
            ENDED => {
                let sum = sum::of_ended(&self.key, until_ms);
                self.check(sum)?;
                Ok(Head::Ended { until_ms })
            }
            _ => Err(self.damaged("its kind")),
        }
    }

    fn check(&self, sum: i32) -> Result<(), Unreadable> {
        match self.get::<i32>(SUM, "its checksum")? == sum {
            true => Ok(()),
            false => Err(self.damaged("its checksum")),
        }
    }
}

/// A row without its contents: enough to touch and to end a live one, even if its contents are
/// damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Live { idle_ms: u64, absolute_ms: u64 },
    Moved(Moved),
    Ended { until_ms: u64 },
}
