//! Everything a store holds, page by page.
//!
//! One node shows its keys by `SCAN`, whose cursor means something to that very process alone: after
//! a restart or a failover the scan begins anew. A cluster shows them slot by slot, and in a slot by
//! key, which no failover changes. While an operator moves slots between nodes, keys on their way may be missed.

use std::{ops::Range, sync::Arc};

use dewar::{
    StoreKey,
    store::{Cursor, Loaded, Page, Scan, StoreError, StoreErrorKind},
};
use redis::{Pipeline, Value};
use tokio::time::sleep;

use super::{
    call::{ATTEMPTS, PAUSE},
    cluster::{self, SLOTS},
    fault::Fault,
    form,
    link::{Link, text},
    route::Route,
    store::{Inner, RedisStore},
};

/// So many slots are asked for at once.
const AT_ONCE: u16 = 64;

/// So many slots a page looks at, if they hold little.
const LOOKS: u16 = 1024;

/// How many keys a page has, and a step of `SCAN` looks at, at most: others wait for it, and whoever
/// asks has all of them in memory.
const STEP: usize = 256;

/// So many values are asked for at once: the server has the answers in memory until they are taken.
const VALUES: usize = 32;

const NODE: u8 = 1;
const CLUSTER: u8 = 2;

#[derive(Debug, thiserror::Error)]
#[error("the cursor is none of this store's; begin anew without one")]
struct ForeignCursor;

impl Scan for RedisStore {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let foreign = || StoreError::new(StoreErrorKind::Unavailable).with_source(ForeignCursor);
        match self.0.route {
            Route::Cluster(_) => {
                let spot = match from {
                    None => Spot::default(),
                    Some(cursor) => Spot::of(cursor).ok_or_else(foreign)?,
                };
                self.0.page_of_cluster(spot, limit).await
            }
            _ => {
                let place = match from {
                    None => Place::default(),
                    Some(cursor) => Place::of(cursor).ok_or_else(foreign)?,
                };
                self.0.page_of_node(place, limit).await
            }
        }
    }
}

/// Where a scan of one node is.
#[derive(Default)]
pub(super) struct Place {
    /// Which process gave the cursor.
    run: String,
    cursor: u64,
}

impl Place {
    fn of(cursor: &Cursor) -> Option<Self> {
        let (&NODE, rest) = cursor.as_bytes().split_first()? else { return None };
        let (cursor, run) = rest.split_first_chunk()?;
        let run = String::from_utf8(run.to_vec()).ok()?;
        Some(Self { run, cursor: u64::from_be_bytes(*cursor) })
    }

    /// Whether the node has shown everything, or nothing yet.
    pub(super) fn is_at_an_end(&self) -> bool {
        self.cursor == 0
    }

    fn cursor(&self) -> Cursor {
        let mut bytes = vec![NODE];
        bytes.extend(self.cursor.to_be_bytes());
        bytes.extend(self.run.as_bytes());
        Cursor::from_bytes(bytes)
    }
}

/// Where a scan of a cluster is.
#[derive(Clone, Copy, Default)]
struct Spot {
    slot: u16,
    /// In the midst of a slot: behind this key.
    after: Option<StoreKey>,
}

impl Spot {
    fn at(slot: u16) -> Self {
        Self { slot, after: None }
    }

    fn of(cursor: &Cursor) -> Option<Self> {
        let (&CLUSTER, rest) = cursor.as_bytes().split_first()? else { return None };
        let (slot, after) = rest.split_first_chunk()?;
        let slot = Some(u16::from_be_bytes(*slot)).filter(|&slot| slot < SLOTS)?;
        match after {
            [] => Some(Self::at(slot)),
            after => Some(Self { slot, after: Some(StoreKey::from_bytes(after.try_into().ok()?)) }),
        }
    }

    fn cursor(&self) -> Cursor {
        let mut bytes = vec![CLUSTER];
        bytes.extend(self.slot.to_be_bytes());
        bytes.extend(self.after.iter().flat_map(StoreKey::as_bytes));
        Cursor::from_bytes(bytes)
    }
}

type Found = Vec<(StoreKey, Result<Loaded, StoreError>)>;

impl Inner {
    async fn page_of_node(&self, from: Place, limit: usize) -> Result<Page, StoreError> {
        let failed = |fault: Fault| fault.into_error(false);
        let link = self.route.master(0).await.map_err(failed)?;
        let step = self.step(&link, &from, limit).await;
        let (place, keys) = step.map_err(|fault| self.doubted(&link, fault))?;
        let found = self.values(&link, keys).await.map_err(|fault| self.doubted(&link, fault))?;
        let next = (!place.is_at_an_end()).then(|| place.cursor());
        Ok(Page { found, next })
    }

    pub(super) fn doubted(&self, link: &Arc<Link>, fault: Fault) -> StoreError {
        self.route.doubt(link);
        fault.into_error(false)
    }

    /// One step of `SCAN`, from the beginning if the process is another one than before.
    pub(super) async fn step(
        &self,
        link: &Link,
        from: &Place,
        limit: usize,
    ) -> Result<(Place, Vec<StoreKey>), Fault> {
        let pattern = self.pattern();
        let mut cursor = from.cursor;
        loop {
            let mut pipeline = Pipeline::with_capacity(2);
            pipeline.cmd("INFO").arg("server").cmd("SCAN").arg(cursor);
            pipeline.arg("MATCH").arg(&pattern).arg("COUNT").arg(limit.clamp(1, STEP));
            pipeline.arg("TYPE").arg("string");
            let mut answers = answers(link.send(&pipeline).await?)?;
            let info = answers.next().map(|info| text(&info)).unwrap_or_default();
            let run = info.lines().find_map(|line| line.strip_prefix("run_id:"));
            let run = run.unwrap_or_default().trim().to_owned();
            if cursor != 0 && run != from.run {
                cursor = 0;
                continue;
            }
            let Some(Value::Array(answer)) = answers.next() else { return Err(Fault::Strange) };
            let [next, Value::Array(names)] = &answer[..] else { return Err(Fault::Strange) };
            let next = text(next).parse().map_err(|_| Fault::Strange)?;
            return Ok((Place { run, cursor: next }, self.keys(names)));
        }
    }

    async fn page_of_cluster(&self, mut spot: Spot, limit: usize) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, STEP);
        let mut found = Vec::new();
        let end = spot.slot.saturating_add(LOOKS).min(SLOTS);
        while spot.slot < end && found.len() < limit {
            let last = spot.slot.saturating_add(AT_ONCE).min(end);
            let some = self.neighbours(spot, last, limit - found.len()).await;
            let (some, next) = some.map_err(|fault| fault.into_error(false))?;
            found.extend(some);
            spot = next;
        }
        let next = (spot.slot < SLOTS).then(|| spot.cursor());
        Ok(Page { found, next })
    }

    /// What is in the slots from here on that have one master, at most `room`; and where to go on.
    async fn neighbours(&self, from: Spot, last: u16, room: usize) -> Result<(Found, Spot), Fault> {
        for attempt in 1.. {
            let link = self.route.master(from.slot).await?;
            let mut until = from.slot + 1;
            while until < last {
                match self.route.master(until).await {
                    Ok(other) if Arc::ptr_eq(&other, &link) => until += 1,
                    _ => break,
                }
            }
            match self.slots(&link, from, until, room).await {
                Ok(found) => return Ok(found),
                Err(fault) if attempt < ATTEMPTS && fault.may_be_elsewhere() => {
                    self.route.doubt(&link);
                    sleep(PAUSE * attempt).await;
                }
                Err(fault) => {
                    self.route.doubt(&link);
                    return Err(fault);
                }
            }
        }
        Err(Fault::Strange)
    }

    async fn slots(
        &self,
        link: &Link,
        from: Spot,
        until: u16,
        room: usize,
    ) -> Result<(Found, Spot), Fault> {
        // As many slots as there is room for, and at least one.
        let counts = of_slots(link, "COUNTKEYSINSLOT", None, from.slot..until).await?;
        let (mut total, mut end) = (0, from.slot);
        for count in counts {
            let Value::Int(count) = count else { return Err(Fault::Strange) };
            let more = total + usize::try_from(count).unwrap_or(0);
            if end > from.slot && more > room {
                break;
            }
            (total, end) = (more, end + 1);
        }
        if total == 0 {
            return Ok((Found::new(), Spot::at(end)));
        }
        let slots = from.slot..end;
        let (mut keys, mut next) = (Vec::new(), Spot::at(end));
        let names = of_slots(link, "GETKEYSINSLOT", Some(i32::MAX), slots.clone()).await?;
        for (slot, names) in slots.zip(names) {
            let Value::Array(names) = names else { return Err(Fault::Strange) };
            let mut some = self.keys(&names);
            // A node has them in no order that lasts.
            some.sort_unstable();
            if slot == from.slot {
                some.retain(|key| from.after.is_none_or(|after| *key > after));
            }
            let fits = room - keys.len();
            let is_cut = some.len() > fits;
            some.truncate(fits);
            keys.extend_from_slice(&some);
            if is_cut {
                next = Spot { slot, after: some.last().copied() };
                break;
            }
        }
        Ok((self.values(link, keys).await?, next))
    }

    /// Those of the names that are sessions': the right prefix, and 32 bytes after it.
    fn keys(&self, names: &[Value]) -> Vec<StoreKey> {
        let key = |name: &Value| {
            let Value::BulkString(name) = name else { return None };
            let key = name.strip_prefix(&self.options.prefix[..])?;
            key.try_into().ok().map(StoreKey::from_bytes)
        };
        names.iter().filter_map(key).collect()
    }

    async fn values(&self, link: &Link, keys: Vec<StoreKey>) -> Result<Found, Fault> {
        let mut found = Found::with_capacity(keys.len());
        for some in keys.chunks(VALUES) {
            let mut pipeline = Pipeline::with_capacity(some.len());
            for key in some {
                pipeline.cmd("GET").arg(self.name(key));
            }
            for (key, value) in some.iter().zip(link.send(&pipeline).await?) {
                match value {
                    // It went meanwhile.
                    Value::Nil => {}
                    Value::BulkString(value) => {
                        found.push((*key, form::loaded(key, &value).map_err(StoreError::from)));
                    }
                    Value::ServerError(error) => {
                        let fault = Fault::Refused(error.into());
                        let error = fault.clone().into_error(false);
                        if error.kind() != StoreErrorKind::Corrupt {
                            return Err(fault);
                        }
                        found.push((*key, Err(error)));
                    }
                    _ => return Err(Fault::Strange),
                }
            }
        }
        Ok(found)
    }

    /// All names with the prefix, none of whose characters means anything else.
    fn pattern(&self) -> Vec<u8> {
        let mut pattern = Vec::new();
        for &byte in &self.options.prefix {
            if b"*?[]\\^-".contains(&byte) {
                pattern.push(b'\\');
            }
            pattern.push(byte);
        }
        pattern.push(b'*');
        pattern
    }
}

/// What the node says of each slot. It answers for slots that it does not have, too: with what it
/// remembers, or nothing; then this is an error.
async fn of_slots(
    link: &Link,
    command: &str,
    argument: Option<i32>,
    slots: Range<u16>,
) -> Result<Vec<Value>, Fault> {
    let mut pipeline = Pipeline::with_capacity(slots.len() + 2);
    for slot in slots.clone() {
        pipeline.cmd("CLUSTER").arg(command).arg(slot).arg(argument);
    }
    pipeline.cmd("CLUSTER").arg("MYID").cmd("CLUSTER").arg("SLOTS");
    let mut answers = answers(link.send(&pipeline).await?)?;
    let told = answers.by_ref().take(slots.len()).collect();
    let id = answers.next().map(|id| text(&id)).unwrap_or_default();
    let Some(Value::Array(rows)) = answers.next() else { return Err(Fault::Strange) };
    if !slots.clone().all(|slot| rows.iter().any(|row| cluster::has(row, &id, slot))) {
        return Err(Fault::Unfit(format!("{} has other slots by now", link.endpoint)));
    }
    Ok(told)
}

/// The answers, if none of them is an error.
fn answers(values: Vec<Value>) -> Result<impl Iterator<Item = Value>, Fault> {
    let refused = |value: &Value| match value {
        Value::ServerError(error) => Some(Fault::Refused(error.clone().into())),
        _ => None,
    };
    match values.iter().find_map(refused) {
        Some(fault) => Err(fault),
        None => Ok(values.into_iter()),
    }
}
