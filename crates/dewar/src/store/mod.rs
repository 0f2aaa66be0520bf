//! What a store is: bytes under a hashed key, a deadline, and a version.
//!
//! A store knows no cookie, no secret, no JSON and no clock. It keeps records, markers and
//! tombstones, and it answers each verb by what it found:
//!
//! ```text
//!            create            update, touch             supersede                delete
//!  nothing ────────▶ live ───────────────────▶ live ───────────────▶ moved ────────────▶ …
//!                     │                                              (to, until)
//!                     └── delete ──▶ ended (tombstone, until)
//! ```
//!
//! # The rules, each a case of [`conformance`]
//!
//! 1. **`create` never overwrites**, and never brings back what has ended.
//! 2. **`update` never inserts.** It writes only over the version it expects; otherwise it gives the
//!    current record.
//! 3. **`touch` moves the idle deadline alone**: never back, never beyond the absolute one. It leaves
//!    the version as it is.
//! 4. **`delete` wins.** It leaves a tombstone, so that no slower request can bring the record back.
//!    Twice is no error.
//! 5. **`supersede` turns a live record into a marker** that names its successor. The successor was
//!    created before, so nothing needs two keys to change at once.
//! 6. **Acknowledged means done**, at the level the store is configured for.
//! 7. An error authenticates nobody: it is no answer.
//! 8. **A call that is dropped halfway is done or not done**, never half.
//!
//! Whether a deadline has *passed* is decided by the caller, whose clock it is. A store may forget a
//! record, a marker or a tombstone [`GRACE`] after its deadline, and not earlier: until then it gives
//! it to whoever asks. A store with a clock of its own may use it for that and for nothing else.
//!
//! Beside the verbs stand capabilities, each a small trait: [`Sweep`] forgets what is past,
//! [`UserIndex`] finds the sessions of one user, [`Scan`] shows everything.
//!
//! Every number is kept as it is, up to [`u64::MAX`]: a database whose integers are signed keeps the
//! same 64 bits.

mod chain;
#[cfg(feature = "conformance")]
pub mod conformance;
mod erased;
mod error;
mod memory;
mod record;
mod scan;
mod sweep;
mod users;

use std::{future::Future, time::Duration};

pub use chain::Chain;
pub use erased::BoxStore;
pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryStore;
pub use record::{Owner, Record, WriteId, Writes};
pub use scan::{Cursor, Page, Scan};
pub(crate) use sweep::keep_telling;
pub use sweep::{Sweep, Swept, keep_swept, sweep_through};
pub use users::{Entry, UserIndex};

use crate::id::StoreKey;

/// How long after its deadline a store keeps what it may forget: 5 minutes.
pub const GRACE: Duration = Duration::from_secs(5 * 60);

/// Where a session went when its id was rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The key of its successor. A marker that names its own key says that the session was carried over
    /// to another store: whoever knows this one alone has no answer.
    pub to: StoreKey,
    /// How long the marker routes, in Unix milliseconds.
    pub until_ms: u64,
}

/// What [`Store::load`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every answer")]
pub enum Loaded {
    /// Nothing is known of this key.
    Nothing,
    /// A record; the caller looks at its deadlines.
    Live(Record),
    /// The session goes on under another key.
    Moved(Moved),
    /// The session was ended on purpose. The tombstone stays until this moment, in Unix
    /// milliseconds.
    Ended {
        /// When the tombstone may be forgotten, in Unix milliseconds.
        until_ms: u64,
    },
}

/// What [`Store::create`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every answer")]
pub enum Created {
    /// The record is there.
    Done,
    /// Something else lives under this key: nothing was changed.
    Exists,
    /// A tombstone lies on this key: nothing was changed.
    Ended,
}

/// What [`Store::update`] or [`Store::supersede`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every answer")]
pub enum Written {
    /// It is written.
    Done,
    /// Somebody wrote in between: nothing was changed. Here is what is there now.
    Conflict(Record),
    /// There is no live record: nothing was changed.
    Gone,
    /// The session goes on under another key: nothing was changed.
    Moved(Moved),
}

/// What [`Store::touch`] or [`Store::delete`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every answer")]
pub enum Reached {
    /// It is done.
    Done,
    /// There was no live record. A tombstone is there all the same after a `delete`.
    Gone,
    /// The session goes on under another key: nothing was changed.
    Moved(Moved),
}

/// An answer that may be a marker.
pub(crate) trait Answered {
    fn moved(&self) -> Option<&Moved> {
        None
    }
}

impl Answered for Loaded {
    fn moved(&self) -> Option<&Moved> {
        if let Self::Moved(moved) = self { Some(moved) } else { None }
    }
}

impl Answered for Written {
    fn moved(&self) -> Option<&Moved> {
        if let Self::Moved(moved) = self { Some(moved) } else { None }
    }
}

impl Answered for Reached {
    fn moved(&self) -> Option<&Moved> {
        if let Self::Moved(moved) = self { Some(moved) } else { None }
    }
}

impl Answered for Created {}
impl Answered for Vec<Entry> {}
impl Answered for () {}

/// A place where sessions live.
///
/// Implement it with plain `async fn`. A store is shared by all requests and called by many at
/// once. The test of an implementation is one line: see [`conformance`].
pub trait Store: Send + Sync + 'static {
    /// Looks a key up. Never creates, never changes anything.
    fn load(&self, key: &StoreKey) -> impl Future<Output = Result<Loaded, StoreError>> + Send;

    /// Inserts a new record.
    fn create(
        &self,
        key: &StoreKey,
        record: &Record,
    ) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Replaces the record whose version is `expected`.
    ///
    /// Every field is written as the record says, the deadlines and the owner too: they are the
    /// caller's. An idle deadline that a `touch` has moved meanwhile is no exception, whoever
    /// writes gives the session its time anew.
    fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// Moves the idle deadline to `idle_deadline_ms` (Unix milliseconds), if that is later, and not
    /// beyond the absolute one.
    fn touch(
        &self,
        key: &StoreKey,
        idle_deadline_ms: u64,
    ) -> impl Future<Output = Result<Reached, StoreError>> + Send;

    /// Ends a session, and keeps a tombstone at least until `until_ms` (Unix milliseconds), whether
    /// there was a record or not.
    ///
    /// Of two calls for one key the later `until_ms` counts. A marker stays as it is: the caller
    /// follows it.
    fn delete(
        &self,
        key: &StoreKey,
        until_ms: u64,
    ) -> impl Future<Output = Result<Reached, StoreError>> + Send;

    /// Turns the record whose version is `expected` into a marker.
    fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// How long a call may take before this store gives up by itself, if its promises need that it is
    /// heard. Default: `None`, whoever asks may give up when he likes.
    ///
    /// A writer who has heard nothing looks at the record, and takes a write that is there for done.
    /// Where a write counts only once others have confirmed it, that would be too soon; so a session
    /// layer gives each call at least this time, or is not built.
    fn answers_within(&self) -> Option<Duration> {
        None
    }

    /// The store as a session layer keeps it, with what it can do beside these verbs. A store that
    /// is also a [`UserIndex`], a [`Sweep`] and a [`Scan`] says so here, by [`BoxStore::full`].
    fn boxed(self) -> BoxStore
    where
        Self: Sized,
    {
        BoxStore::new(self)
    }
}

/// A store that shares its records with another library, which keeps them under the session's id: its
/// keys are [ids](StoreKey::is_id), and it gives them back as such.
///
/// Every other store is given hashes, so that whoever reads it opens no session.
pub trait InterchangeStore: Store {}
