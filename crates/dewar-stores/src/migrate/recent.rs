//! The keys of late: so many, then the oldest is forgotten.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use dewar::StoreKey;

#[derive(Default)]
pub(super) struct Recent(Mutex<Known>);

#[derive(Default)]
struct Known {
    keys: HashSet<StoreKey>,
    order: VecDeque<StoreKey>,
}

impl Recent {
    fn open(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn knows(&self, key: &StoreKey) -> bool {
        self.open().keys.contains(key)
    }

    /// Remembers the key, and at most `most` of them.
    pub(super) fn note(&self, key: &StoreKey, most: usize) {
        let mut known = self.open();
        if known.keys.insert(*key) {
            known.order.push_back(*key);
            if known.order.len() > most {
                if let Some(oldest) = known.order.pop_front() {
                    known.keys.remove(&oldest);
                }
            }
        }
    }
}
