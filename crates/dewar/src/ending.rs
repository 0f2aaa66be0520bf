//! Ends what stands under a key, although answers may be lost.
//!
//! Of all that end a session, the one whose `delete` found it alive tells so. A `delete` that got no
//! answer is repeated, and may find its own tombstone. Then it counts as the one that ended the
//! session, unless the store shows that it was not:
//!
//! | after the lost answer the store shows | whose end it is |
//! |---|---|
//! | a tombstone that goes before ours would | somebody else's, who tells it |
//! | nothing | nobody's: there was no session |
//! | anything else, or it does not answer | ours |
//!
//! A strict store may say that it ended something and that its replicas did not confirm it. That is an
//! error to whoever asked. Asked again, it would find the tombstone, and nobody would tell; so whoever had
//! seen the session alive tells it at once, if the store now [shows](Ending::has_ended) his tombstone.
//!
//! So an end is told once where an answer was lost, and where several end a session at once. It can be told
//! twice where both happens together, and is told by nobody if no answer comes until the caller
//! gives up.

use crate::{
    calls::{Calls, pause},
    event::Events,
    id::StoreKey,
    store::{BoxStore, Loaded, Reached, Store, StoreError, StoreErrorKind},
};

/// How a store is asked to end something.
pub(crate) struct Ending<'a> {
    pub(crate) store: &'a BoxStore,
    pub(crate) calls: &'a Calls,
    pub(crate) events: &'a Events,
    /// How long the tombstone stays, in Unix milliseconds.
    pub(crate) until_ms: u64,
}

impl Ending<'_> {
    /// Ends this key, and asks at most so many times. [`Reached::Done`] is for whoever has to tell
    /// it.
    ///
    /// # Errors
    /// If the store does not answer: then it may be alive, or not.
    pub(crate) async fn delete(
        &self,
        key: &StoreKey,
        attempts: u32,
    ) -> Result<Reached, StoreError> {
        // Whether an attempt may have ended it without saying so.
        let (mut attempt, mut is_open, mut is_others) = (0, false, false);
        loop {
            let delete = self.store.delete(key, self.until_ms);
            attempt += 1;
            match self.calls.call(self.events, "delete", key, delete).await {
                Err(error) if error.is_passing() && attempt < attempts => {
                    is_open = is_open || error.kind() != StoreErrorKind::Contended;
                    is_others = is_others || is_open && self.is_others(key).await;
                    pause(attempt - 1).await;
                }
                Ok(Reached::Gone) if is_open && !is_others => return Ok(Reached::Done),
                Err(error) if is_open => return Err(error.after_an_attempt()),
                answer => return answer,
            }
        }
    }

    /// Whether an end that failed so was carried out all the same: our tombstone is there, or a later one.
    pub(crate) async fn has_ended(&self, key: &StoreKey, error: &StoreError) -> bool {
        error.kind() == StoreErrorKind::NotReplicated
            && match self.calls.call(self.events, "load", key, self.store.load(key)).await {
                Ok(Loaded::Ended { until_ms }) => until_ms >= self.until_ms,
                _ => false,
            }
    }

    /// Whether it is known that the attempts so far ended nothing.
    async fn is_others(&self, key: &StoreKey) -> bool {
        match self.calls.call(self.events, "load", key, self.store.load(key)).await {
            // Of two deadlines the later one counts.
            Ok(Loaded::Ended { until_ms }) => until_ms < self.until_ms,
            Ok(Loaded::Nothing) => true,
            Ok(Loaded::Live(_) | Loaded::Moved(_)) | Err(_) => false,
        }
    }
}
