//! Where the demo's sessions live.

use std::{fmt, path::PathBuf, time::Duration};

use anyhow::{anyhow, bail};
use dewar::{
    SystemClock,
    store::{BoxStore, MemoryStore, keep_swept},
};
use dewar_stores::sqlite::SqliteStore;

use super::key::state_folder;
use crate::args::{Demo, Mode, Profile};

/// How often what has expired is forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// Where sessions live.
pub(super) enum Home {
    Cookie,
    Server { store: BoxStore, sweep: Sweep, place: String },
}

/// The store once more, as one that forgets.
pub(super) enum Sweep {
    Memory(MemoryStore),
    Sqlite(SqliteStore),
}

/// Opens what the command line asks for: by default an SQLite file.
pub(super) fn open(args: &Demo) -> anyhow::Result<Home> {
    match (args.mode, args.profile, &args.store) {
        (Some(Mode::Server), Profile::Flask, _) | (None, Profile::Flask, Some(_)) => {
            bail!("the flask profile keeps sessions in the cookie: leave --mode and --store out")
        }
        (Some(Mode::Cookie), _, Some(url)) => {
            bail!(
                "a session in the cookie needs no store: leave --store {url} or --mode cookie out"
            )
        }
        (Some(Mode::Cookie), ..) | (None, Profile::Flask, None) => Ok(Home::Cookie),
        (Some(Mode::Server) | None, Profile::Default, url) => server(url.as_deref()),
    }
}

fn server(url: Option<&str>) -> anyhow::Result<Home> {
    let file = match url.map(|url| url.split_once(':').unwrap_or((url, ""))) {
        Some(("memory", "")) => {
            let store = MemoryStore::new();
            return Ok(Home::Server {
                store: BoxStore::new(store.clone()),
                sweep: Sweep::Memory(store),
                place: "the memory of this process: they end with it".into(),
            });
        }
        None => state_folder()?.join("demo.db"),
        Some(("sqlite", file)) if !file.is_empty() => PathBuf::from(file),
        Some((scheme, _)) => {
            // Not what follows: the address of a database may hold its password.
            bail!("--store \"{scheme}\" names no store: it takes sqlite:FILE or memory:")
        }
    };
    let place = file.display().to_string();
    let store = SqliteStore::open(&file).map_err(|error| {
        let error = anyhow::Error::new(error);
        anyhow!("cannot keep sessions in {place}: {error:#}: name another --store")
    })?;
    Ok(Home::Server { store: BoxStore::new(store.clone()), sweep: Sweep::Sqlite(store), place })
}

impl Home {
    /// Lets the store forget, from now on, what has expired.
    pub(super) fn keep_swept(&self) {
        match self {
            Self::Cookie => {}
            Self::Server { sweep: Sweep::Memory(store), .. } => {
                tokio::spawn(keep_swept(store.clone(), SystemClock, SWEEP));
            }
            Self::Server { sweep: Sweep::Sqlite(store), .. } => {
                tokio::spawn(keep_swept(store.clone(), SystemClock, SWEEP));
            }
        }
    }
}

/// What is promised, and what is not.
impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie => f.write_str(
                "The session is a signed cookie: nobody can change it, but whoever holds it can \
                 read it,\n   an old copy stays valid until it expires, and of two overlapping \
                 requests the last one wins",
            ),
            Self::Server { place, .. } => write!(
                f,
                "Sessions are kept in {place}\n   The cookie carries an id: no write is lost, and \
                 a logout is final",
            ),
        }
    }
}
