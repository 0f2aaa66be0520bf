//! Which sessions a user has.

use std::future::Future;

use super::{Owner, Store, StoreError};
use crate::id::StoreKey;

/// One session that a [`UserIndex`] knows of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store writes every field")]
pub struct Entry {
    /// The session.
    pub key: StoreKey,
    /// Since when it is known to be the user's, or has been there; Unix milliseconds.
    pub since_ms: u64,
}

/// A store that finds the sessions of one user without looking at those of others.
///
/// What it knows are notes: *perhaps* this user's. Whose a session is stands in its
/// [`Record`](super::Record), and whoever lists loads it. So a note may be older than the truth, but
/// none may be missing: a session is noted before the record that carries its owner is written.
///
/// A store that finds owners by its records themselves, as a database with an index does, has
/// nothing to note; [`enter`](Self::enter) and [`leave`](Self::leave) do nothing there. Nothing
/// needs two keys to change at once.
pub trait UserIndex: Store {
    /// Notes that this session is about to become the owner's, at `now_ms`; the note may be
    /// forgotten [`GRACE`](super::GRACE) after `until_ms`. Both in Unix milliseconds.
    ///
    /// Of two calls for one session the later moments count.
    fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets a note. One that is not there is no error.
    fn leave(
        &self,
        owner: &Owner,
        key: &StoreKey,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// At most `limit` notes of this user, oldest first, by `since_ms` and then by key; those that
    /// follow `after`.
    ///
    /// Fewer than `limit` means that there are no more.
    fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Entry>, StoreError>> + Send;
}
