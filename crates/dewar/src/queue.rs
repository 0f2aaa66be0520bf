//! The fair queue: commits of one session in one process, one after the other.
//!
//! Without it, overlapping requests of one visitor would all write over the same version and all
//! but one would have to try again. Here each waits for its turn and receives what its
//! predecessor wrote. The permit is the only thing held across an await, and dropping it releases
//! it.

#[cfg(all(test, dewar_models))]
mod models;

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::BuildHasherDefault,
    sync::PoisonError,
};

use tokio::sync::oneshot;

use crate::{
    id::{KeyHasher, StoreKey},
    store::Record,
    sync::shuttled::{Mutex, MutexGuard},
};

/// Who waits for one session, first come first served. Each is handed what the last one before it
/// wrote. Nobody waiting takes no memory.
type Line = VecDeque<oneshot::Sender<Option<Record>>>;

type Lines = HashMap<StoreKey, Line, BuildHasherDefault<KeyHasher>>;

/// The sessions that are being committed now.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    lines: Mutex<Lines>,
}

/// The permit to commit one session, or a place in the line for it. Dropped, it lets the next one
/// in.
#[derive(Debug)]
pub(crate) struct Permit<'q> {
    queue: &'q Queue,
    key: StoreKey,
    turn: Turn,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a commit has one, and a box would cost more")]
enum Turn {
    Waits(oneshot::Receiver<Option<Record>>),
    Here {
        /// What the predecessor wrote.
        handed: Option<Record>,
        /// What the successor is handed.
        passed_on: Option<Record>,
    },
}

impl Queue {
    /// Waits for the turn of the session under `key`.
    pub(crate) async fn enter(&self, key: StoreKey) -> Permit<'_> {
        let turn = match self.lines().entry(key) {
            Entry::Vacant(nobody) => {
                nobody.insert(Line::new());
                Turn::Here { handed: None, passed_on: None }
            }
            Entry::Occupied(mut line) => {
                let (sender, turn) = oneshot::channel();
                line.get_mut().push_back(sender);
                Turn::Waits(turn)
            }
        };
        let mut permit = Permit { queue: self, key, turn };
        if let Turn::Waits(turn) = &mut permit.turn {
            let handed = turn.await.unwrap_or_default();
            permit.turn = Turn::Here { handed, passed_on: None };
        }
        permit
    }

    /// Lets in the next one that still waits, and forgets the line if there is none.
    fn leave(&self, key: StoreKey, mut passed_on: Option<Record>) {
        loop {
            let next = {
                let mut lines = self.lines();
                let Entry::Occupied(mut line) = lines.entry(key) else { return };
                match line.get_mut().pop_front() {
                    Some(next) => next,
                    None => {
                        line.remove();
                        return;
                    }
                }
            };
            // The lock is free by now: whoever is woken may run at once.
            match next.send(passed_on) {
                Ok(()) => return,
                Err(given_up) => passed_on = given_up,
            }
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// What the predecessor wrote, if there was one just now.
    pub(crate) fn predecessor(&mut self) -> Option<Record> {
        match &mut self.turn {
            Turn::Here { handed, .. } => handed.take(),
            Turn::Waits(_) => None,
        }
    }

    /// Leaves what was written to the successor.
    pub(crate) fn pass_on(&mut self, record: Record) {
        if let Turn::Here { passed_on, .. } = &mut self.turn {
            *passed_on = Some(record);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        match &mut self.turn {
            Turn::Here { passed_on, .. } => self.queue.leave(self.key, passed_on.take()),
            Turn::Waits(turn) => {
                turn.close();
                // The turn may have come just before: then it is the next one's.
                if let Ok(handed) = turn.try_recv() {
                    self.queue.leave(self.key, handed);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn key(byte: u8) -> StoreKey {
        StoreKey::from_bytes([byte; 32])
    }

    #[tokio::test]
    async fn a_turn_that_nobody_wants_is_forgotten() {
        let queue = Queue::default();
        let first = queue.enter(key(1)).await;
        let other = queue.enter(key(2)).await;
        let given_up =
            tokio::time::timeout(std::time::Duration::from_millis(1), queue.enter(key(1)));
        assert!(given_up.await.is_err(), "the first permit is still held");
        assert_eq!(queue.lines().len(), 2);
        drop((first, other));
        assert!(queue.lines().is_empty());
    }

    #[tokio::test]
    async fn turns_come_in_order() {
        let queue = Arc::new(Queue::default());
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = queue.enter(key(1)).await;
        let mut tasks = Vec::new();
        for i in 0..10 {
            let (queue, order) = (Arc::clone(&queue), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _permit = queue.enter(key(1)).await;
                order.lock().unwrap().push(i);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
    }
}
