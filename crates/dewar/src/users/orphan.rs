//! Ends a session whose id nobody has.

use std::time::Duration;

use tokio::time::sleep;

use super::UserSessions;
use crate::{
    event::{EndedBy, Event},
    id::StoreKey,
    store::{Loaded, Owner, Reached},
};

/// How often it is tried, after ever longer pauses: for a minute in all.
const ROUNDS: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A session that a failed commit left.
pub(crate) struct Orphan {
    pub(crate) key: StoreKey,
    pub(crate) owner: Option<Owner>,
    /// The session that was to go on as this one.
    pub(crate) follows: Option<StoreKey>,
}

impl UserSessions {
    /// Ends it, and takes its note back. The store may be silent, that is why there is an orphan: so
    /// it is tried for a while.
    pub(crate) async fn end_orphan(self, orphan: Orphan) {
        // Whether a round may have ended it without saying so.
        let mut is_open = false;
        for round in 0..ROUNDS {
            match self.delete(&orphan.key).await {
                Ok(Reached::Gone) if is_open => return self.over(&orphan, Reached::Done).await,
                Ok(reached) => return self.over(&orphan, reached).await,
                Err(error) => is_open = is_open || !error.is_undone(),
            }
            sleep(FIRST_PAUSE * 2_u32.pow(round)).await;
        }
    }

    async fn over(&self, orphan: &Orphan, reached: Reached) {
        if let Some(owner) = orphan.owner.filter(|_| self.store.knows_users()) {
            // If that fails, whoever lists finds a tombstone.
            let _ = self.leave(&owner, &orphan.key).await;
        }
        let Some(old) = orphan.follows.filter(|_| reached == Reached::Done) else { return };
        // Without a marker that leads here the old session lives on. But the rotation of a request that was
        // dropped may still be on its way to the store, for as long as a call takes.
        let mut leads = self.leads_here(&old, orphan).await;
        if !leads {
            sleep(self.calls.timeout()).await;
            leads = self.leads_here(&old, orphan).await;
        }
        if leads {
            let (session, by) = (orphan.key, EndedBy::Lost);
            self.events.emit(|| Event::SessionEnded { session, by });
        }
    }

    async fn leads_here(&self, old: &StoreKey, orphan: &Orphan) -> bool {
        let found = self.load(old).await;
        matches!(found, Ok(Loaded::Moved(moved)) if moved.to == orphan.key)
    }
}
