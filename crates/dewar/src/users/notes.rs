//! What a store notes of users, and what a note is worth.
//!
//! A store notes which sessions may be a user's; whose a session is stands in its record. So each
//! note is looked up:
//!
//! | the key holds | the note |
//! |---|---|
//! | a live record of this user | is true; it goes once that is long past |
//! | a marker or a tombstone | goes: nothing lives there again |
//! | nothing, or somebody else's record | goes once it is old: a login may be about to write its own |
//!
//! Of the last kind a login may make a true one between look and deed: then it comes back.

use std::collections::BTreeMap;

use super::UserSessions;
use crate::{
    clock::{millis, unix_millis},
    ending::Ending,
    event::{EndedBy, Event},
    id::StoreKey,
    store::{
        Chain, Entry, GRACE, Loaded, Owner, Reached, Record, Store, StoreError, StoreErrorKind,
        UserIndex,
    },
    user::places_key,
};

/// How many notes are asked for at once.
const PAGE: usize = 100;

/// How often a store that does not answer is asked to end a session.
const ATTEMPTS: u32 = 2;

/// How many notes each login looks at, so that they do not grow without end: more than the one it
/// adds.
const LOOKED_AT: usize = 2;

impl UserSessions {
    /// Ends all of a user's sessions but this one, which may be rotated meanwhile: its successor
    /// carries its writes.
    pub(super) async fn revoke_but(
        &self,
        owner: &Owner,
        keep: Option<StoreKey>,
    ) -> Result<usize, StoreError> {
        let keep = match keep {
            Some(key) => self.follow(key).await?,
            None => None,
        };
        let is_kept = |key: &StoreKey, record: &Record| {
            keep.as_ref()
                .is_some_and(|(kept, it)| kept == key || record.writes.contains(it.version()))
        };
        let (mut ended, mut after) = (0, None);
        loop {
            let page = self.page(owner, after).await?;
            for entry in &page {
                match self.look(owner, entry).await? {
                    Some((key, record)) if !is_kept(&key, &record) => {
                        ended += usize::from(self.end(owner, key, EndedBy::Revoked).await?);
                    }
                    _ => {}
                }
            }
            after = page.last().copied();
            if page.len() < PAGE {
                return Ok(ended);
            }
        }
    }

    /// The live sessions of a user, in an order that all machines agree upon: oldest first.
    pub(crate) async fn alive(&self, owner: &Owner) -> Result<Vec<(StoreKey, Record)>, StoreError> {
        // By key: one that is rotated meanwhile is met under its old note and under its new one.
        let (mut alive, mut after) = (BTreeMap::new(), None);
        loop {
            let page = self.page(owner, after).await?;
            for entry in &page {
                alive.extend(self.look(owner, entry).await?);
            }
            after = page.last().copied();
            if page.len() < PAGE {
                break;
            }
        }
        let mut alive: Vec<_> = alive.into_iter().collect();
        alive.sort_by_key(|(key, record)| (record.created_ms, *key));
        Ok(alive)
    }

    /// Ends the oldest sessions that a user has beyond so many. Of all that two logins see, both end
    /// the same ones.
    pub(crate) async fn evict(&self, owner: &Owner, limit: usize) {
        let alive = self.alive(owner).await.unwrap_or_default();
        let over = alive.len().saturating_sub(limit);
        for (oldest, _) in &alive[..over] {
            let _ = self.end(owner, *oldest, EndedBy::Evicted).await;
        }
    }

    /// Looks at a few of the oldest notes, and takes back those that are void.
    pub(crate) async fn look_at_oldest(&self, owner: &Owner) {
        let oldest = self.notes(owner, None, LOOKED_AT).await;
        for entry in oldest.unwrap_or_default() {
            let _ = self.look(owner, &entry).await;
        }
    }

    /// The live record that a note leads to, and its key; a note that is void is taken back.
    async fn look(
        &self,
        owner: &Owner,
        entry: &Entry,
    ) -> Result<Option<(StoreKey, Record)>, StoreError> {
        let now_ms = self.now_ms();
        let loaded = match self.load(&entry.key).await {
            // It is shown to nobody, and stays his.
            Err(error) if error.kind() == StoreErrorKind::Corrupt => return Ok(None),
            loaded => loaded?,
        };
        let (found, void) = match loaded {
            Loaded::Live(record) if record.owner.as_ref() == Some(owner) => {
                if now_ms < record.deadline_ms() {
                    return Ok(Some((entry.key, record)));
                }
                // By now a store may have forgotten it: on no machine it is alive.
                (None, record.deadline_ms().saturating_add(millis(GRACE)) < now_ms)
            }
            // Rotated since it was listed, perhaps: then its successor is on no page so far.
            Loaded::Moved(moved) => (self.follow(moved.to).await?, true),
            Loaded::Ended { .. } => (None, true),
            Loaded::Live(_) | Loaded::Nothing => {
                let is_old = entry.since_ms.saturating_add(millis(self.marker)) < now_ms;
                (self.leave_unless_his(owner, &entry.key, is_old).await?, false)
            }
        };
        if void {
            // If that fails, the next one to look takes it back.
            let _ = self.leave(owner, &entry.key).await;
        }
        Ok(found.filter(|(_, record)| {
            record.owner.as_ref() == Some(owner) && now_ms < record.deadline_ms()
        }))
    }

    /// Takes the note of somebody else's session back, or of none. Meanwhile it may have become his: a
    /// login notes it, writes it, and notes it once more. Either that note is behind this, or the
    /// session is seen here, and noted again.
    async fn leave_unless_his(
        &self,
        owner: &Owner,
        key: &StoreKey,
        is_old: bool,
    ) -> Result<Option<(StoreKey, Record)>, StoreError> {
        if !is_old {
            return Ok(None);
        }
        // If that fails, the next one to look takes it back; or it was done all the same.
        let _ = self.leave(owner, key).await;
        let Loaded::Live(record) = self.load(key).await? else { return Ok(None) };
        if record.owner.as_ref() != Some(owner) {
            return Ok(None);
        }
        let enter = self.store.enter(owner, key, self.now_ms(), record.absolute_deadline_ms);
        self.calls.call(&self.events, "enter", key, enter).await?;
        Ok(Some((*key, record)))
    }

    /// The live record at the end of a chain.
    async fn follow(&self, key: StoreKey) -> Result<Option<(StoreKey, Record)>, StoreError> {
        let load = |key| async move { self.load(&key).await };
        Ok(match Chain::from(key).end(load).await? {
            (key, Loaded::Live(record)) => Some((key, record)),
            (_, Loaded::Moved(_) | Loaded::Ended { .. } | Loaded::Nothing) => None,
        })
    }

    /// Ends a session of this user, following it to the end of its chain; what somebody else has
    /// logged in to meanwhile is left alone.
    ///
    /// A login rotates, so it cannot come between the look and the end. A session whose user is
    /// written in place just then, by hand, ends for its new user.
    pub(crate) async fn end(
        &self,
        owner: &Owner,
        key: StoreKey,
        by: EndedBy,
    ) -> Result<bool, StoreError> {
        let mut chain = Chain::from(key);
        loop {
            let key = *chain.key();
            let reached = match self.load(&key).await? {
                Loaded::Live(record) if record.owner.as_ref() != Some(owner) => return Ok(false),
                Loaded::Nothing => return Ok(false),
                Loaded::Live(_) => self.delete_live(&key, by).await?,
                // It is ended once more, since only its own answer says that the end will last; and
                // whoever ended it tells so.
                Loaded::Ended { .. } => self.delete(&key).await.map(|_| Reached::Gone)?,
                Loaded::Moved(moved) => Reached::Moved(moved),
            };
            let _ = self.leave(owner, &key).await;
            match reached {
                Reached::Done => {
                    self.events.emit(|| Event::SessionEnded { session: key, by });
                    return Ok(true);
                }
                Reached::Gone => return Ok(false),
                Reached::Moved(moved) => chain.follow(moved)?,
            }
        }
    }

    /// Ends all of a user's sessions, readable or not, and takes every note back.
    pub(super) async fn erase_all(&self, owner: &Owner) -> Result<usize, StoreError> {
        let (mut erased, mut after) = (0, None);
        loop {
            let page = self.page(owner, after).await?;
            for entry in &page {
                erased += usize::from(self.erase_one(owner, entry).await?);
            }
            after = page.last().copied();
            if page.len() < PAGE {
                break;
            }
        }
        let places = places_key(owner);
        if let Loaded::Live(_) = self.load(&places).await? {
            self.delete(&places).await?;
        }
        Ok(erased)
    }

    /// Ends what a note leads to and takes the note back, unless somebody else's session is there,
    /// which a login may be about to make his.
    async fn erase_one(&self, owner: &Owner, entry: &Entry) -> Result<bool, StoreError> {
        let ended = match self.load(&entry.key).await {
            // A login that is under way finds the end of what it was to begin.
            Ok(Loaded::Nothing) => {
                self.delete(&entry.key).await?;
                false
            }
            Ok(Loaded::Live(record)) if record.owner.as_ref() != Some(owner) => return Ok(false),
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                self.delete(&entry.key).await? == Reached::Done
            }
            loaded => {
                loaded?;
                self.end(owner, entry.key, EndedBy::Revoked).await?
            }
        };
        self.leave(owner, &entry.key).await?;
        Ok(ended)
    }

    pub(super) async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.calls.call(&self.events, "load", key, self.store.load(key)).await
    }

    async fn notes(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        // No session is asked for; the user shows as one would.
        let key = StoreKey::from_bytes(*owner.as_bytes());
        let notes = self.store.sessions_of(owner, after, limit);
        self.calls.call(&self.events, "sessions_of", &key, notes).await
    }

    async fn page(&self, owner: &Owner, after: Option<Entry>) -> Result<Vec<Entry>, StoreError> {
        self.notes(owner, after, PAGE).await
    }

    pub(super) async fn delete(&self, key: &StoreKey) -> Result<Reached, StoreError> {
        self.ending().delete(key, ATTEMPTS).await
    }

    /// The same for a session that was seen alive. If its end was not confirmed that is an error; told it
    /// is all the same, because the next one finds it ended.
    async fn delete_live(&self, key: &StoreKey, by: EndedBy) -> Result<Reached, StoreError> {
        let ending = self.ending();
        let answer = ending.delete(key, ATTEMPTS).await;
        if let Err(error) = &answer {
            if ending.has_ended(key, error).await {
                self.events.emit(|| Event::SessionEnded { session: *key, by });
            }
        }
        answer
    }

    /// Made now: its tombstone lasts as long as a marker.
    fn ending(&self) -> Ending<'_> {
        let until_ms = self.now_ms().saturating_add(millis(self.marker));
        let Self { store, calls, events, .. } = self;
        Ending { store, calls, events, until_ms }
    }

    pub(super) async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        self.calls.call(&self.events, "leave", key, self.store.leave(owner, key)).await
    }

    fn now_ms(&self) -> u64 {
        unix_millis(self.clock.now())
    }
}
