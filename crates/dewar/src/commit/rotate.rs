//! Rotation: the session goes on under a new id, and late requests find their way.
//!
//! ```text
//!   old id ──▶ record ── supersede ──▶ marker (to, until)
//!   new id ──▶ successor ◀─────────────────┘ routes the changes of requests that had opened the old
//! ```
//!
//! The successor is created first; a crash in between leaves a record that nobody can name, and a
//! failure one that is [ended](super::begun). Logout
//! wins over rotation, and of two rotations the first: the other drops its successor and lands its
//! changes in the winner's.

use super::{
    CookieChange,
    begun::Begun,
    merge::{Overlay, merge},
    stored::{Act, Base, Done},
    verbs::{Updated, Verbs},
    work::Work,
};
use crate::{
    error::CommitError,
    event::EndedBy,
    open::Stored,
    rotation::Rotation,
    store::{Chain, Loaded, Moved, StoreError, StoreErrorKind, Written},
    user::USER,
};

impl Act<'_> {
    /// Lands the changes of a request that had opened a session before it was rotated.
    pub(super) async fn land(
        &self,
        work: &mut Work,
        mut moved: Moved,
    ) -> Result<Done, CommitError> {
        let Verbs { server, .. } = self.verbs;
        for _ in 0..Chain::MAX_HOPS {
            if self.now_ms >= moved.until_ms {
                break;
            }
            let mut permit = server.queue.enter(moved.to).await;
            let mut handed_over = permit.predecessor().filter(|record| !self.is_past(record));
            let mut there = None;
            moved = loop {
                let base = if let Some(record) = handed_over.take() {
                    Base::handed_over(record)?
                } else {
                    let found = match there.take() {
                        Some(record) => Loaded::Live(record),
                        None => self.verbs.load(&moved.to).await?,
                    };
                    match found {
                        Loaded::Live(record) if !self.is_past(&record) => Base::decode(record)?,
                        Loaded::Moved(next) => break next,
                        Loaded::Live(_) | Loaded::Ended { .. } | Loaded::Nothing => {
                            return Ok(self.ended(moved.to));
                        }
                    }
                };
                // Without a memory of its rotation the successor takes nothing from outside.
                let Some(rotation) = &base.rotation else {
                    return Ok(self.drop_late(&work.keys()));
                };
                let current = base.contents(&work.opened);
                let merged = merge(&mut work.changes, &work.opened, current, Some(rotation))?;
                if base.current && merged.contents.changes_nothing() {
                    self.tell(&merged);
                    return Ok(Done::landed());
                }
                match self.write(&moved.to, &base, &merged.contents).await? {
                    (Updated::Here(Written::Done), record) => {
                        permit.pass_on(record);
                        self.tell(&merged);
                        return Ok(Done::landed());
                    }
                    (Updated::WentAlong, _) => {
                        self.tell(&merged);
                        return Ok(Done::landed());
                    }
                    (Updated::Here(Written::Conflict(record)), _) => there = Some(record),
                    (Updated::Here(Written::Gone), _) => return Ok(self.ended(moved.to)),
                    (Updated::Here(Written::Moved(next)), _) => break next,
                }
            };
        }
        Ok(self.drop_late(&work.keys()))
    }

    pub(super) async fn regenerate(
        &self,
        work: &mut Work,
        stored: &Stored,
    ) -> Result<Done, CommitError> {
        let Verbs { server, .. } = self.verbs;
        let mut permit = server.queue.enter(stored.key).await;
        let mut base = stored.base(permit.predecessor())?;
        let mut successor: Option<Begun<'_>> = None;
        loop {
            let answer = if self.is_past(&base.record) {
                self.look_again(&stored.key, &base).await?
            } else {
                let rotation = self.rotation(work, &base);
                let current = base.contents(&work.opened);
                let merged = merge(&mut work.changes, &work.opened, current, None)?;
                let mut begun =
                    self.succeed(successor.take(), &merged.contents, &rotation, &base).await?;
                begun.unheard.follows(stored.key);
                let moved = Moved { to: begun.id.store_key(), until_ms: rotation.until_ms };
                let expected = base.record.version();
                let answer = self.verbs.supersede(&stored.key, expected, moved).await?;
                if answer == Written::Done {
                    let was = base.record.owner;
                    self.leave(&stored.key, was).await;
                    self.bound(&begun.record, was).await;
                    self.tell(&merged);
                    let began_ms = begun.record.created_ms;
                    let change = self.set_cookie(&begun.id, &work.decision, began_ms);
                    begun.keep();
                    return Ok(Done::kept(change, &base, &merged.contents));
                }
                successor = Some(begun);
                answer
            };
            if let Written::Conflict(there) = answer {
                base = self.conflict(stored.key, there)?;
                continue;
            }
            // Logout wins over rotation, and of two rotations the first: ours is dropped.
            if let Some(begun) = successor {
                let key = begun.id.store_key();
                self.verbs.delete(&key, self.until_ms()).await?;
                self.leave(&key, begun.record.owner).await;
                begun.keep();
            }
            drop(permit);
            return match answer {
                Written::Moved(moved) if work.touches(USER) => {
                    self.lost_its_user(work.sets(USER), moved).await
                }
                Written::Moved(moved) => self.land(work, moved).await,
                _ => Ok(self.ended(stored.key)),
            };
        }
    }

    /// A login or a logout came second: the session goes on under an identity that this request has
    /// not got. What it was to do for the user is not done by landing beside it.
    ///
    /// # Errors
    /// For a login: [`CommitError::Ended`], so that nobody is told that he is logged in.
    async fn lost_its_user(&self, is_login: bool, moved: Moved) -> Result<Done, CommitError> {
        if is_login {
            return Err(CommitError::Ended);
        }
        // Logout wins over rotation, also the one that keeps the rest of the session.
        self.end(moved.to, false, None, EndedBy::Logout).await?;
        Ok(CookieChange::Remove(self.verbs.config.cookie.removal()).into())
    }

    /// Creates the successor, or brings the one that was created up to date.
    async fn succeed<'s>(
        &'s self,
        made: Option<Begun<'s>>,
        contents: &Overlay<'_>,
        rotation: &Rotation,
        old: &Base,
    ) -> Result<Begun<'s>, CommitError> {
        let Some(made) = made else {
            return self.insert(contents, Some(rotation), Some(&old.record)).await;
        };
        // Nobody else knows its id, so nobody can have changed it. It keeps the old one's writes.
        let record = self.record(contents, Some(rotation), &old.record, old.record.writes)?;
        let key = made.id.store_key();
        self.enter_if_new(&key, &record, &made.record).await?;
        match self.verbs.update(&key, made.record.version(), &record).await? {
            Updated::Here(Written::Done) => Ok(Begun { record, ..made }),
            _ => Err(StoreError::new(StoreErrorKind::OutcomeUnknown).into()),
        }
    }

    fn rotation(&self, work: &Work, base: &Base) -> Rotation {
        let (mut keys, mut discard) = (work.keys(), work.discard_late_writes);
        // Whoever comes late across two rotations must not write over what the first one set, nor
        // at all if the first one refused it.
        if let Some(earlier) = base.rotation.as_ref().filter(|r| self.now_ms < r.until_ms) {
            keys.extend(earlier.keys.iter().filter(|key| !work.touches(key)).cloned());
            discard |= earlier.discard;
        }
        Rotation { keys, discard, until_ms: self.until_ms() }
    }
}
