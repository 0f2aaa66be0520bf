//! Every statement, prepared once for each connection.
//!
//! Postgres takes a snapshot when a statement begins. If a change then waits for another one of the
//! same row, it goes by what that one left, while the rest of the statement still sees the snapshot.
//! So a change that was not made gives the row of the snapshot, and whoever reads it asks again if
//! the snapshot says that the change could have been made.

use tokio_postgres::{Client, Error, Statement};

use super::{
    open::Options,
    row::{COLUMNS, HEAD},
};

pub(super) struct Statements {
    pub(super) load: Statement,
    pub(super) create: Statement,
    pub(super) update: Statement,
    pub(super) supersede: Statement,
    pub(super) touch: Statement,
    pub(super) end: Statement,
    pub(super) keep_longer: Statement,
    pub(super) sweep: Statement,
    pub(super) scan: Statement,
    pub(super) sessions_of: Statement,
}

impl Statements {
    pub(super) async fn prepare(client: &Client, options: &Options) -> Result<Self, Error> {
        let sql = Sql {
            table: format!("{}.sessions", options.quoted_schema()),
            #[cfg(feature = "sabotage")]
            sabotage: options.sabotage,
        };
        Ok(Self {
            load: client.prepare(&sql.load()).await?,
            create: client.prepare(&sql.create()).await?,
            update: client.prepare(&sql.update()).await?,
            supersede: client.prepare(&sql.supersede()).await?,
            touch: client.prepare(&sql.touch()).await?,
            end: client.prepare(&sql.end()).await?,
            keep_longer: client.prepare(&sql.keep_longer()).await?,
            sweep: client.prepare(&sql.sweep()).await?,
            scan: client.prepare(&sql.scan()).await?,
            sessions_of: client.prepare(&sql.sessions_of()).await?,
        })
    }
}

struct Sql {
    table: String,
    #[cfg(feature = "sabotage")]
    sabotage: Option<super::open::Sabotage>,
}

impl Sql {
    #[cfg(feature = "sabotage")]
    fn is(&self, sabotage: super::open::Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    fn load(&self) -> String {
        format!("SELECT {COLUMNS} FROM {} WHERE key = $1", self.table)
    }

    /// One row: `DONE` and the columns `given` of the changed one, or what the snapshot has.
    fn changed(&self, change: &str, given: &str, otherwise: &str) -> String {
        format!(
            "WITH changed AS ({change} RETURNING {given})
             SELECT * FROM changed
             UNION ALL
             SELECT {otherwise} FROM {} WHERE key = $1 AND NOT EXISTS (SELECT FROM changed)",
            self.table
        )
    }

    fn create(&self) -> String {
        let conflict = "ON CONFLICT (key) DO NOTHING";
        #[cfg(feature = "sabotage")]
        let conflict = match self.is(super::open::Sabotage::CreateOverwrites) {
            true => {
                "ON CONFLICT (key) DO UPDATE SET kind = 0, deadline_ms = $2, due_ms = $2,
                 owner = $3, created_ms = $4, idle_ms = $5, absolute_ms = $6, writes = $7,
                 data = $8, row_sum = $9"
            }
            false => conflict,
        };
        let insert = format!(
            "INSERT INTO {} (key, kind, deadline_ms, due_ms, owner, created_ms, idle_ms,
                absolute_ms, writes, data, row_sum)
             VALUES ($1, 0, $2, $2, $3, $4, $5, $6, $7, $8, $9) {conflict}",
            self.table
        );
        self.changed(&insert, "(-1)::smallint", "kind")
    }

    /// The index of what is due stays as it is, unless the session ends sooner; see `schema`.
    fn update(&self) -> String {
        let version = "AND substring(writes FROM 1 FOR 8) = $10";
        #[cfg(feature = "sabotage")]
        let version = match self.is(super::open::Sabotage::UpdateWithoutVersion) {
            true => "AND $10::bytea IS NOT NULL",
            false => version,
        };
        let update = format!(
            "UPDATE {} SET deadline_ms = $2, due_ms = LEAST(due_ms, $2), owner = $3,
                created_ms = $4, idle_ms = $5, absolute_ms = $6, writes = $7, data = $8,
                row_sum = $9
             WHERE key = $1 AND kind = 0 {version}",
            self.table
        );
        self.changed(&update, DONE_COLUMNS, COLUMNS)
    }

    fn supersede(&self) -> String {
        let update = format!(
            "UPDATE {} SET kind = 1, deadline_ms = $2, due_ms = LEAST(due_ms, $2), moved_to = $3,
                row_sum = $4, {FORGOTTEN}
             WHERE key = $1 AND kind = 0 AND substring(writes FROM 1 FOR 8) = $5",
            self.table
        );
        self.changed(&update, DONE_COLUMNS, COLUMNS)
    }

    fn touch(&self) -> String {
        let (later, wanted) = ("idle_ms < LEAST($2, absolute_ms)", "LEAST($2, absolute_ms)");
        #[cfg(feature = "sabotage")]
        let (later, wanted) = match self.is(super::open::Sabotage::TouchWithoutLimit) {
            true => ("idle_ms <> $2", "$2"),
            false => (later, wanted),
        };
        let update = format!(
            "UPDATE {} SET idle_ms = {wanted}, deadline_ms = LEAST({wanted}, absolute_ms)
             WHERE key = $1 AND kind = 0 AND {later}",
            self.table
        );
        self.changed(&update, DONE_HEAD, HEAD)
    }

    /// A tombstone where there was nothing or a live session, damaged contents or not; a row that is
    /// live by its kind alone is left to be read. `created_ms` stays: it tells the one from the other.
    fn end(&self) -> String {
        #[cfg(feature = "sabotage")]
        if self.is(super::open::Sabotage::DeleteWithoutTombstone) {
            let delete = format!(
                "DELETE FROM {} WHERE key = $1 AND kind = 0 AND $2::bigint IS NOT NULL
                    AND $3::integer IS NOT NULL",
                self.table
            );
            return self.changed(&delete, DONE_HEAD, HEAD);
        }
        let insert = format!(
            "INSERT INTO {} AS there (key, kind, deadline_ms, due_ms, row_sum)
             VALUES ($1, 2, $2, $2, $3)
             ON CONFLICT (key) DO UPDATE SET kind = 2, deadline_ms = $2,
                due_ms = LEAST(there.due_ms, $2), row_sum = $3, idle_ms = NULL,
                absolute_ms = NULL, owner = NULL, writes = NULL, data = NULL
             WHERE there.kind = 0 AND there.idle_ms IS NOT NULL AND there.absolute_ms IS NOT NULL",
            self.table
        );
        self.changed(&insert, DONE_HEAD, HEAD)
    }

    /// The tombstone that was read, kept until `$4`: now until `$2`, with the sum `$3`.
    fn keep_longer(&self) -> String {
        format!(
            "UPDATE {} SET deadline_ms = $2, row_sum = $3
             WHERE key = $1 AND kind = 2 AND deadline_ms = $4
             RETURNING (-1)::smallint",
            self.table
        )
    }

    /// Looks at the `$2` rows that are due the longest, but those that somebody else holds; forgets
    /// those that ended before `$1`, `$4` of them at most, and puts those that live on back where they
    /// are due.
    ///
    /// A locked row is given as it is when it is locked, and nobody changes it any more.
    fn sweep(&self) -> String {
        let (table, lock) = (&self.table, "FOR UPDATE SKIP LOCKED");
        let now = "AND s.deadline_ms < $1";
        #[cfg(feature = "sabotage")]
        let (lock, now) = match self.is(super::open::Sabotage::SweepByOldDeadline) {
            true => ("", ""),
            false => (lock, now),
        };
        format!(
            "WITH due AS (
                SELECT key, deadline_ms FROM {table} WHERE due_ms < $1 ORDER BY due_ms LIMIT $2
                {lock}
             ), forgotten AS (
                DELETE FROM {table} s USING (
                    SELECT key FROM due WHERE deadline_ms < $1 LIMIT $4
                ) past
                WHERE s.key = past.key {now}
                RETURNING CASE WHEN s.kind = 0 AND s.deadline_ms > $3 THEN s.key END AS expired
             ), settled AS (
                UPDATE {table} s SET due_ms = s.deadline_ms FROM due
                WHERE s.key = due.key AND due.deadline_ms >= $1
             )
             SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM forgotten),
                (SELECT array_agg(expired) FROM forgotten WHERE expired IS NOT NULL)"
        )
    }

    fn scan(&self) -> String {
        format!("SELECT key, {COLUMNS} FROM {} WHERE key > $1 ORDER BY key LIMIT $2", self.table)
    }

    fn sessions_of(&self) -> String {
        format!(
            "SELECT key, created_ms FROM {}
             WHERE owner = $1 AND (created_ms, key) > ($2, $3)
             ORDER BY created_ms, key LIMIT $4",
            self.table
        )
    }
}

/// What a session leaves behind when it is no longer live.
const FORGOTTEN: &str = "created_ms = NULL, idle_ms = NULL, absolute_ms = NULL, owner = NULL,
    writes = NULL, data = NULL";

/// `DONE`, in the shape of `COLUMNS`: nothing that was just written is sent back.
const DONE_COLUMNS: &str = "(-1)::smallint, NULL::bigint, NULL::integer, NULL::bytea, NULL::bigint,
    NULL::bigint, NULL::bigint, NULL::bytea, NULL::bytea, NULL::bytea";
/// The same, in the shape of `HEAD`; but `created_ms` is given.
const DONE_HEAD: &str = "(-1)::smallint, NULL::bigint, NULL::integer, NULL::bytea, created_ms,
    NULL::bigint, NULL::bigint";
