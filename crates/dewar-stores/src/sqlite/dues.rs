//! What is due: which rows a sweep has to look at, and what it does with them.
//!
//! The index is one of `due_ms`, which a session that lives on leaves behind its deadline; a sweep
//! that comes upon such a row moves it there. So a write of a session changes no index.

use std::time::{Duration, Instant};

use dewar::{StoreKey, store::Swept};
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::row::{LIVE, Moment};

/// A step of a sweep ends when so much time is over, be the disk as slow as it may: between two
/// steps others write.
const TIME: Duration = Duration::from_millis(2);

/// With its sync, and with what stood in the queue before it, a step may take twice as long.
const WITH_SYNC: Duration = Duration::from_millis(4);

const FEWEST_ROWS: usize = 8;
const MOST_ROWS: usize = 256;

const DUE: &str = "SELECT key FROM dewar_sessions WHERE due_ms < ? ORDER BY due_ms LIMIT ?";

/// How many rows a step takes: as many as the disk bears.
pub(super) struct Pace(usize);

impl Pace {
    pub(super) fn new() -> Self {
        Self(4 * FEWEST_ROWS)
    }

    pub(super) fn rows(&self) -> usize {
        self.0
    }

    pub(super) fn took(&mut self, time: Duration) {
        let next = if time > WITH_SYNC { self.0 / 2 } else { self.0 + FEWEST_ROWS };
        self.0 = next.clamp(FEWEST_ROWS, MOST_ROWS);
    }
}

/// What a step of a sweep has done.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) swept: Swept,
    /// Nothing else was due.
    pub(super) finished: bool,
}

pub(super) struct Dues<'c> {
    due: Statement<'c>,
    forget: Statement<'c>,
    settle: Statement<'c>,
}

impl<'c> Dues<'c> {
    pub(super) fn of(database: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            due: database.prepare(DUE)?,
            forget: database.prepare(
                "DELETE FROM dewar_sessions WHERE key = ? AND deadline_ms < ?
                          RETURNING kind, deadline_ms",
            )?,
            settle: database
                .prepare("UPDATE dewar_sessions SET due_ms = deadline_ms WHERE key = ?")?,
        })
    }

    /// Forgets at most `most` of what ended before this moment, the longest past first, and looks at
    /// no more than `looks` rows for it.
    pub(super) fn step(
        &mut self,
        before_ms: u64,
        looks: usize,
        most: usize,
    ) -> rusqlite::Result<Step> {
        let start = Instant::now();
        let limit = i64::try_from(looks).unwrap_or(i64::MAX);
        let due = self.due.query_map(params![Moment(before_ms), limit], |row| row.get(0))?;
        let due = due.collect::<rusqlite::Result<Vec<[u8; 32]>>>()?;
        let (mut seen, mut swept) = (0, Swept::default());
        for key in &due {
            let forgotten = self.forget.query_row(params![key, Moment(before_ms)], |row| {
                // What is damaged is no session any more.
                let (kind, deadline_ms) = (row.get(0), row.get(1));
                Ok(matches!((kind, deadline_ms), (Ok(LIVE), Ok(Moment(1..)))))
            });
            match forgotten.optional()? {
                None => drop(self.settle.execute([key])?),
                Some(expired) => {
                    swept.forgotten += 1;
                    swept.expired.extend(expired.then(|| StoreKey::from_bytes(*key)));
                }
            }
            seen += 1;
            if swept.forgotten == most || start.elapsed() > TIME {
                break;
            }
        }
        Ok(Step { swept, finished: seen == due.len() && seen < looks })
    }
}

/// Whether anything is due, asked through a connection that only reads.
pub(super) fn any(database: &Connection, before_ms: u64) -> rusqlite::Result<bool> {
    let mut due = database.prepare_cached(DUE)?;
    Ok(due.query_row(params![Moment(before_ms), 1], |_| Ok(())).optional()?.is_some())
}
