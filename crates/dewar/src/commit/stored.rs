//! Server mode: the plan becomes store calls.
//!
//! | plan | calls |
//! |---|---|
//! | create | `create` |
//! | touch | `touch` |
//! | update, empty | `update`, and on *conflict* again on what is there now |
//! | regenerate | `create` the successor, then `supersede`; if the old one is gone, drop the new |
//! | destroy | `delete`, following *moved* to the end of the chain |
//! | replace | `create`, then delete the old chain |
//!
//! *gone* stops: nothing is written, nothing is revived. *moved* lands the changes in the successor
//! under the late-write rule: see [`rotate`](super::rotate). A writer whose answer was lost looks
//! for its own write before it tries again: nothing is applied twice.

use dewar_signing::{LazyDict, Value};

use super::{
    CookieChange, Decision,
    begun::Begun,
    merge::{Merged, Overlay, merge},
    verbs::{Updated, Verbs},
    work::Work,
};
use crate::{
    backend::Server,
    calls::within,
    clock::{millis, unix_millis},
    config::Config,
    error::CommitError,
    event::{EndedBy, Event},
    id::StoreKey,
    open::{Origin, Stored, decode},
    plan::Plan,
    rotation::Rotation,
    store::{Loaded, Reached, Record, Store, StoreError, StoreErrorKind, Written},
};

/// What a commit did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) change: CookieChange,
    /// The contents as they were kept, where others may have changed them meanwhile.
    pub(crate) merged: Option<LazyDict>,
    /// Something was kept. If not, the session had ended, or had been rotated away from the
    /// request.
    pub(crate) kept: bool,
}

impl Done {
    /// Kept upon `base`. If that is what was opened, the session shows the outcome already.
    pub(super) fn kept(change: CookieChange, base: &Base, contents: &Overlay<'_>) -> Self {
        let merged = base.contents.is_some().then(|| contents.to_lazy());
        Self { change, merged, kept: true }
    }

    /// Kept in a successor, whose contents an old id is not shown.
    pub(super) fn landed() -> Self {
        CookieChange::Keep.into()
    }

    pub(super) fn dropped() -> Self {
        Self { change: CookieChange::Keep, merged: None, kept: false }
    }
}

/// Acts, once, within the deadline of a commit.
///
/// # Errors
/// If the contents cannot be kept, or the store does not answer.
pub(crate) async fn act(
    config: &Config,
    server: &Server,
    origin: &Origin,
    work: &mut Work,
) -> Result<Done, CommitError> {
    let now_ms = unix_millis(work.decision.now);
    let act = Act { verbs: Verbs { config, server }, now_ms };
    let done = within(server.options.commit_deadline, act.run(origin, work)).await;
    done.unwrap_or_else(|| Err(StoreError::new(StoreErrorKind::OutcomeUnknown).into()))
}

/// Takes the value of `name` out of the store, for one request alone.
///
/// # Errors
/// If the store does not answer.
pub(crate) async fn take_once(
    config: &Config,
    server: &Server,
    key: StoreKey,
    name: &str,
) -> Result<Option<Value>, CommitError> {
    let act = Act { verbs: Verbs { config, server }, now_ms: unix_millis(config.clock.now()) };
    let taken = within(server.options.commit_deadline, act.take_once(key, name)).await;
    taken.unwrap_or_else(|| Err(StoreError::new(StoreErrorKind::OutcomeUnknown).into()))
}

/// One commit under way.
pub(super) struct Act<'c> {
    pub(super) verbs: Verbs<'c>,
    pub(super) now_ms: u64,
}

/// A live record with its contents.
pub(super) struct Base {
    pub(super) record: Record,
    /// `None`: as they were opened.
    contents: Option<LazyDict>,
    pub(super) rotation: Option<Rotation>,
    /// The store gave it during this commit. What was opened, or handed over in the queue, may be
    /// older: it is good to write upon, since a store refuses what is outdated, but it does not
    /// prove that nothing needs to be written, nor that a session has expired.
    pub(super) current: bool,
}

impl Base {
    pub(super) fn decode(record: Record) -> Result<Self, StoreError> {
        let (contents, rotation) = decode(record.data.clone())
            .map_err(|reason| StoreError::new(StoreErrorKind::Corrupt).with_source(reason))?;
        Ok(Self { record, contents: Some(contents), rotation, current: true })
    }

    pub(super) fn contents<'b>(&'b self, opened: &'b LazyDict) -> &'b LazyDict {
        self.contents.as_ref().unwrap_or(opened)
    }

    pub(super) fn handed_over(record: Record) -> Result<Self, StoreError> {
        Ok(Self { current: false, ..Self::decode(record)? })
    }
}

impl Act<'_> {
    /// All but an update is boxed: it is seldom, and the room for it would be part of every commit.
    async fn run(&self, origin: &Origin, work: &mut Work) -> Result<Done, CommitError> {
        let decision = work.decision;
        match (decision.plan, origin) {
            (Plan::Nothing, _) => Ok(CookieChange::Keep.into()),
            (Plan::Create, _) => {
                let (begun, change) = Box::pin(self.create(&work.left, decision)).await?;
                begun.keep();
                Ok(change.into())
            }
            (Plan::Touch, Origin::Stored(stored)) => {
                Ok(Box::pin(self.touch(stored, decision)).await.into())
            }
            (Plan::Update | Plan::Empty, Origin::Stored(stored)) => self.update(work, stored).await,
            (Plan::Regenerate, Origin::Stored(stored)) => {
                Box::pin(self.regenerate(work, stored)).await
            }
            (Plan::Replace, origin) => {
                let (begun, change) = Box::pin(self.create(&work.left, decision)).await?;
                Box::pin(self.end_all(origin, EndedBy::Replaced)).await?;
                begun.keep();
                Ok(change.into())
            }
            (Plan::Destroy, origin) => {
                Box::pin(self.end_all(origin, EndedBy::Logout)).await?;
                // Under an id that was rotated away nothing new begins.
                if !work.left.is_empty() {
                    self.drop_late(&work.keys());
                }
                Ok(CookieChange::Remove(self.verbs.config.cookie.removal()).into())
            }
            (_, Origin::Unreachable { .. }) => Err(StoreError::unread().into()),
            // A change under an id that was rotated away before the request came.
            (..) => Ok(self.drop_late(&work.keys())),
        }
    }

    /// Ends every session that came.
    async fn end_all(&self, origin: &Origin, by: EndedBy) -> Result<(), CommitError> {
        let was_live = matches!(origin, Origin::Stored(_));
        for key in origin.keys() {
            self.end(key, was_live, origin.owner(), by).await?;
        }
        Ok(())
    }

    async fn create(
        &self,
        contents: &LazyDict,
        decision: Decision,
    ) -> Result<(Begun<'_>, CookieChange), CommitError> {
        let begun = self.insert(&Overlay::none(contents), None, None).await?;
        self.bound(&begun.record, None).await;
        let change = self.set_cookie(&begun.id, &decision, self.now_ms);
        Ok((begun, change))
    }

    async fn touch(&self, stored: &Stored, decision: Decision) -> CookieChange {
        let Verbs { config, server } = self.verbs;
        // Another machine may have told the visitor so: what has expired stays so.
        if self.is_past(&stored.record) {
            return CookieChange::Keep;
        }
        let idle = config.lifetime(decision.permanent).idle;
        let deadline_ms = self.now_ms.saturating_add(millis(idle));
        let touch = server.store().touch(&stored.key, deadline_ms);
        match self.verbs.call("touch", &stored.key, touch).await {
            Ok(Reached::Done) => self.roll(stored, &decision),
            // What was read stays true; the next request will see what became of the session.
            Ok(Reached::Gone | Reached::Moved(_)) | Err(_) => CookieChange::Keep,
        }
    }

    async fn update(&self, work: &mut Work, stored: &Stored) -> Result<Done, CommitError> {
        let Verbs { server, .. } = self.verbs;
        let mut permit = server.queue.enter(stored.key).await;
        let mut base = stored.base(permit.predecessor())?;
        loop {
            let answer = if self.is_past(&base.record) {
                Box::pin(self.look_again(&stored.key, &base)).await?
            } else {
                let current = base.contents(&work.opened);
                let merged = merge(&mut work.changes, &work.opened, current, None)?;
                let change = self.roll(stored, &work.decision);
                if base.current && merged.contents.changes_nothing() {
                    return Ok(Done::kept(change, &base, &merged.contents));
                }
                let (answer, record) = self.write(&stored.key, &base, &merged.contents).await?;
                match answer {
                    Updated::Here(Written::Done) => {
                        if record.owner != base.record.owner {
                            Box::pin(self.enter_again(&stored.key, &record)).await;
                            Box::pin(self.bound(&record, base.record.owner)).await;
                        }
                        permit.pass_on(record);
                        self.tell(&merged);
                        return Ok(Done::kept(change, &base, &merged.contents));
                    }
                    // The rotating response has sent the new id.
                    Updated::WentAlong => {
                        self.tell(&merged);
                        return Ok(Done::landed());
                    }
                    Updated::Here(answer) => answer,
                }
            };
            match answer {
                Written::Conflict(there) => base = self.conflict(stored.key, there)?,
                Written::Moved(moved) => {
                    drop(permit);
                    return Box::pin(self.land(work, moved)).await;
                }
                Written::Gone | Written::Done => return Ok(self.ended(stored.key)),
            }
        }
    }

    /// What became of a session that is past its deadline as far as is known: others may have used
    /// it since.
    pub(super) async fn look_again(
        &self,
        key: &StoreKey,
        known: &Base,
    ) -> Result<Written, StoreError> {
        if known.current {
            return Ok(Written::Gone);
        }
        Ok(match self.verbs.load(key).await? {
            Loaded::Live(record) => Written::Conflict(record),
            Loaded::Moved(moved) => Written::Moved(moved),
            Loaded::Ended { .. } | Loaded::Nothing => Written::Gone,
        })
    }

    async fn take_once(&self, key: StoreKey, name: &str) -> Result<Option<Value>, CommitError> {
        let mut permit = self.verbs.server.queue.enter(key).await;
        // It asks the store itself; what was handed over would be outdated for whoever comes next.
        permit.predecessor();
        loop {
            let Loaded::Live(record) = self.verbs.load(&key).await? else { return Ok(None) };
            if self.is_past(&record) {
                return Ok(None);
            }
            let mut base = Base::decode(record)?;
            let mut contents = base.contents.take().unwrap_or_default();
            let Some(value) = contents.remove(name) else { return Ok(None) };
            match self.write(&key, &base, &Overlay::none(&contents)).await? {
                (Updated::Here(Written::Done), record) => {
                    permit.pass_on(record);
                    return Ok(Some(value));
                }
                (Updated::WentAlong, _) => return Ok(Some(value)),
                (Updated::Here(Written::Conflict(_)), _) => {}
                (Updated::Here(Written::Gone | Written::Moved(_)), _) => return Ok(None),
            }
        }
    }

    pub(super) fn conflict(&self, session: StoreKey, there: Record) -> Result<Base, StoreError> {
        self.verbs.config.emit(|| Event::ConflictMerged { session });
        Base::decode(there)
    }

    /// The session has ended: nothing is written, and the browser may already hold a newer cookie.
    pub(super) fn ended(&self, session: StoreKey) -> Done {
        self.verbs.config.emit(|| Event::Ended { session });
        Done::dropped()
    }

    pub(super) fn drop_late(&self, keys: &[String]) -> Done {
        self.verbs.config.emit(|| Event::LateWritesDropped { keys });
        Done::dropped()
    }

    pub(super) fn tell(&self, merged: &Merged<'_>) {
        if !merged.dropped.is_empty() {
            self.drop_late(&merged.dropped);
        }
        for key in &merged.overwrote {
            self.verbs.config.emit(|| Event::Overwrote { key });
        }
    }

    pub(super) fn is_past(&self, record: &Record) -> bool {
        self.now_ms >= record.deadline_ms()
    }

    /// How long a marker or a tombstone made now is kept.
    pub(super) fn until_ms(&self) -> u64 {
        self.now_ms.saturating_add(self.verbs.server.marker_ms())
    }
}

impl Stored {
    /// What to build on: what the predecessor in the queue wrote, or else what was opened.
    pub(super) fn base(&self, predecessor: Option<Record>) -> Result<Base, StoreError> {
        match predecessor {
            Some(record) => Base::handed_over(record),
            None => Ok(Base {
                record: self.record.clone(),
                contents: None,
                rotation: self.rotation.clone(),
                current: false,
            }),
        }
    }
}

impl From<CookieChange> for Done {
    fn from(change: CookieChange) -> Self {
        Self { change, merged: None, kept: true }
    }
}
