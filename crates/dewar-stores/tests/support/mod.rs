//! Folders, records and child processes of the tests.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

pub mod chance;
pub mod child;
pub mod failover;
pub mod redis;
pub mod shim;
pub mod visitors;

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use dewar::{
    StoreKey,
    store::{Record, WriteId, Writes},
};

/// A folder that goes with its value.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let parent = std::env::temp_dir().canonicalize().unwrap();
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("dewar-stores-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Left by a process that was killed and had the same number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{path:?}: {error}"),
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where the tests keep their database.
    pub fn db(&self) -> PathBuf {
        self.join("sessions.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn key(byte: u8) -> StoreKey {
    StoreKey::from_bytes([byte; 32])
}

/// A record of this write, alive from 1,000 until 2,000, at most 9,000.
pub fn record(write: u64, data: impl Into<Vec<u8>>) -> Record {
    Record {
        owner: None,
        created_ms: 1000,
        idle_deadline_ms: 2000,
        absolute_deadline_ms: 9000,
        writes: Writes::first(WriteId::new(write)),
        data: data.into(),
    }
}
