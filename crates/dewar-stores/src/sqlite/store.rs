//! The store: calls in, answers out.

use std::{
    fmt,
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Cursor, Entry, GRACE, Loaded, Moved, Owner, Page, Reached, Record, Scan,
        Store, StoreError, StoreErrorKind, Sweep, Swept, UserIndex, WriteId, Written,
    },
};

use super::{
    checkpoint::Copying,
    connect::Site,
    dues::Pace,
    open::{OpenError, SqliteStoreBuilder},
    queue::Queue,
    readers::Readers,
    show, table,
    verbs::{self, Job, Verb, call},
    writer,
};

/// Sessions in one SQLite file; clones share it.
///
/// Dropping the last clone does what waits, closes the file and ends the threads: it blocks for that
/// long, commonly less than a millisecond.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    readers: Arc<Readers>,
    site: Arc<Site>,
    queue: Arc<Queue<Box<dyn Job>>>,
    copying: Arc<Copying>,
    threads: Vec<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens the file, or makes it, with the default options.
    ///
    /// A missing folder is made for its owner alone (mode 0700), and so is a missing file (0600) with
    /// its companions `-wal` and `-shm`. What exists keeps its mode. Any number of processes may
    /// open one file, at the same moment too. It blocks the thread: call it when the program starts.
    ///
    /// # Errors
    /// If the file cannot be made or opened, is a symbolic link, holds something else, or was written
    /// by a newer version; see [`OpenError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::builder(path).open()
    }

    /// The options for this file.
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder::new(path.as_ref())
    }

    pub(super) fn start(site: Site) -> Result<Self, OpenError> {
        let first = site.writer()?;
        let site = Arc::new(site);
        let queue = Arc::new(Queue::new(site.options.queue_length));
        let readers = Arc::new(Readers::new(Arc::clone(&site)));
        let copying = Arc::new(Copying::new());
        let mut inner = Inner { readers, site, queue, copying, threads: Vec::new() };
        inner.start("dewar-writer", {
            let (site, queue) = (Arc::clone(&inner.site), Arc::clone(&inner.queue));
            let copying = Arc::clone(&inner.copying);
            move || writer::run(&site, &queue, &copying, first)
        })?;
        inner.start("dewar-copier", {
            let (site, copying) = (Arc::clone(&inner.site), Arc::clone(&inner.copying));
            let queue = Arc::clone(&inner.queue);
            move || copying.run(&site, || look(&queue))
        })?;
        inner.start("dewar-reader", {
            let readers = Arc::clone(&inner.readers);
            move || readers.run_patient()
        })?;
        Ok(Self(Arc::new(inner)))
    }

    /// Hands a change to the writer and waits for its answer.
    async fn write<V: Verb>(&self, verb: V) -> Result<V::Answer, StoreError> {
        let deadline = Instant::now() + self.0.site.options.busy_timeout;
        let (job, answer) = call(verb, deadline);
        self.0.queue.push(job).map_err(StoreError::unavailable)?;
        // Without an answer the thread has ended, perhaps in the midst of it.
        answer.await.unwrap_or_else(|| Err(StoreError::new(StoreErrorKind::OutcomeUnknown)))
    }
}

impl Inner {
    fn start(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
        self.threads.push(thread.map_err(|source| OpenError::Thread { source })?);
        Ok(())
    }
}

/// Has the writer look after its file and its log, though nobody may be writing.
fn look(queue: &Queue<Box<dyn Job>>) {
    let _ = queue.push(call(verbs::Look, Instant::now()).0);
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        self.readers.patient.close();
        self.copying.close();
        for thread in self.threads.drain(..) {
            // A panic there was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.0.site.path())
            .field("durability", &self.0.site.options.durability)
            .finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        let key = *key;
        let found = self.0.readers.read(move |database| table::load(database, &key)).await;
        if found.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Unavailable) {
            // If the file is missing, the writer makes it anew.
            look(&self.0.queue);
        }
        found
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.write(verbs::Create(*key, record.clone())).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        self.write(verbs::Update(*key, expected, record.clone())).await
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        self.write(verbs::Touch(*key, idle_deadline_ms)).await
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        self.write(verbs::Delete(*key, until_ms)).await
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        self.write(verbs::Supersede(*old, expected, moved)).await
    }

    fn boxed(self) -> BoxStore {
        BoxStore::full(self)
    }
}

impl Sweep for SqliteStore {
    /// In short steps, each in the queue behind what others wrote meanwhile: of so many rows as take
    /// a few milliseconds here. Nothing is written if nothing is due. A session that was used since it
    /// was last looked at is put back on the way; `limit` does not count it.
    async fn sweep(&self, now_ms: u64, limit: usize) -> Result<Swept, StoreError> {
        let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
        let before_ms = now_ms.saturating_sub(grace_ms);
        let mut swept = Swept::default();
        let mut finished = !self.0.readers.may_be_due(before_ms);
        let mut pace = Pace::new();
        while !finished && swept.forgotten < limit {
            self.0.copying.over().await;
            let (looks, most) = (pace.rows(), limit - swept.forgotten);
            let start = Instant::now();
            let step = self.write(verbs::Sweep { before_ms, looks, most }).await?;
            pace.took(start.elapsed());
            swept.forgotten += step.swept.forgotten;
            swept.expired.extend(step.swept.expired);
            finished = step.finished;
        }
        Ok(swept)
    }
}

/// The records themselves are the index: there is nothing to note.
impl UserIndex for SqliteStore {
    async fn enter(&self, _: &Owner, _: &StoreKey, _: u64, _: u64) -> Result<(), StoreError> {
        Ok(())
    }

    async fn leave(&self, _: &Owner, _: &StoreKey) -> Result<(), StoreError> {
        Ok(())
    }

    async fn sessions_of(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let owner = *owner;
        self.0.readers.read(move |database| show::sessions_of(database, &owner, after, limit)).await
    }
}

/// By key.
impl Scan for SqliteStore {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let after = from.map(show::key_of).transpose()?;
        self.0.readers.read(move |database| show::page(database, after, limit)).await
    }
}
