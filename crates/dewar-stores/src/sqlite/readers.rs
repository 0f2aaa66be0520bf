//! Reading: on the caller's thread if that is quick, else on a thread that may wait.

use std::{
    sync::{
        Arc, Mutex, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use dewar::store::StoreError;
use rusqlite::Connection;

use super::{
    connect::Site,
    dues,
    fault::{Fault, is_busy},
    queue::{CloseOnDrop, Queue},
    reply,
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

/// A read for the patient thread, whose answer that thread need not know.
pub(super) trait Patient: Send {
    /// Reads and keeps the answer.
    fn read(&mut self, database: &Connection) -> Result<(), Fault>;

    /// Gives the kept answer, or this fault.
    fn answer(self: Box<Self>, read: Result<(), Fault>);

    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;

    /// Until when it may wait for a locked file.
    fn deadline(&self) -> Instant;
}

struct Job<T, R> {
    read: R,
    found: Option<T>,
    deadline: Instant,
    reply: reply::Sender<Result<T, StoreError>>,
}

impl<T, R> Patient for Job<T, R>
where
    T: Send,
    R: Fn(&Connection) -> Result<T, Fault> + Send,
{
    fn read(&mut self, database: &Connection) -> Result<(), Fault> {
        self.found = Some((self.read)(database)?);
        Ok(())
    }

    fn answer(self: Box<Self>, read: Result<(), Fault>) {
        match (read, self.found) {
            (Err(fault), _) => self.reply.send(Err(fault.into())),
            (Ok(()), Some(found)) => self.reply.send(Ok(found)),
            (Ok(()), None) => {}
        }
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_abandoned()
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

pub(super) struct Readers {
    site: Arc<Site>,
    slots: [Mutex<Slot>; CONNECTIONS],
    started: Instant,
    /// In milliseconds since `started`, or [`UNTIL_QUICK`].
    avoid_until: AtomicU64,
    pub(super) patient: Queue<Box<dyn Patient>>,
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

    /// Reads, here and now if that needs no waiting.
    pub(super) async fn read<T, R>(&self, read: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        if let Some(found) = self.at_once(&read) {
            return Ok(found?);
        }
        let (reply, receiver) = reply::channel();
        let deadline = Instant::now() + self.site.options.busy_timeout;
        let job = Box::new(Job { read, found: None, deadline, reply });
        self.patient.push(job).map_err(StoreError::unavailable)?;
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
        while let Some(mut job) = self.patient.take(1).pop() {
            if !job.is_abandoned() {
                let read = self.read_patiently(&mut slot, &mut *job);
                job.answer(read);
            }
        }
    }

    fn read_patiently(&self, slot: &mut Slot, job: &mut dyn Patient) -> Result<(), Fault> {
        loop {
            let start = Instant::now();
            let read = slot.read(&self.site, |database| job.read(database));
            if !matches!(read, Err(Fault::Database(_))) && start.elapsed() <= SLOW {
                let until = self.ms_at(start) + AVOID_MS;
                let order = Ordering::Relaxed;
                let _ = self.avoid_until.compare_exchange(UNTIL_QUICK, until, order, order);
            }
            match read {
                Err(Fault::Database(error))
                    if is_busy(&error) && Instant::now() < job.deadline() =>
                {
                    thread::sleep(Duration::from_millis(2));
                }
                read => return read,
            }
        }
    }
}
