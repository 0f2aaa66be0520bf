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
//! under the late-write rule. A writer whose answer was lost looks for its own write before it
//! tries again: nothing is applied twice.

use std::time::Duration;

use dewar_signing::{Dict, TaggedJson, Value};

use super::{
    CookieChange, Decision, expires, largest_key,
    merge::{Merged, merge},
    verbs::Verbs,
};
use crate::{
    backend::Server,
    clock::unix_millis,
    config::Config,
    delta::KeyDelta,
    error::CommitError,
    event::Event,
    id::{SessionId, StoreKey},
    open::{Open, Origin, PERMANENT, Stored, decode},
    plan::{CookieStep, Plan},
    rotation::Rotation,
    store::{
        Created, Loaded, Moved, Reached, Record, Store, StoreError, StoreErrorKind, Writes, Written,
    },
};

/// How many rotations a late request follows.
const MAX_HOPS: usize = 8;

/// How many ids are tried when one exists already: it has never happened.
const MAX_IDS: usize = 8;

/// Everything a commit needs, taken out of the slot: nothing is shared while it waits.
#[derive(Debug)]
pub(crate) struct Work {
    decision: Decision,
    origin: Origin,
    /// What the handler saw.
    opened: Dict,
    /// What it left, for a session that begins with it.
    left: Dict,
    changes: Vec<KeyDelta>,
    discard_late_writes: bool,
}

impl Work {
    pub(crate) fn take(open: &mut Open, decision: Decision) -> Self {
        Self {
            decision,
            origin: open.origin.clone(),
            opened: open.contents.before().clone(),
            left: open.contents.to_dict(),
            changes: open.contents.take_changes(),
            discard_late_writes: open.discard_late_writes,
        }
    }

    fn keys(&self) -> Vec<String> {
        self.changes.iter().map(|change| change.key.clone()).collect()
    }
}

/// What a commit did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) change: CookieChange,
    /// The contents as they were kept, where others may have changed them meanwhile.
    pub(crate) merged: Option<Dict>,
}

/// Acts, once, within the deadline of a commit.
///
/// # Errors
/// If the contents cannot be kept, or the store does not answer.
pub(crate) async fn act(config: &Config, server: &Server, work: Work) -> Result<Done, CommitError> {
    let now_ms = unix_millis(work.decision.now);
    let act = Act { verbs: Verbs { config, server }, now_ms };
    match tokio::time::timeout(server.options.commit_deadline, act.run(work)).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::new(StoreErrorKind::OutcomeUnknown).into()),
    }
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
    match tokio::time::timeout(server.options.commit_deadline, act.take_once(key, name)).await {
        Ok(taken) => taken,
        Err(_) => Err(StoreError::new(StoreErrorKind::OutcomeUnknown).into()),
    }
}

/// One commit under way.
struct Act<'c> {
    verbs: Verbs<'c>,
    now_ms: u64,
}

/// A live record with its contents.
struct Base {
    record: Record,
    contents: Dict,
    rotation: Option<Rotation>,
}

impl Base {
    fn decode(record: Record) -> Result<Self, StoreError> {
        let (contents, rotation) = decode(&record.data)
            .map_err(|reason| StoreError::new(StoreErrorKind::Corrupt).with_source(reason))?;
        Ok(Self { record, contents, rotation })
    }
}

impl Act<'_> {
    async fn run(&self, work: Work) -> Result<Done, CommitError> {
        let decision = work.decision;
        match (decision.plan, work.origin.clone()) {
            (Plan::Nothing, _) => Ok(Done::default()),
            (Plan::Create, _) => Ok(self.create(work.left, decision).await?.into()),
            (Plan::Touch, Origin::Stored(stored)) => Ok(self.touch(*stored, decision).await.into()),
            (Plan::Update | Plan::Empty, Origin::Stored(stored)) => {
                self.update(work, *stored).await
            }
            (Plan::Regenerate, Origin::Stored(stored)) => self.regenerate(work, *stored).await,
            (Plan::Replace, Origin::Stored(stored)) => {
                let change = self.create(work.left, decision).await?;
                self.delete_chain(stored.key).await?;
                Ok(change.into())
            }
            (Plan::Destroy, origin) => {
                if let Some(key) = origin.key() {
                    self.delete_chain(key).await?;
                }
                Ok(CookieChange::Remove(self.verbs.config.cookie.removal()).into())
            }
            // A change under an id that was rotated away before the request came.
            (..) => {
                self.drop_late(&work.keys());
                Ok(Done::default())
            }
        }
    }

    async fn create(
        &self,
        contents: Dict,
        decision: Decision,
    ) -> Result<CookieChange, CommitError> {
        let (id, _) = self.insert(&contents, None, None).await?;
        Ok(self.set_cookie(&id, &decision, self.now_ms))
    }

    async fn touch(&self, stored: Stored, decision: Decision) -> CookieChange {
        let Verbs { config, server } = self.verbs;
        let idle = config.lifetime(decision.permanent).idle;
        let deadline_ms = self.now_ms.saturating_add(millis(idle));
        let touch = server.store().touch(&stored.key, deadline_ms);
        match self.verbs.call("touch", &stored.key, touch).await {
            Ok(Reached::Done) => self.roll(&stored, &decision),
            // What was read stays true; the next request will see what became of the session.
            Ok(Reached::Gone | Reached::Moved(_)) | Err(_) => CookieChange::Keep,
        }
    }

    async fn update(&self, mut work: Work, stored: Stored) -> Result<Done, CommitError> {
        let Verbs { server, .. } = self.verbs;
        let mut permit = server.queue.enter(stored.key).await;
        let mut base = stored.base(permit.predecessor(), &work.opened)?;
        loop {
            if self.is_past(&base.record) {
                return Ok(self.ended(stored.key));
            }
            let merged = merge(&mut work.changes, &work.opened, &base.contents, None)?;
            self.tell(&merged);
            let change = self.roll(&stored, &work.decision);
            if merged.contents == base.contents {
                return Ok(Done { change, merged: Some(merged.contents) });
            }
            match self.write(&stored.key, &base, &merged.contents).await? {
                (Written::Done, record) => {
                    permit.pass_on(record);
                    return Ok(Done { change, merged: Some(merged.contents) });
                }
                (Written::Conflict(there), _) => base = self.conflict(stored.key, there)?,
                (Written::Gone, _) => return Ok(self.ended(stored.key)),
                (Written::Moved(moved), _) => {
                    drop(permit);
                    return self.land(work, moved).await;
                }
            }
        }
    }

    /// Lands the changes of a request that had opened a session before it was rotated.
    async fn land(&self, mut work: Work, mut moved: Moved) -> Result<Done, CommitError> {
        let Verbs { server, .. } = self.verbs;
        for _ in 0..MAX_HOPS {
            if self.now_ms >= moved.until_ms {
                break;
            }
            let mut permit = server.queue.enter(moved.to).await;
            let mut there = match permit.predecessor() {
                Some(record) => Loaded::Live(record),
                None => self.verbs.load(&moved.to).await?,
            };
            moved = loop {
                let record = match there {
                    Loaded::Live(record) if !self.is_past(&record) => record,
                    Loaded::Moved(moved) => break moved,
                    Loaded::Live(_) | Loaded::Ended { .. } | Loaded::Nothing => {
                        return Ok(self.ended(moved.to));
                    }
                };
                let base = Base::decode(record)?;
                // Without a memory of its rotation the successor takes nothing from outside.
                let Some(rotation) = &base.rotation else {
                    self.drop_late(&work.keys());
                    return Ok(Done::default());
                };
                let merged =
                    merge(&mut work.changes, &work.opened, &base.contents, Some(rotation))?;
                self.tell(&merged);
                if merged.contents == base.contents {
                    return Ok(Done::default());
                }
                there = match self.write(&moved.to, &base, &merged.contents).await? {
                    (Written::Done, record) => {
                        permit.pass_on(record);
                        return Ok(Done::default());
                    }
                    (Written::Conflict(there), _) => Loaded::Live(there),
                    (Written::Gone, _) => return Ok(self.ended(moved.to)),
                    (Written::Moved(next), _) => Loaded::Moved(next),
                };
            };
        }
        self.drop_late(&work.keys());
        Ok(Done::default())
    }

    async fn regenerate(&self, mut work: Work, stored: Stored) -> Result<Done, CommitError> {
        let Verbs { server, .. } = self.verbs;
        let mut permit = server.queue.enter(stored.key).await;
        let mut base = stored.base(permit.predecessor(), &work.opened)?;
        let mut successor: Option<(SessionId, Base)> = None;
        loop {
            let mut answer = Written::Gone;
            if !self.is_past(&base.record) {
                let merged = merge(&mut work.changes, &work.opened, &base.contents, None)?;
                self.tell(&merged);
                let rotation = self.rotation(&work, &base);
                let (id, record) =
                    self.succeed(successor.take(), &merged.contents, &rotation, &base).await?;
                let moved = Moved { to: id.store_key(), until_ms: rotation.until_ms };
                let expected = base.record.version();
                answer = self.verbs.supersede(&stored.key, expected, moved).await?;
                if answer == Written::Done {
                    let change = self.set_cookie(&id, &work.decision, record.created_ms);
                    return Ok(Done { change, merged: Some(merged.contents) });
                }
                let contents = merged.contents;
                successor = Some((id, Base { record, contents, rotation: Some(rotation) }));
            }
            if let Written::Conflict(there) = answer {
                base = self.conflict(stored.key, there)?;
                continue;
            }
            // Logout wins over rotation, and of two rotations the first: ours is dropped.
            if let Some((id, _)) = &successor {
                self.delete_chain(id.store_key()).await?;
            }
            drop(permit);
            return match answer {
                Written::Moved(moved) => self.land(work, moved).await,
                _ => Ok(self.ended(stored.key)),
            };
        }
    }

    /// Creates the successor, or brings the one that was created up to date.
    async fn succeed(
        &self,
        made: Option<(SessionId, Base)>,
        contents: &Dict,
        rotation: &Rotation,
        old: &Base,
    ) -> Result<(SessionId, Record), CommitError> {
        let Some((id, base)) = made else {
            return self.insert(contents, Some(rotation), Some(&old.record)).await;
        };
        // Nobody else knows its id, so nobody can have changed it. It keeps the old one's writes.
        let record = self.record(contents, Some(rotation), &old.record, old.record.writes)?;
        let key = id.store_key();
        match self.verbs.update(&key, base.record.version(), &record).await? {
            Written::Done => Ok((id, record)),
            _ => Err(StoreError::new(StoreErrorKind::OutcomeUnknown).into()),
        }
    }

    async fn delete_chain(&self, mut key: StoreKey) -> Result<(), CommitError> {
        let until_ms = self.until_ms();
        for _ in 0..MAX_HOPS {
            match self.verbs.delete(&key, until_ms).await? {
                Reached::Done | Reached::Gone => return Ok(()),
                Reached::Moved(moved) => key = moved.to,
            }
        }
        Err(StoreError::unavailable("the session was rotated too often to be followed").into())
    }

    async fn take_once(&self, key: StoreKey, name: &str) -> Result<Option<Value>, CommitError> {
        let mut permit = self.verbs.server.queue.enter(key).await;
        loop {
            let Loaded::Live(record) = self.verbs.load(&key).await? else { return Ok(None) };
            if self.is_past(&record) {
                return Ok(None);
            }
            let mut base = Base::decode(record)?;
            let Some(value) = base.contents.remove(name) else { return Ok(None) };
            let contents = std::mem::take(&mut base.contents);
            match self.write(&key, &base, &contents).await? {
                (Written::Done, record) => {
                    permit.pass_on(record);
                    return Ok(Some(value));
                }
                (Written::Conflict(_), _) => {}
                (Written::Gone | Written::Moved(_), _) => return Ok(None),
            }
        }
    }

    /// Writes contents over a record.
    async fn write(
        &self,
        key: &StoreKey,
        base: &Base,
        contents: &Dict,
    ) -> Result<(Written, Record), CommitError> {
        let old = &base.record;
        let record = self.record(contents, base.rotation.as_ref(), old, old.writes)?;
        Ok((self.verbs.update(key, old.version(), &record).await?, record))
    }

    /// Creates a record under a fresh id: a new session, or the successor of `old`.
    async fn insert(
        &self,
        contents: &Dict,
        rotation: Option<&Rotation>,
        old: Option<&Record>,
    ) -> Result<(SessionId, Record), CommitError> {
        for _ in 0..MAX_IDS {
            let id = self.verbs.server.new_id()?;
            let record = match old {
                Some(old) => self.record(contents, rotation, old, old.writes)?,
                None => {
                    let new = Record {
                        owner: None,
                        created_ms: self.now_ms,
                        idle_deadline_ms: 0,
                        absolute_deadline_ms: 0,
                        writes: Writes::first(self.verbs.server.new_write()?),
                        data: Vec::new(),
                    };
                    self.record(contents, None, &new, new.writes)?
                }
            };
            match self.verbs.create(&id.store_key(), &record).await? {
                Created::Done => return Ok((id, record)),
                Created::Exists | Created::Ended => {}
            }
        }
        Err(StoreError::unavailable("every new id is taken: the random source repeats itself")
            .into())
    }

    /// The record that follows `old`, with one more write and later deadlines.
    fn record(
        &self,
        contents: &Dict,
        rotation: Option<&Rotation>,
        old: &Record,
        writes: Writes,
    ) -> Result<Record, CommitError> {
        let Verbs { config, server } = self.verbs;
        let rotation = rotation.filter(|rotation| self.now_ms < rotation.until_ms);
        let member = rotation.map(Rotation::member);
        let members = contents.iter().chain(member.iter().map(|(key, value)| (*key, value)));
        let text = TaggedJson.write_members(members).map_err(CommitError::Unwritable)?;
        let (bytes, limit) = (text.len(), server.options.max_session_size);
        if limit > 0 && bytes > limit {
            let largest_key = largest_key(contents.iter());
            return Err(CommitError::SessionTooLarge { bytes, limit, largest_key });
        }
        let lifetime = config.lifetime(contents.get(PERMANENT).is_some_and(Value::is_truthy));
        let absolute = lifetime.absolute.map_or(u64::MAX, millis);
        let absolute_deadline_ms = old.created_ms.saturating_add(absolute);
        let idle_deadline_ms = self.now_ms.saturating_add(millis(lifetime.idle));
        Ok(Record {
            owner: old.owner,
            created_ms: old.created_ms,
            idle_deadline_ms: idle_deadline_ms.max(old.idle_deadline_ms).min(absolute_deadline_ms),
            absolute_deadline_ms,
            writes: writes.and(server.new_write()?),
            data: text.into_bytes(),
        })
    }

    fn rotation(&self, work: &Work, base: &Base) -> Rotation {
        let mut keys = work.keys();
        // Whoever comes late across two rotations must not write over what the first one set.
        if let Some(earlier) = base.rotation.as_ref().filter(|r| self.now_ms < r.until_ms) {
            keys.extend(earlier.keys.iter().cloned());
        }
        Rotation { keys, discard: work.discard_late_writes, until_ms: self.until_ms() }
    }

    fn conflict(&self, session: StoreKey, there: Record) -> Result<Base, StoreError> {
        self.verbs.config.emit(|| Event::ConflictMerged { session });
        Base::decode(there)
    }

    /// The session has ended: nothing is written, and the browser may already hold a newer cookie.
    fn ended(&self, session: StoreKey) -> Done {
        self.verbs.config.emit(|| Event::Ended { session });
        Done::default()
    }

    fn drop_late(&self, keys: &[String]) {
        self.verbs.config.emit(|| Event::LateWritesDropped { keys });
    }

    fn tell(&self, merged: &Merged) {
        if !merged.dropped.is_empty() {
            self.drop_late(&merged.dropped);
        }
        for key in &merged.overwrote {
            self.verbs.config.emit(|| Event::Overwrote { key });
        }
    }

    /// Sends the cookie again where its own deadline is to move.
    fn roll(&self, stored: &Stored, decision: &Decision) -> CookieChange {
        match decision.cookie {
            CookieStep::Set => self.set_cookie(&stored.id, decision, stored.record.created_ms),
            CookieStep::Keep | CookieStep::Remove => CookieChange::Keep,
        }
    }

    fn set_cookie(&self, id: &SessionId, decision: &Decision, created_ms: u64) -> CookieChange {
        let Verbs { config, server } = self.verbs;
        let token = server.token(id);
        let mut cookie = config.cookie.set(&token);
        if decision.permanent {
            cookie = cookie.expires(expires(config, created_ms / 1000, decision.now));
        }
        CookieChange::Set(cookie.to_header())
    }

    fn is_past(&self, record: &Record) -> bool {
        self.now_ms >= record.deadline_ms()
    }

    /// How long a marker or a tombstone made now is kept.
    fn until_ms(&self) -> u64 {
        self.now_ms.saturating_add(self.verbs.server.marker_ms())
    }
}

impl Stored {
    /// What to build on: what the predecessor in the queue wrote, or else what was opened.
    fn base(&self, predecessor: Option<Record>, opened: &Dict) -> Result<Base, StoreError> {
        match predecessor {
            Some(record) => Base::decode(record),
            None => Ok(Base {
                record: self.record.clone(),
                contents: opened.clone(),
                rotation: self.rotation.clone(),
            }),
        }
    }
}

impl From<CookieChange> for Done {
    fn from(change: CookieChange) -> Self {
        Self { change, merged: None }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
