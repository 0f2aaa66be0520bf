//! Everything a cluster holds, slot by slot, and in a slot by key, which no failover changes.
//!
//! While an operator moves slots between nodes, keys on their way may be missed.

use std::{ops::Range, sync::Arc};

use dewar::{
    StoreKey,
    store::{Cursor, Page, StoreError},
};
use redis::{Pipeline, Value};
use tokio::time::sleep;

use super::{
    call::{ATTEMPTS, PAUSE},
    cluster::{self, SLOTS},
    fault::Fault,
    link::{Link, text},
    scan::{Found, STEP, answers},
    store::Inner,
};

/// So many slots are asked for at once.
const AT_ONCE: u16 = 64;

/// So many slots a page looks at, if they hold little.
const LOOKS: u16 = 1024;

const CLUSTER: u8 = 2;

/// Where a scan of a cluster is.
#[derive(Clone, Copy, Default)]
pub(super) struct Spot {
    slot: u16,
    /// In the midst of a slot: behind this key.
    after: Option<StoreKey>,
}

impl Spot {
    fn at(slot: u16) -> Self {
        Self { slot, after: None }
    }

    pub(super) fn of(cursor: &Cursor) -> Option<Self> {
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

impl Inner {
    pub(super) async fn page_of_cluster(
        &self,
        mut spot: Spot,
        limit: usize,
    ) -> Result<Page, StoreError> {
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
