//! Write your own store: what a store must do, as a test of one line.
//!
//! # The steps
//!
//! 1. In `Cargo.toml`: `dewar` as a dependency, and under `[dev-dependencies]` again with
//!    `features = ["conformance"]`.
//! 2. Implement the six verbs of [`Store`] with plain `async fn`. Each verb looks at what lies
//!    under the key and acts on it **in one atomic step** of your database: one lock, one
//!    transaction, one script. Between looking and acting nobody else may come.
//! 3. Keep all of a [`Record`](super::Record), each field with all its bits, and the markers and
//!    tombstones until [`GRACE`](super::GRACE) after their deadline.
//! 4. If your database does not forget by itself, implement [`Sweep`].
//! 5. Write the test: [`check`], and [`check_sweep`] for step 4.
//!
//! # A complete store
//!
//! What lies under a key is a [`Loaded`](super::Loaded), so the smallest store is a map of them.
//! Among the examples, `custom_store` is a log instead, with a program whose sessions it keeps.
//!
//! ```
//! use std::{
//!     collections::BTreeMap,
//!     sync::{Mutex, MutexGuard, PoisonError},
//! };
//!
//! use dewar::{
//!     StoreKey,
//!     store::{
//!         Created, Loaded, Moved, Reached, Record, Store, StoreError, WriteId, Written, conformance,
//!     },
//! };
//!
//! #[derive(Default)]
//! struct Shelf(Mutex<BTreeMap<StoreKey, Loaded>>);
//!
//! impl Shelf {
//!     fn open(&self) -> MutexGuard<'_, BTreeMap<StoreKey, Loaded>> {
//!         self.0.lock().unwrap_or_else(PoisonError::into_inner)
//!     }
//!
//!     /// Puts `new` in the place of the live record whose version is `expected`.
//!     fn replace(&self, key: &StoreKey, expected: WriteId, new: Loaded) -> Written {
//!         let mut shelf = self.open();
//!         match shelf.get(key) {
//!             Some(Loaded::Live(now)) if now.version() != expected => Written::Conflict(now.clone()),
//!             Some(Loaded::Live(_)) => {
//!                 shelf.insert(*key, new);
//!                 Written::Done
//!             }
//!             Some(Loaded::Moved(moved)) => Written::Moved(*moved),
//!             _ => Written::Gone,
//!         }
//!     }
//! }
//!
//! impl Store for Shelf {
//!     async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
//!         Ok(self.open().get(key).cloned().unwrap_or(Loaded::Nothing))
//!     }
//!
//!     async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
//!         let mut shelf = self.open();
//!         Ok(match shelf.get(key) {
//!             Some(Loaded::Ended { .. }) => Created::Ended,
//!             Some(_) => Created::Exists,
//!             None => {
//!                 shelf.insert(*key, Loaded::Live(record.clone()));
//!                 Created::Done
//!             }
//!         })
//!     }
//!
//!     async fn update(
//!         &self,
//!         key: &StoreKey,
//!         expected: WriteId,
//!         record: &Record,
//!     ) -> Result<Written, StoreError> {
//!         Ok(self.replace(key, expected, Loaded::Live(record.clone())))
//!     }
//!
//!     async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
//!         Ok(match self.open().get_mut(key) {
//!             Some(Loaded::Live(now)) => {
//!                 let wanted = idle_deadline_ms.min(now.absolute_deadline_ms);
//!                 now.idle_deadline_ms = now.idle_deadline_ms.max(wanted);
//!                 Reached::Done
//!             }
//!             Some(Loaded::Moved(moved)) => Reached::Moved(*moved),
//!             _ => Reached::Gone,
//!         })
//!     }
//!
//!     async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
//!         let mut shelf = self.open();
//!         let (reached, until_ms) = match shelf.get(key) {
//!             Some(Loaded::Live(_)) => (Reached::Done, until_ms),
//!             Some(Loaded::Moved(moved)) => return Ok(Reached::Moved(*moved)),
//!             Some(Loaded::Ended { until_ms: before }) => (Reached::Gone, until_ms.max(*before)),
//!             _ => (Reached::Gone, until_ms),
//!         };
//!         shelf.insert(*key, Loaded::Ended { until_ms });
//!         Ok(reached)
//!     }
//!
//!     async fn supersede(
//!         &self,
//!         old: &StoreKey,
//!         expected: WriteId,
//!         moved: Moved,
//!     ) -> Result<Written, StoreError> {
//!         Ok(self.replace(old, expected, Loaded::Moved(moved)))
//!     }
//! }
//!
//! // In a test of your crate; with tokio, `.await` instead of `block_on`.
//! conformance::block_on(conformance::check(|| async { Shelf::default() })).assert_passed();
//! ```
//!
//! # What the kit does
//!
//! Each case has a name that is true of a store, such as `logout_wins_over_a_slow_writer`, and gets
//! a fresh store and keys of its own. Where several calls run at once, they do so twice: on one
//! task with turns in a random order, and on threads of their own; a gate proves that they
//! overlapped. A case that fails says what it found. [`Kit`] sets the seed, the number of rounds,
//! and where the clients run if your store needs a runtime there. [`Alternating`] shows whether two
//! stores on one database agree, as two processes must.
//!
//! For the tests of whatever *uses* a store there is [`Faulty`].

mod alternating;
mod cases;
mod chance;
mod executor;
mod faulty;
mod gate;
mod kit;
mod report;
mod subject;

pub use alternating::Alternating;
pub use executor::{Client, block_on};
pub use faulty::{Fault, Faulty, cancel_after};
pub use kit::Kit;
pub use report::{CaseReport, Report};

use std::future::Future;

use super::{Scan, Store, Sweep, UserIndex};

/// Examines a store: every rule of the contract.
///
/// `make` gives an empty store; it is called once for each case.
///
/// ```
/// use dewar::store::{MemoryStore, conformance};
///
/// # conformance::block_on(async {
/// conformance::check(|| async { MemoryStore::new() }).await.assert_passed();
/// # });
/// ```
pub async fn check<S, F, Made>(make: F) -> Report
where
    S: Store,
    F: Fn() -> Made,
    Made: Future<Output = S>,
{
    Kit::new(make).check().await
}

/// Examines how a store forgets: every rule of [`Sweep`].
///
/// `make` gives an empty store that nobody else uses; it is called once for each case.
pub async fn check_sweep<S, F, Made>(make: F) -> Report
where
    S: Sweep,
    F: Fn() -> Made,
    Made: Future<Output = S>,
{
    Kit::new(make).check_sweep().await
}

/// Examines how a store finds the sessions of a user: every rule of [`UserIndex`].
///
/// `make` gives an empty store; it is called once for each case.
pub async fn check_users<S, F, Made>(make: F) -> Report
where
    S: UserIndex,
    F: Fn() -> Made,
    Made: Future<Output = S>,
{
    Kit::new(make).check_users().await
}

/// Examines how a store shows everything: every rule of [`Scan`].
///
/// `make` gives an empty store that nobody else uses; it is called once for each case.
pub async fn check_scan<S, F, Made>(make: F) -> Report
where
    S: Scan,
    F: Fn() -> Made,
    Made: Future<Output = S>,
{
    Kit::new(make).check_scan().await
}
