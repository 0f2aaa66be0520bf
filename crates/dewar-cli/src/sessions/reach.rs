//! The store, and how it is asked.

use std::{
    env,
    future::Future,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{bail, ensure};
use dewar::{
    StoreKey,
    store::{
        BoxStore, Chain, Cursor, Loaded, Owner, Reached, Record, Scan, Store, StoreError,
        StoreErrorKind, UserIndex,
    },
};
use dewar_stores::url::StoreUrl;
use tokio::time::timeout;

use super::{args::Asked, view::is_carried};
use crate::store;

/// The variable that names the store if no option does.
const VARIABLE: &str = "DEWAR_STORE";

/// How long one answer may take: nobody waits here but the one who asked.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many keys are asked for at once.
const PAGE: usize = 256;

/// How long a tombstone stays: longer than any request, as a session layer's default is.
const TOMBSTONE_MS: u64 = 10 * 60 * 1000;

/// A store that is there, at one moment.
pub(super) struct Reach {
    pub(super) store: BoxStore,
    pub(super) url: StoreUrl,
    /// When the command began, in Unix milliseconds.
    pub(super) now_ms: u64,
}

/// What became of a session that was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Ended,
    /// It was over already.
    Gone,
    /// It goes on in another store.
    Elsewhere,
}

/// What stands under a key.
pub(super) type Found = (StoreKey, Result<Loaded, StoreError>);

impl Reach {
    /// Opens the store that is asked for. None is made: it has to be there.
    pub(super) async fn open(asked: &Asked) -> anyhow::Result<Self> {
        let given = asked.store.as_deref();
        let (from, url) = url("--store", VARIABLE, given)?;
        store::ensure_ours(from, &url)?;
        Self::named("--store", VARIABLE, given).await
    }

    /// The same for another option, or for the variable beside it.
    pub(super) async fn named(
        option: &'static str,
        variable: &'static str,
        given: Option<&str>,
    ) -> anyhow::Result<Self> {
        let (from, url) = url(option, variable, given)?;
        if let Some(file) = url.file() {
            ensure_file(from, file)?;
        }
        let store = store::open_existing(from, &url).await?;
        Ok(Self { store, url, now_ms: clock_ms() })
    }

    /// All sessions and what is left of ended ones, page by page.
    pub(super) fn pages(&self) -> Pages<'_> {
        Pages { reach: self, from: None, over: false, sessions_alone: true }
    }

    /// Everything, page by page: also what is kept beside the sessions.
    pub(super) fn entries(&self) -> Pages<'_> {
        Pages { sessions_alone: false, ..self.pages() }
    }

    pub(super) async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        ensure_here(key, within(self.store.load(key)).await?)
    }

    /// The keys that may be this user's, if the store knows users.
    pub(super) async fn keys_of(&self, owner: &Owner) -> Result<Vec<StoreKey>, StoreError> {
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let page = within(self.store.sessions_of(owner, after, PAGE)).await?;
            keys.extend(page.iter().map(|entry| entry.key));
            after = page.last().copied();
            if page.len() < PAGE {
                return Ok(keys);
            }
        }
    }

    /// Forgets that this session may be the user's.
    pub(super) async fn leave(&self, owner: &Owner, key: &StoreKey) -> Result<(), StoreError> {
        if self.store.knows_users() {
            within(self.store.leave(owner, key)).await?;
        }
        Ok(())
    }

    /// Ends a session, wherever it goes meanwhile in this store and whosever it becomes. `owner` is
    /// whose it was seen to be.
    pub(super) async fn end(
        &self,
        key: &StoreKey,
        owner: Option<&Owner>,
    ) -> Result<End, StoreError> {
        let mut chain = Chain::from(*key);
        loop {
            match self.delete(chain.key(), owner).await? {
                Reached::Done => return Ok(End::Ended),
                Reached::Gone => return Ok(End::Gone),
                Reached::Moved(moved) if is_carried(chain.key(), &moved) => {
                    return Ok(End::Elsewhere);
                }
                Reached::Moved(moved) => chain.follow(moved)?,
            }
        }
    }

    /// Ends a session of this user, wherever it goes meanwhile; once somebody else has logged in to it,
    /// it is his and goes on.
    pub(super) async fn end_of(&self, owner: &Owner, key: &StoreKey) -> Result<bool, StoreError> {
        let mut chain = Chain::from(*key);
        loop {
            match self.load(chain.key()).await? {
                Loaded::Live(record) if record.owner.as_ref() != Some(owner) => return Ok(false),
                Loaded::Moved(moved) => {
                    self.leave(owner, chain.key()).await?;
                    chain.follow(moved)?;
                    continue;
                }
                Loaded::Live(_) | Loaded::Ended { .. } | Loaded::Nothing => {}
            }
            match self.delete(chain.key(), Some(owner)).await? {
                Reached::Done => return Ok(true),
                Reached::Gone => return Ok(false),
                Reached::Moved(moved) => chain.follow(moved)?,
            }
        }
    }

    /// Ends what stands there. The tombstone lasts from now on, however long the command has run.
    async fn delete(&self, key: &StoreKey, owner: Option<&Owner>) -> Result<Reached, StoreError> {
        let until_ms = clock_ms().saturating_add(TOMBSTONE_MS);
        let reached = within(self.store.delete(key, until_ms)).await?;
        if let Some(owner) = owner {
            self.leave(owner, key).await?;
        }
        Ok(reached)
    }

    /// Where a session is now: itself, or the end of its chain.
    pub(super) async fn follow(&self, key: &StoreKey) -> Result<(StoreKey, Loaded), StoreError> {
        Chain::from(*key).end(|key| async move { self.load(&key).await }).await
    }

    pub(super) fn is_live(&self, record: &Record) -> bool {
        self.now_ms < record.deadline_ms()
    }
}

fn clock_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Which store is named, and by what.
pub(super) fn url(
    option: &'static str,
    variable: &'static str,
    given: Option<&str>,
) -> anyhow::Result<(&'static str, StoreUrl)> {
    let (from, text) = match (given, env::var(variable)) {
        (Some(url), _) => (option, url.to_owned()),
        (None, Ok(url)) => (variable, url),
        (None, Err(_)) => bail!("no store is named: give {option} URL, or set {variable}"),
    };
    let url = store::read(from, &text)?;
    ensure!(
        url.is_shared(),
        "{from}: a store in memory is seen by its own process alone: name the store of an \
         application, such as sqlite:app.db"
    );
    Ok((from, url))
}

/// What was carried over to another store has no answer in this one.
fn ensure_here(key: &StoreKey, loaded: Loaded) -> Result<Loaded, StoreError> {
    if let Loaded::Moved(moved) = &loaded {
        Chain::from(*key).follow(*moved)?;
    }
    Ok(loaded)
}

/// One answer, or none in time.
pub(super) async fn within<T>(
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let answer = timeout(PATIENCE, call).await;
    answer.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::TimedOut)))
}

/// A slip in the name must not make a new, empty store.
fn ensure_file(from: &str, file: &Path) -> anyhow::Result<()> {
    ensure!(
        file.exists(),
        "{from}: there is no file {}: name the one that the application uses",
        file.display()
    );
    Ok(())
}

/// The pages of a scan; one is in memory at a time.
pub(super) struct Pages<'r> {
    reach: &'r Reach,
    from: Option<Cursor>,
    over: bool,
    sessions_alone: bool,
}

impl Pages<'_> {
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Vec<Found>>> {
        if self.over {
            return Ok(None);
        }
        ensure!(
            self.reach.store.scans(),
            "the store {} cannot show what it holds: name one that can",
            self.reach.url
        );
        let mut page = within(self.reach.store.scan(self.from.as_ref(), PAGE)).await?;
        page.found.retain(|(key, _)| !self.sessions_alone || key.is_session());
        self.over = page.next.is_none();
        self.from = page.next;
        Ok(Some(page.found))
    }
}
