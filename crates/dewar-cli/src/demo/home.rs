//! Where the demo's sessions live.

use std::{fmt, time::Duration};

use anyhow::bail;
use dewar::{
    SystemClock,
    store::{BoxStore, keep_swept},
};
use dewar_stores::url::{SqliteUrl, StoreUrl};

use super::key::state_folder;
use crate::{
    args::{Demo, Mode, Profile},
    store,
};

/// How often what has expired is forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// What names the store.
const OPTION: &str = "--store";

/// Where sessions live.
pub(super) enum Home {
    Cookie,
    Server { store: BoxStore, place: String },
}

/// Opens what the command line asks for: by default an SQLite file.
pub(super) async fn open(args: &Demo) -> anyhow::Result<Home> {
    match (args.mode, args.profile, &args.store) {
        (Some(Mode::Server), Profile::Flask, _) | (None, Profile::Flask, Some(_)) => {
            bail!("the flask profile keeps sessions in the cookie: leave --mode and --store out")
        }
        // Not the URL itself: it may hold a password.
        (Some(Mode::Cookie), _, Some(_)) => {
            bail!("a session in the cookie needs no store: leave --store or --mode cookie out")
        }
        (Some(Mode::Cookie), ..) | (None, Profile::Flask, None) => Ok(Home::Cookie),
        (Some(Mode::Server) | None, Profile::Default, url) => server(url.as_deref()).await,
    }
}

async fn server(url: Option<&str>) -> anyhow::Result<Home> {
    let url = match url {
        Some(url) => store::read(OPTION, url)?,
        None => StoreUrl::Sqlite(SqliteUrl::new(state_folder()?.join("demo.db"))),
    };
    store::ensure_ours(OPTION, &url)?;
    let place = match &url {
        StoreUrl::Memory => "the memory of this process: they end with it".into(),
        StoreUrl::Sqlite(sqlite) => sqlite.file.display().to_string(),
        url => url.to_string(),
    };
    let made = store::missing_folder(&url);
    let store = store::open(OPTION, &url).await?;
    store::tell_made(made.as_deref());
    Ok(Home::Server { store, place })
}

impl Home {
    /// Lets the store forget, from now on, what has expired.
    pub(super) fn keep_swept(&self) {
        if let Self::Server { store, .. } = self {
            if store.sweeps() {
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
