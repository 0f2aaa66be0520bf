//! The store: which line a call takes, and what it can do.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use dewar::store::StoreError;
use tokio::runtime::Handle;
use tokio_postgres::{Row, Statement, types::ToSql};

use super::{
    error::OpenError,
    fault::{Deed, store_error},
    line::Line,
    open::{Options, PostgresStoreBuilder},
    session::Session,
    statements::Statements,
};

/// Sessions in a Postgres database; clones share the connections.
///
/// Dropping the last clone cuts them.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    options: Arc<Options>,
    lines: Vec<Line>,
    turn: AtomicUsize,
}

impl PostgresStore {
    /// Connects to this database with the default options, and makes the tables if they are missing.
    ///
    /// The address is `postgres://user:password@host:port/database?option=value…`. A UNIX socket is
    /// the option `host=/run/postgresql`; several hosts are separated by commas; `sslmode` and its kin
    /// are the [module](super)'s section on TLS. Call it inside the tokio runtime that the store is to
    /// live in.
    ///
    /// # Errors
    /// If the address is not understood, the server cannot be reached, refuses or is not trusted, the
    /// schema is not dewar's, was written by a newer version, or may not be made; see [`OpenError`].
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        Self::builder(url).connect().await
    }

    /// The options for this database.
    pub fn builder(url: &str) -> PostgresStoreBuilder {
        PostgresStoreBuilder::new(url)
    }

    pub(super) async fn open(options: Options) -> Result<Self, OpenError> {
        if Handle::try_current().is_err() {
            return Err(OpenError::NoRuntime);
        }
        let options = Arc::new(options);
        let mut opened = Some(Session::open(&options, false).await?);
        let line = |_| Line::start(Arc::clone(&options), opened.take());
        let lines = (0..options.connections).map(line).collect();
        Ok(Self(Arc::new(Inner { options, lines, turn: AtomicUsize::new(0) })))
    }

    /// The line on which the fewest wait, by turns: what is slow, as a sweep or a row that is locked,
    /// holds up as few as may be. If none is up, the one whose turn it is, when it is up.
    async fn session(&self) -> Result<Arc<Session>, StoreError> {
        let lines = &self.0.lines;
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        let line = |add: usize| &lines[turn.wrapping_add(add) % lines.len()];
        let sessions = (0..lines.len()).filter_map(|add| line(add).session());
        match sessions.min_by_key(|session| session.waiting()) {
            Some(session) => Ok(session),
            None => line(0).session_soon().await,
        }
    }

    /// Asks this statement once.
    pub(super) async fn ask(
        &self,
        deed: Deed,
        choose: fn(&Statements) -> &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let session = self.session().await?;
        let rows = session.rows(choose(&session.statements), parameters).await;
        rows.map_err(|error| store_error(error, self.known(deed)))
    }

    /// What is known of a deed, but in the test that must notice.
    fn known(&self, deed: Deed) -> Deed {
        #[cfg(feature = "sabotage")]
        if self.is(super::open::Sabotage::BrokenMeansUndone) {
            return Deed::Reads;
        }
        deed
    }

    #[cfg(feature = "sabotage")]
    pub(super) fn is(&self, sabotage: super::open::Sabotage) -> bool {
        self.0.options.sabotage == Some(sabotage)
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("schema", &self.0.options.schema)
            .field("connections", &self.0.lines.len())
            .finish_non_exhaustive()
    }
}
