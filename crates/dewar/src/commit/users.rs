//! A session becomes a user's, and ceases to be.
//!
//! What a store notes of users comes before the record that names them and goes behind its end, so
//! that no session is ever missing from its user's list; a note too many is found out by whoever
//! lists.

use super::{stored::Act, verbs::Verbs};
use crate::{
    error::CommitError,
    event::{EndedBy, Event},
    id::StoreKey,
    store::{Owner, Record, UserIndex},
    user::{Cap, WhenFull},
    users::UserSessions,
};

impl Act<'_> {
    /// Notes whose session this key is about to be. `old` is the record that it follows.
    ///
    /// # Errors
    /// If its user may have no more sessions.
    pub(super) async fn enter(
        &self,
        key: &StoreKey,
        record: &Record,
        old: Option<&Record>,
    ) -> Result<(), CommitError> {
        let Some(owner) = &record.owner else { return Ok(()) };
        if !self.verbs.server.store().knows_users() {
            return Ok(());
        }
        if record.owner != old.and_then(|old| old.owner) {
            self.check_room(owner).await?;
        }
        Ok(self.verbs.enter(owner, key, self.now_ms, record.absolute_deadline_ms).await?)
    }

    async fn check_room(&self, owner: &Owner) -> Result<(), CommitError> {
        let Verbs { config, server } = self.verbs;
        let Some(Cap { limit, when_full: WhenFull::Refuse }) = server.options.cap else {
            return Ok(());
        };
        let alive = UserSessions::of_layer(config, server).alive(owner).await?;
        if alive.len() >= limit.get() {
            return Err(CommitError::TooManySessions { limit: limit.get() });
        }
        Ok(())
    }

    /// The session is its user's now, and was `was`'s.
    ///
    /// Two logins at once may both have found room. Each looks once more behind its own record, and
    /// of all that it sees the same ones have to go, whoever looks: so exactly as many stay as may.
    ///
    /// # Errors
    /// If its user may have no more sessions, and this is the one too many.
    pub(super) async fn bound(
        &self,
        key: StoreKey,
        record: &Record,
        was: Option<Owner>,
    ) -> Result<(), CommitError> {
        let Verbs { config, server } = self.verbs;
        let Some(owner) = record.owner.filter(|owner| Some(*owner) != was) else { return Ok(()) };
        let users = UserSessions::of_layer(config, server);
        if !server.store().knows_users() {
            return Ok(());
        }
        let Some(Cap { limit, when_full }) = server.options.cap else {
            users.look_at_oldest(&owner).await;
            return Ok(());
        };
        let alive = users.alive(&owner).await?;
        let over = alive.len().saturating_sub(limit.get());
        match when_full {
            WhenFull::EndOldest => {
                for (oldest, _) in &alive[..over] {
                    users.end(&owner, *oldest, EndedBy::Evicted).await?;
                }
            }
            WhenFull::Refuse => {
                let newest = &alive[alive.len() - over..];
                if newest.iter().any(|(newest, _)| *newest == key) {
                    self.end(key, Some(owner), EndedBy::Evicted).await?;
                    return Err(CommitError::TooManySessions { limit: limit.get() });
                }
            }
        }
        Ok(())
    }

    /// Ends a session and what followed it, and tells it if it was alive.
    pub(super) async fn end(
        &self,
        key: StoreKey,
        owner: Option<Owner>,
        by: EndedBy,
    ) -> Result<(), CommitError> {
        if let Some(session) = self.delete_chain(key).await? {
            self.verbs.config.emit(|| Event::SessionEnded { session, by });
            self.leave(&session, owner).await;
        }
        Ok(())
    }

    /// Takes a note back. If that fails, it is one too many.
    pub(super) async fn leave(&self, key: &StoreKey, owner: Option<Owner>) {
        let store = self.verbs.server.store();
        if let Some(owner) = owner.filter(|_| store.knows_users()) {
            let _ = self.verbs.call("leave", key, store.leave(&owner, key)).await;
        }
    }
}
