//! The store's verbs, asked until the answer is known.
//!
//! A call that failed may have been carried out all the same: the answer was lost, or came too late.
//! Then the record itself is asked. Each write has an id of its own and a record remembers its last
//! eight, so that a writer finds out whether it wrote, and nothing is ever applied twice:
//!
//! | the record shows | then |
//! |---|---|
//! | our write | it was done |
//! | the version we expected | it was not: try again |
//! | the version we expected among older ones, and not our write | somebody else was first: conflict |
//! | neither | nobody can tell: an error says so |
//!
//! What is asked after a failure is boxed: it is rare, and the room for it would be part of every
//! commit.

use std::future::Future;

use crate::{
    backend::Server,
    calls::pause,
    config::Config,
    ending::Ending,
    id::StoreKey,
    store::{
        Answered, Chain, Created, Loaded, Moved, Owner, Reached, Record, Store, StoreError,
        StoreErrorKind, UserIndex, WriteId, Written,
    },
};

/// The verbs of one commit. They go on until the deadline of the commit ends them.
#[derive(Clone, Copy)]
pub(super) struct Verbs<'c> {
    pub(super) config: &'c Config,
    pub(super) server: &'c Server,
}

impl Verbs<'_> {
    /// Loads, and tries again while there is no answer.
    pub(super) async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        for attempt in 0.. {
            match self.call("load", key, self.server.store().load(key)).await {
                Err(error) if error.is_passing() => pause(attempt).await,
                answer => return answer,
            }
        }
        Err(StoreError::new(StoreErrorKind::TimedOut))
    }

    /// Looks what became of an attempt without an answer. If that cannot be seen now, nobody can tell.
    async fn look(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        self.load(key).await.map_err(StoreError::after_an_attempt)
    }

    pub(super) async fn create(
        &self,
        key: &StoreKey,
        record: &Record,
    ) -> Result<Created, StoreError> {
        for attempt in 0.. {
            match self.call("create", key, self.server.store().create(key, record)).await {
                // An earlier attempt may have made it.
                Ok(Created::Exists) if attempt > 0 => {}
                Err(error) if error.is_passing() => pause(attempt).await,
                answer => return answer.map_err(|error| unsure(error, attempt)),
            }
            match Box::pin(self.look(key)).await? {
                Loaded::Live(there) if there.writes.contains(record.version()) => {
                    return Ok(Created::Done);
                }
                Loaded::Live(_) | Loaded::Moved(_) => return Ok(Created::Exists),
                Loaded::Ended { .. } => return Ok(Created::Ended),
                Loaded::Nothing => {}
            }
        }
        Err(StoreError::new(StoreErrorKind::OutcomeUnknown))
    }

    pub(super) async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Updated, StoreError> {
        let ours = record.version();
        for attempt in 0.. {
            let answer = self.server.store().update(key, expected, record);
            match self.call("update", key, answer).await {
                // After an attempt without an answer, ours may be what is in the way.
                Ok(Written::Conflict(there)) if attempt > 0 => {
                    return judge(there, expected, ours).map(Updated::Here);
                }
                Ok(Written::Moved(_)) if attempt > 0 => {}
                Err(error) if error.is_passing() => pause(attempt).await,
                answer => {
                    return answer.map(Updated::Here).map_err(|error| unsure(error, attempt));
                }
            }
            match Box::pin(self.look(key)).await? {
                Loaded::Live(there) if there.version() == expected => {}
                Loaded::Live(there) => return judge(there, expected, ours).map(Updated::Here),
                Loaded::Moved(moved) => {
                    let done = Box::pin(self.went_along(moved, expected, ours)).await?;
                    let missed = Updated::Here(Written::Moved(moved));
                    return Ok(if done { Updated::WentAlong } else { missed });
                }
                Loaded::Ended { .. } | Loaded::Nothing => {
                    return Ok(Updated::Here(Written::Gone));
                }
            }
        }
        Err(StoreError::new(StoreErrorKind::OutcomeUnknown))
    }

    /// Whether our write was done before the session was rotated: a successor carries the writes of
    /// the record it came from, over as many rotations as there were.
    async fn went_along(
        &self,
        moved: Moved,
        expected: WriteId,
        ours: WriteId,
    ) -> Result<bool, StoreError> {
        let load = |key| async move { self.look(&key).await };
        match Chain::from(moved.to).end(load).await?.1 {
            Loaded::Live(there) => Ok(judge(there, expected, ours)? == Written::Done),
            // Whoever wants to land there will find nothing to land in.
            Loaded::Moved(_) | Loaded::Ended { .. } | Loaded::Nothing => Ok(false),
        }
    }

    pub(super) async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        for attempt in 0.. {
            let answer = self.server.store().supersede(old, expected, moved);
            match self.call("supersede", old, answer).await {
                // An earlier attempt made it.
                Ok(Written::Moved(there)) if there.to == moved.to => return Ok(Written::Done),
                Err(error) if error.is_passing() => pause(attempt).await,
                answer => return answer.map_err(|error| unsure(error, attempt)),
            }
            match Box::pin(self.look(old)).await? {
                Loaded::Moved(there) if there.to == moved.to => return Ok(Written::Done),
                Loaded::Moved(there) => return Ok(Written::Moved(there)),
                Loaded::Live(there) if there.version() == expected => {}
                Loaded::Live(there) => return Ok(Written::Conflict(there)),
                Loaded::Ended { .. } | Loaded::Nothing => return Ok(Written::Gone),
            }
        }
        Err(StoreError::new(StoreErrorKind::OutcomeUnknown))
    }

    /// Notes whose session this is about to be; once more does no harm.
    pub(super) async fn enter(
        &self,
        owner: &Owner,
        key: &StoreKey,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<(), StoreError> {
        for attempt in 0.. {
            let enter = self.server.store().enter(owner, key, now_ms, until_ms);
            match self.call("enter", key, enter).await {
                Err(error) if error.is_passing() => pause(attempt).await,
                answer => return answer,
            }
        }
        Err(StoreError::new(StoreErrorKind::TimedOut))
    }

    /// Ends what is there, as often as there is no answer: see [`Ending`].
    pub(super) async fn delete(
        &self,
        key: &StoreKey,
        until_ms: u64,
    ) -> Result<Reached, StoreError> {
        self.ending(until_ms).delete(key, u32::MAX).await
    }

    pub(super) fn ending(&self, until_ms: u64) -> Ending<'_> {
        let Self { config, server } = self;
        let (store, calls, events) = (server.store(), &server.calls, &config.events);
        Ending { store, calls, events, until_ms }
    }

    pub(super) async fn call<T: Answered>(
        &self,
        operation: &'static str,
        key: &StoreKey,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.server.call(&self.config.events, operation, key, call).await
    }
}

/// What [`Verbs::update`] did.
pub(super) enum Updated {
    /// What the store answered.
    Here(Written),
    /// It was written, and the session was rotated before that could be seen: the write went along
    /// into the successor, and the browser has been sent the new id.
    WentAlong,
}

/// A later attempt that was not made does not say what became of the first.
fn unsure(error: StoreError, attempt: u32) -> StoreError {
    if attempt > 0 { error.after_an_attempt() } else { error }
}

/// What a record that holds another version says about our write.
fn judge(there: Record, expected: WriteId, ours: WriteId) -> Result<Written, StoreError> {
    if there.writes.contains(ours) {
        Ok(Written::Done)
    } else if there.writes.contains(expected) || there.writes.len() < crate::store::Writes::KEPT {
        // Ours would stand right above the one it expected, and does not.
        Ok(Written::Conflict(there))
    } else {
        Err(StoreError::new(StoreErrorKind::OutcomeUnknown))
    }
}
