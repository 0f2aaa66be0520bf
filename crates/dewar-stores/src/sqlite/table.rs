//! The verbs of the contract, each at most one change of one row.

use dewar::{
    StoreKey,
    store::{Created, Loaded, Moved, Reached, Record, WriteId, Written},
};
use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use super::{
    dues::Dues,
    fault::{Fault, Unreadable},
    row::{self, ENDED, LIVE, LOAD, MOVED, Moment},
};

/// The table, through one connection, with every statement prepared.
///
/// A statement that fails leaves no trace of itself, so a verb needs no savepoint of its own.
pub(super) struct Table<'c> {
    load: Statement<'c>,
    head: Statement<'c>,
    create: Statement<'c>,
    update: Statement<'c>,
    update_all: Statement<'c>,
    touch: Statement<'c>,
    end: Statement<'c>,
    supersede: Statement<'c>,
    pub(super) dues: Dues<'c>,
}

impl<'c> Table<'c> {
    pub(super) fn of(database: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            load: database.prepare(LOAD)?,
            head: database.prepare(
                "SELECT kind, deadline_ms, moved_to, idle_ms, absolute_ms, row_sum
                 FROM dewar_sessions WHERE key = ?",
            )?,
            create: database.prepare(
                "INSERT INTO dewar_sessions
                    (key, kind, deadline_ms, due_ms, owner, created_ms, idle_ms, absolute_ms,
                     writes, data, row_sum)
                 VALUES (?1, 0, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT DO NOTHING",
            )?,
            // It names no column of an index, so it changes one page.
            update: database.prepare(
                "UPDATE dewar_sessions SET
                    deadline_ms = ?2, idle_ms = ?5, absolute_ms = ?6, writes = ?7, data = ?8,
                    row_sum = ?9
                 WHERE key = ?1 AND kind = 0 AND substr(writes, 1, 8) = ?10
                    AND owner IS ?3 AND created_ms IS ?4 AND due_ms <= ?2",
            )?,
            update_all: database.prepare(
                "UPDATE dewar_sessions SET
                    deadline_ms = ?2, due_ms = ?2, owner = ?3, created_ms = ?4, idle_ms = ?5,
                    absolute_ms = ?6, writes = ?7, data = ?8, row_sum = ?9
                 WHERE key = ?1 AND kind = 0 AND substr(writes, 1, 8) = ?10",
            )?,
            touch: database
                .prepare("UPDATE dewar_sessions SET deadline_ms = ?, idle_ms = ? WHERE key = ?")?,
            end: database.prepare(
                "INSERT INTO dewar_sessions (key, kind, deadline_ms, due_ms, row_sum)
                 VALUES (?1, 2, ?2, ?2, ?3)
                 ON CONFLICT DO UPDATE SET
                    kind = 2, deadline_ms = ?2, due_ms = ?2, row_sum = ?3, created_ms = NULL,
                    idle_ms = NULL, absolute_ms = NULL, owner = NULL, writes = NULL, data = NULL",
            )?,
            supersede: database.prepare(
                "UPDATE dewar_sessions SET
                    kind = 1, deadline_ms = ?1, due_ms = ?1, moved_to = ?2, row_sum = ?3,
                    created_ms = NULL, idle_ms = NULL, absolute_ms = NULL, owner = NULL,
                    writes = NULL, data = NULL
                 WHERE key = ?4 AND kind = 0 AND substr(writes, 1, 8) = ?5",
            )?,
            dues: Dues::of(database)?,
        })
    }

    pub(super) fn load(&mut self, key: &StoreKey) -> Result<Loaded, Fault> {
        load_with(&mut self.load, key)
    }

    pub(super) fn create(&mut self, key: &StoreKey, record: &Record) -> Result<Created, Fault> {
        bind(&mut self.create, key, record)?;
        let inserted = self.create.raw_execute()?;
        if inserted == 1 {
            return Ok(Created::Done);
        }
        Ok(match self.head(key)? {
            Some(Head::Ended { .. }) => Created::Ended,
            _ => Created::Exists,
        })
    }

    pub(super) fn update(
        &mut self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, Fault> {
        // Nearly always the first one does it: the owner stays, and the session ends later than it
        // was to.
        for update in [&mut self.update, &mut self.update_all] {
            bind(update, key, record)?;
            update.raw_bind_parameter(10, expected.get().to_be_bytes())?;
            if update.raw_execute()? == 1 {
                return Ok(Written::Done);
            }
        }
        self.why_not_written(key)
    }

    pub(super) fn supersede(
        &mut self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, Fault> {
        let updated = self.supersede.execute(params![
            Moment(moved.until_ms),
            moved.to.as_bytes(),
            row::moved_sum(old, &moved),
            old.as_bytes(),
            expected.get().to_be_bytes(),
        ])?;
        if updated == 1 { Ok(Written::Done) } else { self.why_not_written(old) }
    }

    fn why_not_written(&mut self, key: &StoreKey) -> Result<Written, Fault> {
        Ok(match self.load(key)? {
            Loaded::Live(current) => Written::Conflict(current),
            Loaded::Moved(moved) => Written::Moved(moved),
            Loaded::Nothing | Loaded::Ended { .. } => Written::Gone,
        })
    }

    pub(super) fn touch(&mut self, key: &StoreKey, idle_ms: u64) -> Result<Reached, Fault> {
        let (idle, absolute) = match self.head(key)? {
            Some(Head::Live { idle, absolute }) => (idle, absolute),
            Some(Head::Moved(moved)) => return Ok(Reached::Moved(moved)),
            Some(Head::Ended { .. }) | None => return Ok(Reached::Gone),
        };
        let later = idle_ms.min(absolute);
        if later > idle {
            self.touch.execute(params![Moment(later), Moment(later), key.as_bytes()])?;
        }
        Ok(Reached::Done)
    }

    pub(super) fn delete(&mut self, key: &StoreKey, until_ms: u64) -> Result<Reached, Fault> {
        let (reached, until) = match self.head(key)? {
            Some(Head::Moved(moved)) => return Ok(Reached::Moved(moved)),
            Some(Head::Ended { until }) => (Reached::Gone, until.max(until_ms)),
            Some(Head::Live { .. }) => (Reached::Done, until_ms),
            None => (Reached::Gone, until_ms),
        };
        self.end.execute(params![key.as_bytes(), Moment(until), row::ended_sum(key, until)])?;
        Ok(reached)
    }

    fn head(&mut self, key: &StoreKey) -> Result<Option<Head>, Fault> {
        let read = self.head.query_row([key.as_bytes()], |row| Ok(Head::of(key, row)));
        Ok(read.optional()?.transpose()?)
    }
}

/// A row without its contents: enough to touch and to end a live one, even if its contents are
/// damaged.
enum Head {
    Live { idle: u64, absolute: u64 },
    Moved(Moved),
    Ended { until: u64 },
}

impl Head {
    fn of(key: &StoreKey, row: &Row<'_>) -> Result<Self, Unreadable> {
        let damaged = |what| move |_| Unreadable { key: *key, what };
        let moment = |column| row.get::<_, Moment>(column).map(|moment| moment.0);
        let until = moment(1).map_err(damaged("its deadline"))?;
        match row.get(0).map_err(damaged("its kind"))? {
            LIVE => Ok(Self::Live {
                idle: moment(3).map_err(damaged("its idle deadline"))?,
                absolute: moment(4).map_err(damaged("its absolute deadline"))?,
            }),
            MOVED => {
                let to = row.get(2).map(StoreKey::from_bytes).map_err(damaged("its successor"))?;
                let moved = Moved { to, until_ms: until };
                row::check(key, row, 5, row::moved_sum(key, &moved))?;
                Ok(Self::Moved(moved))
            }
            ENDED => {
                row::check(key, row, 5, row::ended_sum(key, until))?;
                Ok(Self::Ended { until })
            }
            _ => Err(Unreadable { key: *key, what: "its kind" }),
        }
    }
}

/// Binds what a new live row and a changed one have in common, as parameters 1 to 9.
///
/// By number: to look nine names up costs as much as to bind them.
fn bind(statement: &mut Statement<'_>, key: &StoreKey, record: &Record) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(1, key.as_bytes())?;
    statement.raw_bind_parameter(2, Moment(record.deadline_ms()))?;
    statement.raw_bind_parameter(3, record.owner.as_ref().map(|owner| owner.as_bytes()))?;
    statement.raw_bind_parameter(4, Moment(record.created_ms))?;
    statement.raw_bind_parameter(5, Moment(record.idle_deadline_ms))?;
    statement.raw_bind_parameter(6, Moment(record.absolute_deadline_ms))?;
    statement.raw_bind_parameter(7, record.writes.to_bytes())?;
    statement.raw_bind_parameter(8, &record.data)?;
    statement.raw_bind_parameter(9, row::live_sum(key, record))
}

/// Reads one key through a connection that only reads; it keeps the statement for the next time.
pub(super) fn load(database: &Connection, key: &StoreKey) -> Result<Loaded, Fault> {
    load_with(&mut *database.prepare_cached(LOAD)?, key)
}

fn load_with(statement: &mut Statement<'_>, key: &StoreKey) -> Result<Loaded, Fault> {
    let mut rows = statement.query([key.as_bytes()])?;
    match rows.next()? {
        None => Ok(Loaded::Nothing),
        Some(row) => row::loaded(key, row),
    }
}
