//! Reading: on the caller's thread if that is quick, else on a thread that may wait.

use std::{
    sync::{
        Arc, Mutex, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use dewar::{
    StoreKey,
    store::{Loaded, StoreError},
};
use rusqlite::Connection;

use super::{
    connect::Site,
    dues,
    fault::{Fault, is_busy},
    queue::{CloseOnDrop, Queue},
    reply, table,
};

/// Connections for the callers' threads. More callers at once than this is rare: a read takes
/// microseconds.
const CONNECTIONS: usize = 4;

/// A read that takes longer shows that the disk is slow; a caller's thread serves others too, so it
/// must not wait for one.
const SLOW: Duration = Duration::from_millis(10);

/// How long after a slow read all others go to the patient thread, from its first quick one on.
const AVOID_MS: u64 = 1000;

/// Until the patient thread has read quickly.
const UNTIL_QUICK: u64 = u64::MAX;

/// A read for the patient thread.
pub(super) struct Patient {
    key: StoreKey,
    deadline: Instant,
    reply: reply::Sender<Result<Loaded, StoreError>>,
}

pub(super) struct Readers {
    site: Arc<Site>,
    slots: [Mutex<Slot>; CONNECTIONS],
    started: Instant,
    /// In milliseconds since `started`, or [`UNTIL_QUICK`].
    avoid_until: AtomicU64,
    pub(super) patient: Queue<Patient>,
}

/// One connection, opened when first needed and again when the file is another one.
#[derive(Default)]
struct Slot {
    open: Option<(u64, Connection)>,
}

impl Slot {
    fn read<T>(
        &mut self,
        site: &Site,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let generation = site.generation();
        let database = match self.open.take() {
            Some((opened, database)) if opened == generation => database,
            _ => site.reader()?,
        };
        let found = read(&database);
        // After any other error the connection is closed: the next call makes a new one.
        let keep = match &found {
            Err(Fault::Database(error)) => is_busy(error),
            _ => true,
        };
        self.open = keep.then_some((generation, database));
        found
    }
}

impl Readers {
    pub(super) fn new(site: Arc<Site>) -> Self {
        let patient = Queue::new(site.options.queue_length);
        // No caller waits for the first one to be opened, or takes that for a slow read.
        let mut first = Slot::default();
        let _ = first.read(&site, |database| Ok(dues::any(database, 0)?));
        let [second, third, fourth] = Default::default();
        Self {
            site,
            slots: [Mutex::new(first), second, third, fourth],
            started: Instant::now(),
            avoid_until: AtomicU64::new(0),
            patient,
        }
    }

    /// Reads a key, here and now if that needs no waiting.
    pub(super) async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        if let Some(found) = self.at_once(|database| table::load(database, key)) {
            return Ok(found?);
        }
        let (reply, receiver) = reply::channel();
        let deadline = Instant::now() + self.site.options.busy_timeout;
        let patient = Patient { key: *key, deadline, reply };
        self.patient.push(patient).map_err(StoreError::unavailable)?;
        let lost = || StoreError::unavailable("the reading thread of the store has ended");
        receiver.await.unwrap_or_else(|| Err(lost()))
    }

    /// Whether a sweep may find something: yes, too, if that cannot be said at once.
    pub(super) fn may_be_due(&self, before_ms: u64) -> bool {
        let any = self.at_once(|database| Ok(dues::any(database, before_ms)?));
        !matches!(any, Some(Ok(false)))
    }

    /// `None` if it would have to wait.
    fn at_once<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Option<Result<T, Fault>> {
        let start = Instant::now();
        if self.ms_at(start) < self.avoid_until.load(Ordering::Relaxed) {
            return None;
        }
        // In one order: the connection that read last has the pages that are needed again.
        let free = self.slots.iter().find_map(|slot| match slot.try_lock() {
            Ok(slot) => Some(slot),
            Err(TryLockError::Poisoned(slot)) => Some(slot.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        let found = free?.read(&self.site, read);
        if start.elapsed() > SLOW {
            self.avoid_until.store(UNTIL_QUICK, Ordering::Relaxed);
        }
        match found {
            Err(Fault::Database(error)) if is_busy(&error) => None,
            found => Some(found),
        }
    }

    fn ms_at(&self, moment: Instant) -> u64 {
        u64::try_from(moment.duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// The patient thread: works until its queue is closed and empty.
    pub(super) fn run_patient(&self) {
        let _close = CloseOnDrop(&self.patient);
        let mut slot = Slot::default();
        while let Some(job) = self.patient.take(1).pop() {
            if !job.reply.is_abandoned() {
                let found = self.load_patiently(&mut slot, &job);
                job.reply.send(found.map_err(StoreError::from));
            }
        }
    }

    fn load_patiently(&self, slot: &mut Slot, job: &Patient) -> Result<Loaded, Fault> {
        loop {
            let start = Instant::now();
            let found = slot.read(&self.site, |database| table::load(database, &job.key));
            if !matches!(found, Err(Fault::Database(_))) && start.elapsed() <= SLOW {
                let until = self.ms_at(start) + AVOID_MS;
                let order = Ordering::Relaxed;
                let _ = self.avoid_until.compare_exchange(UNTIL_QUICK, until, order, order);
            }
            match found {
                Err(Fault::Database(error)) if is_busy(&error) && Instant::now() < job.deadline => {
                    thread::sleep(Duration::from_millis(2));
                }
                found => return found,
            }
        }
    }
}
