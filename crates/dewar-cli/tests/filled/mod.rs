//! A store that an application has left, to be looked at by the command.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Loaded, Moved, Owner, Record, Store, UserIndex, WriteId, Writes, Written,
    },
};

use serde_json::Value as Json;

use crate::answer::{Answer, dewar_with};

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// A file that goes with it.
pub(crate) struct Filled {
    folder: PathBuf,
    pub(crate) url: String,
    pub(crate) store: BoxStore,
    runtime: tokio::runtime::Runtime,
}

/// One session to be.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) key: StoreKey,
    pub(crate) user: Option<&'static str>,
    /// All three from now, in milliseconds.
    pub(crate) created: i64,
    pub(crate) idle: i64,
    pub(crate) absolute: i64,
    pub(crate) data: Vec<u8>,
}

/// A live session that begins with these bytes.
pub(crate) fn session(first: &[u8], user: Option<&'static str>) -> Session {
    let data = br#"{"user":"ada","visits":3}"#.to_vec();
    Session { key: key(first), user, created: -HOUR, idle: 2 * HOUR, absolute: 7 * DAY, data }
}

/// The key with these first bytes.
pub(crate) fn key(first: &[u8]) -> StoreKey {
    let mut bytes = [0x5e; 32];
    bytes[..first.len()].copy_from_slice(first);
    StoreKey::from_bytes(bytes)
}

pub(crate) fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

impl Filled {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dewar-sessions-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let url = format!("sqlite:{}?durability=normal", folder.join("app.db").display());
        Self::open(url, folder)
    }

    /// A store that is there already.
    pub(crate) fn at(url: &str) -> Self {
        Self::open(url.to_owned(), PathBuf::new())
    }

    fn open(url: String, folder: PathBuf) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = runtime.block_on(dewar_stores::url::open(&url)).unwrap();
        Self { folder, url, store, runtime }
    }

    pub(crate) fn with(sessions: &[Session]) -> Self {
        let filled = Self::new();
        sessions.iter().for_each(|session| filled.add(session));
        filled
    }

    /// The file itself, for a test that damages it.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join("app.db")
    }

    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// With what [`some`] has.
    pub(crate) fn fill(&self) {
        all().iter().for_each(|session| self.add(session));
    }

    pub(crate) fn add(&self, session: &Session) {
        let record = session.record();
        // As a session layer does before it writes.
        if let Some(owner) = &record.owner {
            let until_ms = record.absolute_deadline_ms;
            self.run(self.store.enter(owner, &session.key, now_ms(), until_ms)).unwrap();
        }
        let created = self.run(self.store.create(&session.key, &record));
        assert_eq!(created.unwrap(), Created::Done);
    }

    pub(crate) fn load(&self, key: &StoreKey) -> Loaded {
        self.run(self.store.load(key)).unwrap()
    }

    /// Rotates a session: it goes on under another key.
    pub(crate) fn rotate(&self, session: &Session, to: &StoreKey) {
        self.add(&Session { key: *to, ..session.clone() });
        let moved = Moved { to: *to, until_ms: now_ms() + 600_000 };
        let written = self.run(self.store.supersede(&session.key, WriteId::new(1), moved));
        assert_eq!(written.unwrap(), Written::Done);
    }

    /// `dewar sessions ARGS` on this store.
    pub(crate) fn sessions(&self, args: &[&str]) -> Answer {
        dewar_with(&[&["sessions"], args].concat(), &[("DEWAR_STORE", &self.url)], "")
    }
}

impl Session {
    pub(crate) fn record(&self) -> Record {
        let at = |offset: i64| now_ms().checked_add_signed(offset).unwrap();
        Record {
            owner: self.user.map(Owner::of),
            created_ms: at(self.created),
            idle_deadline_ms: at(self.idle),
            absolute_deadline_ms: at(self.absolute),
            writes: Writes::first(WriteId::new(1)),
            data: self.data.clone(),
        }
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        // The threads of the store first.
        self.store = BoxStore::new(dewar::store::MemoryStore::new());
        std::thread::sleep(Duration::from_millis(1));
        if !self.folder.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Ada has three sessions, one of them expired and one just forgettable; Bob has one; one is nobody's.
pub(crate) fn some() -> Filled {
    let filled = Filled::new();
    filled.fill();
    filled
}

/// See [`some`].
fn all() -> [Session; 6] {
    [
        session(&[0xaa, 1], Some("ada")),
        Session { created: -3 * DAY, ..session(&[0xaa, 2], Some("ada")) },
        Session { idle: -MINUTE, ..session(&[0xee, 1], Some("ada")) },
        Session { idle: -HOUR, ..session(&[0xee, 2], None) },
        session(&[0xbb, 1], Some("bob")),
        Session { idle: 30 * MINUTE, ..session(&[0xcc, 1], None) },
    ]
}

pub(crate) fn json_of(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) fn ids(lines: &str) -> Vec<String> {
    let mut ids: Vec<_> =
        lines.lines().map(|line| json_of(line)["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}
