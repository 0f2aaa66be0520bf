//! One Redis and one Postgres to throw away, for everybody.

use std::{fs, io, path::Path};

use dewar_testdata::{postgres::Postgres, redis::Node};

use crate::{
    process,
    targets::{Store, Target},
};

/// The servers; they end with this value, and whenever this process does.
pub(crate) struct Databases {
    redis: Node,
    postgres: Postgres,
}

impl Databases {
    /// # Errors
    /// If one of the two is not installed.
    pub(crate) fn start() -> io::Result<Self> {
        let missing = |name| io::Error::other(format!("{name} is not installed"));
        Ok(Self {
            redis: Node::start(&[]).ok_or_else(|| missing("redis-server"))?,
            // It waits for the disk, as one that keeps anybody's sessions does.
            postgres: Postgres::start_durable().ok_or_else(|| missing("postgres"))?,
        })
    }

    /// The address of a target's store. A file of SQLite lies in `folder`.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub(crate) fn store(&self, target: Target, folder: &Path) -> io::Result<String> {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        Ok(match target.store {
            Store::None => "none:".to_owned(),
            Store::Redis => format!("redis://127.0.0.1:{}", self.redis.port()),
            Store::Postgres => self.postgres.url(),
            Store::Sqlite => format!("sqlite:{}", folder.join("sessions.db").display()),
        })
    }

    /// The processes of a store's server, as they are now; none where there is no server.
    pub(crate) fn processes(&self, store: Store) -> Vec<u32> {
        let root = match store {
            Store::Redis => self.redis.process(),
            Store::Postgres => self.postgres.process(),
            Store::None | Store::Sqlite => None,
        };
        root.map(process::tree).unwrap_or_default()
    }
}
