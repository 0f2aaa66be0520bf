//! One part of the table, behind one lock: the states of its keys, and when each may be forgotten.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    hash::BuildHasherDefault,
};

use super::packed::{Kind, Packed};
use crate::{
    id::{KeyHasher, StoreKey},
    store::{GRACE, Owner},
};

const GRACE_MS: u64 = GRACE.as_millis() as u64;

/// A bucket of the queue lasts 2¹⁶ ms, about a minute.
const BUCKET_BITS: u32 = 16;

/// How many expired sessions wait to be told by a sweep, if it ever comes again.
const UNTOLD: usize = 4096;

/// Tables smaller than this are not worth shrinking.
const SMALL: usize = 64;

/// The first 8 bytes of a key. A key is a hash, so they tell keys apart, except on purpose.
type Tag = u64;

#[derive(Default)]
pub(super) struct Shard {
    tags: HashMap<Tag, Packed, BuildHasherDefault<KeyHasher>>,
    /// Keys whose tag another key has. With real keys there are none.
    crowd: BTreeMap<StoreKey, Packed>,
    /// The tags of each bucket. An entry of which [`Packed::bucket`] says otherwise is void, so a
    /// deadline that moves back costs nothing here until its old bucket is due.
    queue: BTreeMap<u32, Vec<Tag>>,
    /// The sessions of each user: when each began, and its key.
    owners: HashMap<Owner, BTreeSet<(u64, StoreKey)>>,
    /// Sessions that expired and that no sweep has told yet.
    expired: Vec<StoreKey>,
    /// Whether any sweep will.
    swept: bool,
}

impl Shard {
    pub(super) fn get(&self, key: &StoreKey) -> Option<&Packed> {
        match self.tags.get(&tag(key)) {
            Some(packed) if packed.is_of(key) => Some(packed),
            _ => self.crowd.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &StoreKey) -> Option<&mut Packed> {
        match self.tags.get_mut(&tag(key)) {
            Some(packed) if packed.is_of(key) => Some(packed),
            _ => self.crowd.get_mut(key),
        }
    }

    /// Puts a state in the place of another; says whether there was none.
    pub(super) fn put(&mut self, key: &StoreKey, mut packed: Packed) -> bool {
        let bucket = bucket(packed.deadline_ms());
        let tag = tag(key);
        let now_of = packed.ownership();
        if let Some(old) = self.get_mut(key) {
            let waits = old.bucket();
            packed.set_bucket(waits.min(bucket));
            let was_of = old.ownership();
            *old = packed;
            self.pass(key, was_of, now_of);
            if bucket < waits {
                self.queue.entry(bucket).or_default().push(tag);
            }
            return false;
        }
        self.pass(key, None, now_of);
        packed.set_bucket(bucket);
        match self.tags.entry(tag) {
            Entry::Occupied(_) => {
                self.crowd.insert(*key, packed);
            }
            Entry::Vacant(vacant) => {
                vacant.insert(packed);
                self.queue.entry(bucket).or_default().push(tag);
            }
        }
        true
    }

    /// Looks at no more than `budget` entries of the queue whose whole bucket is past; gives how
    /// many states were forgotten.
    pub(super) fn forget_some(&mut self, now_ms: u64, budget: usize) -> usize {
        let before = self.tags.len();
        for _ in 0..budget {
            let Some(mut first) = self.queue.first_entry() else { break };
            let bucket = *first.key();
            if !is_past(last_ms(bucket), now_ms) {
                break;
            }
            let tag = first.get_mut().pop();
            if first.get().is_empty() {
                first.remove();
            }
            if let Some(tag) = tag {
                self.settle(tag, bucket, now_ms);
            }
        }
        let forgotten = before - self.tags.len();
        self.shrink();
        forgotten
    }

    /// Forgets at most `limit` states that are past; fewer means that none is left.
    ///
    /// Gives how many, and puts those that expired behind `expired`.
    pub(super) fn sweep(
        &mut self,
        now_ms: u64,
        limit: usize,
        expired: &mut Vec<StoreKey>,
    ) -> usize {
        self.swept = true;
        let mut left = limit;
        let mut next = 0;
        while let Some((&bucket, tags)) = self.queue.range_mut(next..).next() {
            if left == 0 || !is_past(first_ms(bucket), now_ms) {
                break;
            }
            let mut tags = std::mem::take(tags);
            tags.retain(|tag| {
                if left == 0 {
                    return true;
                }
                let before = self.tags.len();
                let stays = self.settle(*tag, bucket, now_ms);
                left -= before - self.tags.len();
                stays
            });
            if tags.is_empty() {
                self.queue.remove(&bucket);
            } else {
                self.queue.insert(bucket, tags);
            }
            let Some(following) = bucket.checked_add(1) else { break };
            next = following;
        }
        let mut crowd = std::mem::take(&mut self.crowd);
        crowd.retain(|key, packed| {
            let forget = left > 0 && is_past(packed.deadline_ms(), now_ms);
            left -= usize::from(forget);
            if forget {
                self.forget(key, packed);
            }
            !forget
        });
        self.crowd = crowd;
        self.shrink();
        expired.append(&mut self.expired);
        limit - left
    }

    /// The sessions of a user here, with when each began.
    pub(super) fn sessions_of(&self, owner: &Owner) -> impl Iterator<Item = (u64, StoreKey)> + '_ {
        self.owners.get(owner).into_iter().flatten().copied()
    }

    /// All keys here, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = StoreKey> + '_ {
        let tagged = self.tags.iter().map(|(tag, packed)| packed.key(*tag));
        tagged.chain(self.crowd.keys().copied())
    }

    /// What is to be done when a state goes because its time is over.
    fn forget(&mut self, key: &StoreKey, packed: &Packed) {
        self.pass(key, packed.ownership(), None);
        let room = self.expired.len() < UNTOLD;
        if self.swept && room && packed.kind() == Kind::Live && packed.deadline_ms() > 0 {
            self.expired.push(*key);
        }
    }

    /// A session passes from one owner to another, or to nobody.
    fn pass(&mut self, key: &StoreKey, was_of: Option<(Owner, u64)>, now_of: Option<(Owner, u64)>) {
        if was_of == now_of {
            return;
        }
        if let Some((owner, began_ms)) = was_of {
            if let Some(sessions) = self.owners.get_mut(&owner) {
                sessions.remove(&(began_ms, *key));
                if sessions.is_empty() {
                    self.owners.remove(&owner);
                }
            }
        }
        if let Some((owner, began_ms)) = now_of {
            self.owners.entry(owner).or_default().insert((began_ms, *key));
        }
    }

    /// Forgets what is past, and sends what is not to its new bucket; says whether that is the
    /// old one.
    fn settle(&mut self, tag: Tag, from: u32, now_ms: u64) -> bool {
        let Some(packed) = self.tags.get_mut(&tag).filter(|packed| packed.bucket() == from) else {
            return false;
        };
        if is_past(packed.deadline_ms(), now_ms) {
            if let Some(packed) = self.tags.remove(&tag) {
                self.forget(&packed.key(tag), &packed);
            }
            return false;
        }
        let to = bucket(packed.deadline_ms());
        if to == from {
            return true;
        }
        packed.set_bucket(to);
        self.queue.entry(to).or_default().push(tag);
        false
    }

    /// Gives memory back after a crowd has gone.
    fn shrink(&mut self) {
        if self.tags.capacity() > SMALL && self.tags.len() < self.tags.capacity() / 8 {
            self.tags.shrink_to(self.tags.len() * 2);
        }
    }
}

fn tag(key: &StoreKey) -> Tag {
    let first = key.as_bytes().first_chunk().expect("a key has 32 bytes");
    Tag::from_be_bytes(*first)
}

fn bucket(deadline_ms: u64) -> u32 {
    u32::try_from(deadline_ms >> BUCKET_BITS).unwrap_or(u32::MAX)
}

fn first_ms(bucket: u32) -> u64 {
    u64::from(bucket) << BUCKET_BITS
}

/// The last bucket has no end: it holds all that no clock will reach.
fn last_ms(bucket: u32) -> u64 {
    if bucket == u32::MAX { u64::MAX } else { first_ms(bucket + 1) - 1 }
}

fn is_past(deadline_ms: u64, now_ms: u64) -> bool {
    deadline_ms.saturating_add(GRACE_MS) < now_ms
}
