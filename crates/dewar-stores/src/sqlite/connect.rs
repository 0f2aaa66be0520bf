//! From a path to a connection: folder, file, modes, pragmas.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};

use super::{
    open::{OpenError, SqliteStoreBuilder},
    schema,
};

/// Where the store is, and how it is opened; all its connections come from here.
pub(super) struct Site {
    pub(super) options: SqliteStoreBuilder,
    /// The true path: no folder in it is a link, and changing the working folder changes nothing.
    path: PathBuf,
    /// Counts how often the file under the path became another one.
    generation: AtomicU64,
}

/// Closing *any* descriptor of a file gives up all POSIX locks that this process has on it, those of
/// SQLite too. A new file is made and closed by us, so nobody here may open it in between.
static OPENING: Mutex<()> = Mutex::new(());

/// What tells a file from another one that took its name: device and inode.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId(Option<(u64, u64)>);

/// A connection that may write, and the file that it writes to.
pub(super) struct Writable {
    pub(super) database: Connection,
    pub(super) file: FileId,
}

impl Site {
    /// Makes the folder, and follows its links.
    pub(super) fn prepare(options: SqliteStoreBuilder) -> Result<Self, OpenError> {
        let wrong = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Path { path, source }
        };
        let given = options.path.as_path();
        let name = given.file_name().ok_or(io::Error::from(io::ErrorKind::InvalidInput));
        let name = name.map_err(wrong(given))?;
        let folder = match given.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        make_folder(folder).map_err(wrong(folder))?;
        let path = folder.canonicalize().map_err(wrong(folder))?.join(name);
        Ok(Self { options, path, generation: AtomicU64::new(0) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The file is another one: every other connection of the store is stale.
    pub(super) fn file_was_replaced(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    fn file_id(&self) -> FileId {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            FileId(fs::metadata(&self.path).ok().map(|file| (file.dev(), file.ino())))
        }
        #[cfg(not(unix))]
        FileId(None)
    }

    /// Whether the path still leads to `file`. What is written to a file without a name is lost.
    pub(super) fn is_still(&self, file: FileId) -> bool {
        cfg!(not(unix)) || (file.0.is_some() && file == self.file_id())
    }

    /// The connection that may write; makes the file and leads its schema here if need be.
    ///
    /// Waits as long as `busy_timeout` says if another process holds the file.
    pub(super) fn writer(&self) -> Result<Writable, OpenError> {
        let deadline = Instant::now() + self.options.busy_timeout;
        loop {
            match self.try_writer() {
                Err(error) if error.is_busy() && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(2));
                }
                result => return result,
            }
        }
    }

    fn try_writer(&self) -> Result<Writable, OpenError> {
        let _alone = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_file()?;
        // Before the connection: a file that takes the name in between is then noticed.
        let file = self.file_id();
        let mut database = self.connect()?;
        let is_behind = schema::is_behind(&mut database)?;
        let mode: String =
            database.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            return Err(OpenError::NoWal);
        }
        self.choose_syncs(&database)?;
        // Ended sessions leave no contents behind in free pages, where that costs no further write.
        database.pragma_update(None, "secure_delete", "FAST")?;
        // The copier does it, so that nobody waits for it.
        database.pragma_update(None, "wal_autocheckpoint", 0)?;
        database.pragma_update(None, "journal_size_limit", 64 << 20)?;
        if is_behind {
            schema::migrate(&mut database)?;
        }
        make_durable(&database)?;
        Ok(Writable { database, file })
    }

    /// A connection that reads and never waits; the file must be there.
    pub(super) fn reader(&self) -> rusqlite::Result<Connection> {
        let database = self.connect()?;
        database.pragma_update(None, "query_only", true)?;
        Ok(database)
    }

    /// A connection that copies the log into the database; the file must be there.
    pub(super) fn copier(&self) -> rusqlite::Result<Connection> {
        let database = self.connect()?;
        self.choose_syncs(&database)?;
        Ok(database)
    }

    fn choose_syncs(&self, database: &Connection) -> rusqlite::Result<()> {
        database.pragma_update(None, "synchronous", self.options.synchronous())?;
        // On Apple's systems alone: there a plain fsync does not reach the disk.
        database.pragma_update(None, "fullfsync", true)?;
        database.pragma_update(None, "checkpoint_fullfsync", true)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        // No mutex: each connection is used by one thread at a time. No memory map either: there, an
        // input/output error ends the process instead of being answered.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let database = Connection::open_with_flags(&self.path, flags)?;
        database.busy_timeout(Duration::ZERO)?;
        database.pragma_update(None, "trusted_schema", false)?;
        Ok(database)
    }

    /// An empty file that only its owner may read; SQLite gives its mode to `-wal` and `-shm`.
    fn make_file(&self) -> Result<(), OpenError> {
        let wrong = |source| OpenError::Path { path: self.path.clone(), source };
        match fs::symlink_metadata(&self.path) {
            Ok(file) if file.is_symlink() => {
                return Err(OpenError::Symlink { path: self.path.clone() });
            }
            Ok(_) => return Ok(()),
            Err(_) => {}
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            result => result.map_err(wrong)?,
        };
        self.sync_folder().map_err(wrong)
    }

    /// The name of the file must outlive a power cut as its contents do.
    fn sync_folder(&self) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// A process that died between writing and syncing leaves a log that is read, but perhaps not on the
/// disk. What a visitor is shown must stay, so it goes into the database first.
fn make_durable(database: &Connection) -> rusqlite::Result<()> {
    database.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
