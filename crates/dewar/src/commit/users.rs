//! A session becomes a user's, and ceases to be.
//!
//! What a store notes of users comes before the record that names them and goes behind its end, so
//! that no session is ever missing from its user's list; a note too many is found out by whoever
//! lists.

use tokio::runtime::Handle;

use super::{stored::Act, verbs::Verbs};
use crate::{
    calls::within,
    error::CommitError,
    event::{EndedBy, Event},
    id::StoreKey,
    store::{Chain, Owner, Reached, Record, UserIndex},
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
            if let Some(Cap { limit, when_full: WhenFull::Refuse }) = self.verbs.server.options.cap
            {
                self.take_place(owner, key, limit.get()).await?;
            }
        }
        Ok(self.verbs.enter(owner, key, self.now_ms, record.absolute_deadline_ms).await?)
    }

    /// The same for a record that follows another one under the same key: only what is new in it is
    /// noted.
    pub(super) async fn enter_if_new(
        &self,
        key: &StoreKey,
        record: &Record,
        old: &Record,
    ) -> Result<(), CommitError> {
        if record.owner != old.owner || record.absolute_deadline_ms > old.absolute_deadline_ms {
            Box::pin(self.enter(key, record, Some(old))).await?;
        }
        Ok(())
    }

    /// Notes once more whose session this is. An older note of it may have been there, and somebody who
    /// saw that it was void may have taken both back. If this fails, so it stays.
    pub(super) async fn enter_again(&self, key: &StoreKey, record: &Record) {
        let store = self.verbs.server.store();
        if let Some(owner) = record.owner.filter(|_| store.knows_users()) {
            let enter = store.enter(&owner, key, self.now_ms, record.absolute_deadline_ms);
            let _ = self.verbs.call("enter", key, enter).await;
        }
    }

    /// The session is its user's now, and was `was`'s: what is one too many ends.
    ///
    /// It is written, and nothing that fails here takes it back: what takes more than half the time of a
    /// commit goes on beside the request, and the next login ends what is left.
    pub(super) async fn bound(&self, record: &Record, was: Option<Owner>) {
        let Verbs { config, server } = self.verbs;
        let Some(owner) = record.owner.filter(|owner| Some(*owner) != was) else { return };
        if !server.store().knows_users() {
            return;
        }
        let users = UserSessions::of_layer(config, server);
        match server.options.cap {
            None => users.look_at_oldest(&owner).await,
            Some(Cap { limit, when_full: WhenFull::EndOldest }) => {
                let evicting = async move { users.evict(&owner, limit.get()).await };
                match Handle::try_current() {
                    Err(_) => evicting.await,
                    Ok(runtime) => {
                        let evicting = runtime.spawn(evicting);
                        let _ = within(server.options.commit_deadline / 2, evicting).await;
                    }
                }
            }
            // It took a place before it was written.
            Some(Cap { when_full: WhenFull::Refuse, .. }) => {}
        }
    }

    /// Ends a session and what followed it, and tells it if it was alive until now. `was_live`: this
    /// request has seen it alive.
    pub(super) async fn end(
        &self,
        key: StoreKey,
        was_live: bool,
        owner: Option<Owner>,
        by: EndedBy,
    ) -> Result<(), CommitError> {
        let (until_ms, mut chain) = (self.until_ms(), Chain::from(key));
        loop {
            let session = *chain.key();
            let answer = self.verbs.delete(&session, until_ms).await;
            let has_ended = match &answer {
                Ok(reached) => *reached == Reached::Done,
                Err(error) if was_live && session == key => {
                    self.verbs.ending(until_ms).has_ended(&session, error).await
                }
                Err(_) => false,
            };
            if has_ended {
                self.verbs.config.emit(|| Event::SessionEnded { session, by });
                self.leave(&session, owner).await;
            }
            match answer? {
                Reached::Done | Reached::Gone => return Ok(()),
                Reached::Moved(moved) => chain.follow(moved)?,
            }
        }
    }

    /// Takes a note back. If that fails, it is one too many.
    pub(super) async fn leave(&self, key: &StoreKey, owner: Option<Owner>) {
        let store = self.verbs.server.store();
        if let Some(owner) = owner.filter(|_| store.knows_users()) {
            let _ = self.verbs.call("leave", key, store.leave(&owner, key)).await;
        }
    }
}
