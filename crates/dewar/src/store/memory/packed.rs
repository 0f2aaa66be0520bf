//! One key's state in as few bytes as it needs: a table of a million of them is mostly this.
//!
//! ```text
//! 0        24     25        29            37
//! rest of  kind   bucket    until         Ended
//! the key                   until         to (32)                                         Moved
//!                           idle deadline absolute deadline, created, shape, writes, owner, data  Live
//! ```

use crate::{
    id::StoreKey,
    store::{Loaded, Moved, Owner, Record, WriteId, Writes},
};

const REST: usize = 24;
const KIND: usize = REST;
const BUCKET: usize = KIND + 1;
const DEADLINE: usize = BUCKET + 4;
const TO: usize = DEADLINE + 8;
const ABSOLUTE: usize = DEADLINE + 8;
const CREATED: usize = ABSOLUTE + 8;
const SHAPE: usize = CREATED + 8;
const WRITES: usize = SHAPE + 1;

/// Set in the shape if there is an owner; the rest of it counts the writes.
const OWNED: u8 = 0x80;

/// What kind of state it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ended,
    Live,
    Moved,
}

/// A record, a marker or a tombstone, and what of its key the table does not hold.
pub(super) struct Packed(Box<[u8]>);

impl Packed {
    pub(super) fn ended(key: &StoreKey, until_ms: u64) -> Self {
        let mut bytes = start(key, Kind::Ended, DEADLINE + 8);
        bytes.extend(until_ms.to_be_bytes());
        Self(bytes.into_boxed_slice())
    }

    pub(super) fn moved(key: &StoreKey, moved: Moved) -> Self {
        let mut bytes = start(key, Kind::Moved, TO + 32);
        bytes.extend(moved.until_ms.to_be_bytes());
        bytes.extend(moved.to.as_bytes());
        Self(bytes.into_boxed_slice())
    }

    pub(super) fn live(key: &StoreKey, record: &Record) -> Self {
        let writes = record.writes.iter();
        let owner = record.owner.as_ref().map_or(&[][..], |owner| owner.as_bytes());
        let len = WRITES + 8 * record.writes.len() + owner.len() + record.data.len();
        let mut bytes = start(key, Kind::Live, len);
        bytes.extend(record.idle_deadline_ms.to_be_bytes());
        bytes.extend(record.absolute_deadline_ms.to_be_bytes());
        bytes.extend(record.created_ms.to_be_bytes());
        let owned = if record.owner.is_some() { OWNED } else { 0 };
        bytes.push(owned | record.writes.len() as u8);
        writes.for_each(|write| bytes.extend(write.get().to_be_bytes()));
        bytes.extend(owner);
        bytes.extend(&record.data);
        Self(bytes.into_boxed_slice())
    }

    /// Whether it is the state of `key`, whose tag is known to fit.
    pub(super) fn is_of(&self, key: &StoreKey) -> bool {
        self.0[..REST] == key.as_bytes()[8..]
    }

    pub(super) fn kind(&self) -> Kind {
        match self.0[KIND] {
            0 => Kind::Ended,
            1 => Kind::Live,
            _ => Kind::Moved,
        }
    }

    /// The bucket of the queue in which it waits to be forgotten.
    pub(super) fn bucket(&self) -> u32 {
        u32::from_be_bytes(self.array(BUCKET))
    }

    pub(super) fn set_bucket(&mut self, bucket: u32) {
        self.0[BUCKET..DEADLINE].copy_from_slice(&bucket.to_be_bytes());
    }

    /// After this moment and the grace it may be forgotten.
    pub(super) fn deadline_ms(&self) -> u64 {
        match self.kind() {
            Kind::Live => self.idle_deadline_ms().min(self.absolute_deadline_ms()),
            Kind::Ended | Kind::Moved => self.u64(DEADLINE),
        }
    }

    /// Of a live one.
    pub(super) fn idle_deadline_ms(&self) -> u64 {
        self.u64(DEADLINE)
    }

    /// Of a live one.
    pub(super) fn absolute_deadline_ms(&self) -> u64 {
        self.u64(ABSOLUTE)
    }

    /// Of a live one.
    pub(super) fn set_idle_deadline_ms(&mut self, idle_deadline_ms: u64) {
        self.0[DEADLINE..DEADLINE + 8].copy_from_slice(&idle_deadline_ms.to_be_bytes());
    }

    /// Of a live one.
    pub(super) fn version(&self) -> WriteId {
        WriteId::new(self.u64(WRITES))
    }

    /// Of a moved one.
    pub(super) fn marker(&self) -> Moved {
        Moved { to: StoreKey::from_bytes(self.array(TO)), until_ms: self.u64(DEADLINE) }
    }

    /// Whose it is and when it began, if it is a live one of somebody.
    pub(super) fn ownership(&self) -> Option<(Owner, u64)> {
        if self.kind() != Kind::Live {
            return None;
        }
        Some((self.owner()?, self.u64(CREATED)))
    }

    /// Of a live one.
    fn owner(&self) -> Option<Owner> {
        let owned = self.0[SHAPE] & OWNED != 0;
        owned.then(|| Owner::from_bytes(self.array(self.writes_end())))
    }

    /// Of a live one: where its owner begins, or else its data.
    fn writes_end(&self) -> usize {
        WRITES + 8 * usize::from(self.0[SHAPE] & !OWNED)
    }

    /// The whole key, of which this is the tag.
    pub(super) fn key(&self, tag: u64) -> StoreKey {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&tag.to_be_bytes());
        key[8..].copy_from_slice(&self.0[..REST]);
        StoreKey::from_bytes(key)
    }

    /// Of a live one.
    pub(super) fn record(&self) -> Record {
        let (owner, writes_end) = (self.owner(), self.writes_end());
        let data = writes_end + if owner.is_some() { 32 } else { 0 };
        Record {
            owner,
            created_ms: self.u64(CREATED),
            idle_deadline_ms: self.idle_deadline_ms(),
            absolute_deadline_ms: self.absolute_deadline_ms(),
            writes: Writes::from_bytes(&self.0[WRITES..writes_end])
                .expect("packed from a list of writes"),
            data: self.0[data..].to_vec(),
        }
    }

    pub(super) fn loaded(&self) -> Loaded {
        match self.kind() {
            Kind::Ended => Loaded::Ended { until_ms: self.u64(DEADLINE) },
            Kind::Live => Loaded::Live(self.record()),
            Kind::Moved => Loaded::Moved(self.marker()),
        }
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_be_bytes(self.array(at))
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0[at..at + N].try_into().expect("the slice is as long as the array")
    }
}

/// The part that all kinds have; the bucket is written when it is put into the queue.
fn start(key: &StoreKey, kind: Kind, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    bytes.extend(&key.as_bytes()[8..]);
    bytes.push(match kind {
        Kind::Ended => 0,
        Kind::Live => 1,
        Kind::Moved => 2,
    });
    bytes.extend([0; 4]);
    bytes
}
