//! The verbs, on any database that Flask-Session writes to: read both, decide, swap both.

use std::{future::Future, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, InterchangeStore, Loaded, Moved, Reached, Record, Store, StoreError,
        StoreErrorKind, WriteId, Written,
    },
};
use sha1::{Digest, Sha1};

use super::{
    codec::{Contents, Format},
    look::{Change, There},
    scan::Names,
};

/// How often somebody else may come between reading and swapping.
const ATTEMPTS: usize = 100;

/// Where the record and its note lie.
#[derive(Clone, Debug)]
pub struct Place {
    /// Prefix and id: what Flask-Session names it by.
    pub(super) record: String,
    /// Our own name. It holds a hash: whoever sees the notes alone opens no session.
    pub(super) note: String,
}

/// A database, by the two steps that every verb is made of.
pub trait Table: Send + Sync + 'static {
    /// What is there.
    #[doc(hidden)]
    fn read(&self, place: &Place) -> impl Future<Output = Result<There, StoreError>> + Send;

    /// Puts `change` there in one step, if record and note are as `there` says; whether it did.
    #[doc(hidden)]
    fn swap(
        &self,
        place: &Place,
        there: &There,
        change: &Change,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Names of records that begin with `prefix`, from this place on; about `limit` of them.
    #[doc(hidden)]
    fn names(
        &self,
        prefix: &str,
        from: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Names, StoreError>> + Send;

    /// Forgets notes that are past; how many.
    #[doc(hidden)]
    fn forget(
        &self,
        now_ms: u64,
        limit: usize,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;
}

/// A store whose sessions are Flask-Session's; see the [module](super). Clones share one connection.
#[derive(Debug)]
pub struct FlaskSessionStore<T> {
    pub(super) table: Arc<T>,
    pub(super) prefix: String,
    format: Format,
    #[cfg(feature = "sabotage")]
    sabotage: Option<Sabotage>,
}

/// A way to break a promise, for the test that must notice.
#[cfg(feature = "sabotage")]
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sabotage {
    /// Record and note are written whatever is there.
    SwapWithoutComparing,
    /// A delete leaves no tombstone.
    DeleteWithoutTombstone,
}

impl<T> Clone for FlaskSessionStore<T> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            prefix: self.prefix.clone(),
            format: self.format,
            #[cfg(feature = "sabotage")]
            sabotage: self.sabotage,
        }
    }
}

impl<T> FlaskSessionStore<T> {
    pub(super) fn new(table: T) -> Self {
        Self {
            table: Arc::new(table),
            prefix: "session:".to_owned(),
            format: Format::MsgPack,
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }
    }

    #[cfg(feature = "sabotage")]
    #[doc(hidden)]
    #[must_use]
    pub fn sabotage(self, sabotage: Sabotage) -> Self {
        Self { sabotage: Some(sabotage), ..self }
    }

    /// What the name of every record begins with. Default: `session:`.
    ///
    /// # Flask-Session
    /// `SESSION_KEY_PREFIX`
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// How records are written. Default: [`Format::MsgPack`]. Both are read.
    ///
    /// # Flask-Session
    /// `SESSION_SERIALIZATION_FORMAT`
    #[must_use]
    pub fn format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    fn place(&self, key: &StoreKey) -> Result<Place, StoreError> {
        if !key.is_id() {
            return Err(StoreError::new(StoreErrorKind::Unsupported).with_source(
                "Flask-Session keeps its records under ids, not under hashes: build the layer with \
                 SessionLayer::flask_session",
            ));
        }
        let id = URL_SAFE_NO_PAD.encode(key.as_bytes());
        let record = format!("{}{id}", self.prefix);
        let note = URL_SAFE_NO_PAD.encode(Sha1::digest(&record));
        Ok(Place { record, note: format!("dewar:{}{note}", self.prefix) })
    }
}

/// What a verb made of what is there.
enum Step<A> {
    Answer(A),
    Change(A, Change),
}

impl<T: Table> FlaskSessionStore<T> {
    /// Decides upon what is there until nobody comes in between.
    async fn step<A>(
        &self,
        key: &StoreKey,
        decide: impl Fn(&There, Loaded, Option<Contents>) -> Result<Step<A>, StoreError>,
    ) -> Result<A, StoreError> {
        let place = self.place(key)?;
        for _ in 0..ATTEMPTS {
            let there = self.table.read(&place).await?;
            let (loaded, contents) = there.look(self.format)?;
            match decide(&there, loaded, contents)? {
                Step::Answer(answer) => return Ok(answer),
                Step::Change(answer, change) => {
                    #[cfg(feature = "sabotage")]
                    let there = match self.sabotage {
                        Some(Sabotage::SwapWithoutComparing) => self.table.read(&place).await?,
                        _ => there,
                    };
                    if self.table.swap(&place, &there, &change).await? {
                        return Ok(answer);
                    }
                }
            }
        }
        Err(StoreError::new(StoreErrorKind::Contended)
            .with_source("somebody else wrote the session again and again"))
    }
}

impl<T: Table> Store for FlaskSessionStore<T> {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        let there = self.table.read(&self.place(key)?).await?;
        Ok(there.look(self.format)?.0)
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.step(key, |there, loaded, _| {
            Ok(match loaded {
                Loaded::Live(_) | Loaded::Moved(_) => Step::Answer(Created::Exists),
                Loaded::Ended { .. } => Step::Answer(Created::Ended),
                Loaded::Nothing => {
                    Step::Change(Created::Done, there.write(record, None, self.format)?)
                }
            })
        })
        .await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.step(key, |there, loaded, contents| {
            over(loaded, expected, || there.write(record, contents.as_ref(), self.format))
        })
        .await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.step(key, |there, loaded, contents| {
            Ok(match loaded {
                Loaded::Live(now) => {
                    let wanted = idle_deadline_ms.min(now.absolute_deadline_ms);
                    if wanted <= now.idle_deadline_ms {
                        Step::Answer(Reached::Done)
                    } else if contents.is_some() && wanted > there.now_ms {
                        Step::Change(Reached::Done, there.touch(&now, wanted))
                    } else {
                        // It was past, and its contents are in the note.
                        let now = Record { idle_deadline_ms: wanted, ..now };
                        Step::Change(Reached::Done, there.write(&now, None, self.format)?)
                    }
                }
                Loaded::Moved(moved) => Step::Answer(Reached::Moved(moved)),
                Loaded::Nothing | Loaded::Ended { .. } => Step::Answer(Reached::Gone),
            })
        })
        .await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        #[cfg(feature = "sabotage")]
        let until_ms = match self.sabotage {
            Some(Sabotage::DeleteWithoutTombstone) => 0,
            _ => until_ms,
        };
        self.step(key, |_, loaded, _| {
            Ok(match loaded {
                Loaded::Live(_) => Step::Change(Reached::Done, Change::end(until_ms)),
                Loaded::Nothing => Step::Change(Reached::Gone, Change::end(until_ms)),
                // Flask-Session may have written the record again: it goes once more.
                Loaded::Ended { until_ms: before } => {
                    Step::Change(Reached::Gone, Change::end(until_ms.max(before)))
                }
                Loaded::Moved(moved) => Step::Answer(Reached::Moved(moved)),
            })
        })
        .await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.step(old, |_, loaded, _| over(loaded, expected, || Ok(Change::moved(moved)))).await
    }

    fn boxed(self) -> BoxStore {
        BoxStore::without_users(self)
    }
}

impl<T: Table> InterchangeStore for FlaskSessionStore<T> {}

/// Puts `change` over the record whose version is `expected`.
fn over(
    loaded: Loaded,
    expected: WriteId,
    change: impl FnOnce() -> Result<Change, StoreError>,
) -> Result<Step<Written>, StoreError> {
    Ok(match loaded {
        Loaded::Live(now) if now.version() == expected => Step::Change(Written::Done, change()?),
        Loaded::Live(now) => Step::Answer(Written::Conflict(now)),
        Loaded::Moved(moved) => Step::Answer(Written::Moved(moved)),
        Loaded::Nothing | Loaded::Ended { .. } => Step::Answer(Written::Gone),
    })
}
