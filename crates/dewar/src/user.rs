//! Whose session it is: two keys of its contents; and how many a user may have.

use std::num::NonZeroUsize;

use dewar_signing::{LazyValue, Value};
use sha2::{Digest, Sha256};

use crate::{id::StoreKey, store::Owner};

/// Under this key a session keeps the id of its user.
///
/// # Flask
/// Flask-Login's own key, so that a session it logged in belongs to its user here too.
pub(crate) const USER: &str = "_user_id";

/// Under this key a session keeps the name of the device it was bound on.
pub(crate) const DEVICE: &str = "_device";

/// What happens when a user has as many sessions as he may have and logs in once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum WhenFull {
    /// His oldest session ends.
    EndOldest,
    /// The login is refused: [`CommitError::TooManySessions`](crate::CommitError::TooManySessions).
    Refuse,
}

/// How many sessions a user may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cap {
    pub(crate) limit: NonZeroUsize,
    pub(crate) when_full: WhenFull,
}

/// The owner of a session that holds this under [`USER`].
pub(crate) fn owner(user: Option<LazyValue<'_>>) -> Option<Owner> {
    match user?.to_value() {
        Value::Str(id) if !id.is_empty() => Some(Owner::of(&id)),
        _ => None,
    }
}

/// Where a user's places stand while logins are under way: no id of a session leads there, and the
/// key shows it, so that no sweep tells of a session that was none.
pub(crate) fn places_key(owner: &Owner) -> StoreKey {
    let hash = Sha256::new().chain_update(b"dewar.places:").chain_update(owner.as_bytes());
    StoreKey::of_no_session(hash.finalize().into())
}
