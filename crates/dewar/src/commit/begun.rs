//! A session that a commit began and of which no browser has heard yet.
//!
//! If the commit fails behind it, or the request is dropped, nobody will ever have its id, and it
//! would count as one of its user's sessions until it expires. So it is ended. That happens beside
//! the request, which is over, or may wait no longer: on the tokio runtime of the request, and where
//! there is none the session expires.
//!
//! What the store says it has not done needs no end: it is [forgotten](Unheard::forget).

use tokio::runtime::Handle;

use super::verbs::Verbs;
use crate::{
    id::{SessionId, StoreKey},
    store::{Owner, Record},
    users::{Orphan, UserSessions},
};

/// A new session: it ends when this is dropped before it is [kept](Self::keep).
pub(super) struct Begun<'c> {
    pub(super) id: SessionId,
    pub(super) record: Record,
    pub(super) unheard: Unheard<'c>,
}

impl Begun<'_> {
    /// The response has its id.
    pub(super) fn keep(self) {
        self.unheard.forget();
    }
}

/// A key under which something may have begun.
pub(super) struct Unheard<'c> {
    verbs: Verbs<'c>,
    orphan: Option<Orphan>,
}

impl<'c> Unheard<'c> {
    pub(super) fn new(verbs: Verbs<'c>, key: StoreKey, owner: Option<Owner>) -> Self {
        Self { verbs, orphan: Some(Orphan { key, owner, follows: None }) }
    }

    /// The session that this one is about to follow: with the orphan it has ended, too.
    pub(super) fn follows(&mut self, old: StoreKey) {
        if let Some(orphan) = &mut self.orphan {
            orphan.follows = Some(old);
        }
    }

    /// There is nothing to end.
    pub(super) fn forget(mut self) {
        self.orphan = None;
    }
}

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        let (Some(orphan), Ok(runtime)) = (self.orphan.take(), Handle::try_current()) else {
            return;
        };
        let users = UserSessions::of_layer(self.verbs.config, self.verbs.server);
        runtime.spawn(async move { users.end_orphan(orphan).await });
    }
}
