//! Telling of what has expired: a walk through all keys, a few at a time.
//!
//! A key's own expiry says nearly when its session ends, and to ask for it costs the server next to
//! nothing and does not count as a use of the key. Only what seems to be past is asked of a script,
//! which looks again and forgets in one step: of all that try, one is told that it did.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use dewar::{
    StoreKey,
    store::{StoreError, StoreErrorKind, Sweep, Swept},
};
use redis::{Pipeline, ServerErrorKind, Value};
use tokio::time::sleep;

use super::{
    expiry::{GRACE_MS, NEVER_MS},
    fault::Fault,
    link::Link,
    request::Request,
    scan::Place,
    store::{Inner, RedisStore},
};

/// So many keys a step looks at; others wait for it.
const STEP: usize = 100;

/// So many scripts are sent at once.
const AT_ONCE: usize = 50;

/// So many times as long as a step took the next one waits.
const RESTS: u32 = 3;

/// But no longer than this.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// How early a key is asked about: what Redis and its expiry say of one moment is not one number.
const EARLY_MS: u64 = 1000;

#[derive(Debug, thiserror::Error)]
#[error("this store does not tell of expired sessions; open it with tell_expired")]
struct NotAsked;

/// How far the sweeps have come.
#[derive(Default)]
pub(super) struct Walk {
    /// The masters that are left; the last one is where the walk is.
    left: Vec<Arc<Link>>,
    place: Place,
    /// What was forgotten and has not been told: of a call that failed, or was dropped.
    untold: Swept,
}

impl Walk {
    /// At most `limit` of what was forgotten.
    fn tell(&mut self, limit: usize) -> Swept {
        let forgotten = self.untold.forgotten.min(limit);
        self.untold.forgotten -= forgotten;
        let expired = self.untold.expired.len().min(forgotten);
        Swept { forgotten, expired: self.untold.expired.drain(..expired).collect() }
    }
}

impl Sweep for RedisStore {
    /// It walks until `limit` are forgotten, and the next call goes on there; or until it has seen
    /// every key, once or, after a call that went on, twice. A step looks at about 100 keys, and
    /// between two steps it rests three times as long as the last one took. One call at a time
    /// walks; others of this store and its clones wait for it.
    ///
    /// What was forgotten before a call failed is told by the next one. If the answer of Redis is
    /// lost, or the call is dropped, at most 50 sessions are forgotten and told by nobody.
    ///
    /// # Errors
    /// Also of the kind [`Unsupported`](StoreErrorKind::Unsupported) without
    /// [`tell_expired`](super::RedisStoreBuilder::tell_expired).
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        if self.0.options.tell_expired.is_none() {
            return Err(StoreError::new(StoreErrorKind::Unsupported).with_source(NotAsked));
        }
        let mut walk = self.0.walk.lock().await;
        // What ended while an earlier call walked lies behind this one's beginning.
        let rounds = if walk.left.is_empty() { 1 } else { 2 };
        for _ in 0..rounds {
            let done = self.0.round(&mut walk, now_ms.saturating_sub(GRACE_MS), limit).await;
            if let Err(error) = done {
                // Another node may be the master by now.
                walk.left.clear();
                return Err(error);
            }
        }
        Ok(walk.tell(limit))
    }

    fn paces_itself(&self) -> bool {
        true
    }
}

impl Inner {
    /// Walks to the end, or until `limit` are forgotten.
    async fn round(&self, walk: &mut Walk, before_ms: u64, limit: usize) -> Result<(), StoreError> {
        if walk.untold.forgotten >= limit {
            return Ok(());
        }
        if walk.left.is_empty() {
            let masters = self.route.masters().await;
            walk.left = masters.map_err(|fault| fault.into_error(false))?;
            walk.place = Place::default();
        }
        let mut rest = Duration::ZERO;
        while let Some(link) = walk.left.last().cloned() {
            sleep(rest).await;
            let start = Instant::now();
            self.look(&link, walk, before_ms, limit).await?;
            if walk.untold.forgotten >= limit {
                return Ok(());
            }
            rest = (start.elapsed() * RESTS).min(LONGEST_REST);
        }
        Ok(())
    }

    /// One step. It counts as made once everything that it saw past is forgotten.
    async fn look(
        &self,
        link: &Arc<Link>,
        walk: &mut Walk,
        before_ms: u64,
        limit: usize,
    ) -> Result<(), StoreError> {
        let step = self.step(link, &walk.place, STEP).await;
        let (place, keys) = step.map_err(|fault| self.doubted(link, fault))?;
        let past = self.past(link, &keys, before_ms).await;
        let past = past.map_err(|fault| self.doubted(link, fault))?;
        let mut past = &past[..];
        while !past.is_empty() {
            let room = limit.saturating_sub(walk.untold.forgotten).min(AT_ONCE);
            if room == 0 {
                return Ok(());
            }
            let (some, others) = past.split_at(past.len().min(room));
            self.forget(link, some, before_ms, &mut walk.untold).await?;
            past = others;
        }
        if place.is_at_an_end() {
            walk.left.pop();
        }
        walk.place = place;
        Ok(())
    }

    /// Those of the keys that seem to be past, by their expiry; some of them may not be.
    async fn past(
        &self,
        link: &Link,
        keys: &[StoreKey],
        before_ms: u64,
    ) -> Result<Vec<StoreKey>, Fault> {
        let mut past = Vec::new();
        for some in keys.chunks(STEP) {
            let mut pipeline = Pipeline::with_capacity(some.len() + 1);
            pipeline.cmd("TIME");
            for key in some {
                pipeline.cmd("PTTL").arg(self.name(key));
            }
            let mut answers = link.send(&pipeline).await?.into_iter();
            let now_ms = moment(answers.next())?;
            for (key, left) in some.iter().zip(answers) {
                let expires_ms = match left {
                    Value::Int(-2) => continue,
                    Value::Int(left) => {
                        u64::try_from(left).map_or(NEVER_MS, |left| now_ms.saturating_add(left))
                    }
                    Value::ServerError(error) => {
                        let fault = Fault::Refused(error.into());
                        // On its way to another node: that one shows it, or the next walk.
                        if fault.is(ServerErrorKind::Moved) || fault.is(ServerErrorKind::Ask) {
                            continue;
                        }
                        return Err(fault);
                    }
                    _ => return Err(Fault::Strange),
                };
                let margin_ms = self.margin_ms(key).saturating_add(EARLY_MS);
                if expires_ms.saturating_sub(margin_ms) < before_ms {
                    past.push(*key);
                }
            }
        }
        Ok(past)
    }

    /// Forgets those of the keys that are past.
    async fn forget(
        &self,
        link: &Arc<Link>,
        keys: &[StoreKey],
        before_ms: u64,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let before = before_ms.to_be_bytes();
        let arguments = [&before[..]];
        let names: Vec<_> = keys.iter().map(|key| self.name(key)).collect();
        let request = |name| {
            Request::script(&self.scripts.forget, name, self.route.slot(name), &arguments, true)
        };
        let mut pipeline = Pipeline::with_capacity(keys.len());
        for name in &names {
            pipeline.add_command(request(name).command(false));
        }
        let answers = link.send(&pipeline).await.map_err(|fault| {
            self.route.doubt(link);
            fault.into_error(true)
        })?;
        let mut refused = Vec::new();
        for ((key, name), answer) in keys.iter().zip(&names).zip(answers) {
            match answer {
                Value::ServerError(_) => refused.push((key, name)),
                answer => count(swept, key, &answer),
            }
        }
        // The script is not known there, or the key is not there any more.
        for (key, name) in refused {
            match self.call(&request(name)).await {
                Ok(answer) => count(swept, key, &answer),
                // Something else lies under the key of a session.
                Err(error) if error.kind() == StoreErrorKind::Corrupt => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn count(swept: &mut Swept, key: &StoreKey, answer: &Value) {
    match answer {
        Value::Int(1) => {
            swept.forgotten += 1;
            swept.expired.push(*key);
        }
        Value::Int(2) => swept.forgotten += 1,
        _ => {}
    }
}

/// What `TIME` says, in Unix milliseconds.
fn moment(answer: Option<Value>) -> Result<u64, Fault> {
    let parts = match answer {
        Some(Value::Array(parts)) => parts,
        Some(Value::ServerError(error)) => return Err(Fault::Refused(error.into())),
        _ => return Err(Fault::Strange),
    };
    let part = |at: usize| parts.get(at).and_then(|part| super::link::text(part).parse().ok());
    match (part(0), part(1)) {
        (Some(seconds), Some(micros)) => {
            Ok(u64::saturating_mul(seconds, 1000).saturating_add(micros / 1000))
        }
        _ => Err(Fault::Strange),
    }
}
