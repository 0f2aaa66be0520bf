//! A user's sessions: on which devices he is logged in, and how to end that.

mod notes;
mod orphan;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use dewar_signing::{Dict, FromValue, LazyDict, LazyValue};

pub(crate) use orphan::Orphan;

use crate::{
    backend::{Server, ServerOptions},
    calls::Calls,
    clock::{Clock, SystemClock, millis},
    config::Config,
    event::{EndedBy, Events},
    id::StoreKey,
    lifetime::Lifetime,
    open::{PERMANENT, decode},
    store::{BoxStore, Owner, Record, Store, StoreError, StoreErrorKind},
    user::DEVICE,
};

/// One live session of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserSession {
    /// Its key in the store: not its id, and shown by its first 8 hex digits.
    pub key: StoreKey,
    /// When the user was bound to it.
    pub created: SystemTime,
    /// When it was last known to be used, to within a quarter of its idle timeout; `None` where the
    /// idle timeout is not known: see [`UserSessions::of`].
    pub last_seen: Option<SystemTime>,
    /// When it ends if nobody uses it.
    pub expires: SystemTime,
    /// What [`Binding::device`](crate::Binding::device) said.
    pub device: Option<String>,
    /// How much the store keeps of it, in bytes.
    pub bytes: usize,
}

/// One live session of a user with everything in it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Exported {
    /// When, where, how large.
    pub session: UserSession,
    /// What it holds.
    pub contents: Dict,
}

/// The contents are the visitor's.
impl fmt::Debug for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exported").field("session", &self.session).finish_non_exhaustive()
    }
}

/// The sessions of users: lists them, ends them, exports and erases them. Clones are the same.
///
/// A session is a user's once [`Session::bind_user`](crate::Session::bind_user) says so. Each call
/// asks the store once for the list and once for each session in it.
///
/// ```
/// # async fn page(users: dewar::UserSessions) -> Result<(), dewar::store::StoreError> {
/// for session in users.list("42").await? {
///     println!("{} {}", session.key, session.device.unwrap_or_default());
/// }
/// let ended = users.revoke_all("42").await?;
/// # let _ = ended;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct UserSessions {
    store: BoxStore,
    clock: Arc<dyn Clock>,
    events: Events,
    calls: Calls,
    marker: Duration,
    /// Of a session and of a permanent one.
    lifetimes: Option<[Lifetime; 2]>,
}

impl UserSessions {
    /// The users of a store, without a layer: for tools. By the system's clock, with the default
    /// times of a layer.
    ///
    /// # Errors
    /// If the store does not know users: of the kind
    /// [`Unsupported`](StoreErrorKind::Unsupported).
    pub fn of(store: impl Store) -> Result<Self, StoreError> {
        let mut options = ServerOptions::new(store.boxed());
        let needed = options.store.answers_within().unwrap_or_default();
        options.call_timeout = options.call_timeout.max(needed);
        let users = Self {
            clock: Arc::new(SystemClock),
            events: Events::default(),
            calls: options.calls(),
            marker: options.marker,
            store: options.store,
            lifetimes: None,
        };
        if users.store.knows_users() {
            return Ok(users);
        }
        Err(StoreError::new(StoreErrorKind::Unsupported)
            .with_source("it keeps no list of a user's sessions"))
    }

    pub(crate) fn of_layer(config: &Config, server: &Server) -> Self {
        Self {
            store: server.store().clone(),
            clock: Arc::clone(&config.clock),
            events: config.events.clone(),
            calls: server.calls.clone(),
            marker: server.options.marker,
            lifetimes: Some([config.session, config.permanent]),
        }
    }

    /// The live sessions of a user, oldest first: those that [`revoke_all`](Self::revoke_all) would
    /// end. Of one whose contents cannot be read, the device and the last use are not known.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list(&self, user_id: &str) -> Result<Vec<UserSession>, StoreError> {
        let alive = self.alive(&Owner::of(user_id)).await?;
        Ok(alive.into_iter().map(|(key, record)| self.described(key, record).0).collect())
    }

    /// The live sessions of a user with all they hold, oldest first. One whose contents cannot be
    /// read is left out.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn export(&self, user_id: &str) -> Result<Vec<Exported>, StoreError> {
        let alive = self.alive(&Owner::of(user_id)).await?;
        Ok(alive.into_iter().filter_map(|(key, record)| self.exported(key, record)).collect())
    }

    /// Ends one session of a user, wherever it went meanwhile; tells whether it was alive until now.
    /// One of somebody else is left alone. A key that holds nothing is left as it is, without a tombstone:
    /// a login that is just writing its session there goes on.
    ///
    /// # Errors
    /// If the store does not answer: then it may be alive.
    pub async fn revoke(&self, user_id: &str, session: StoreKey) -> Result<bool, StoreError> {
        self.end(&Owner::of(user_id), session, EndedBy::Revoked).await
    }

    /// Ends all sessions of a user; gives how many were alive until now.
    ///
    /// A login that has not written its session yet when this looks is a later one, and lives.
    ///
    /// # Errors
    /// If the store does not answer: then some may be alive.
    pub async fn revoke_all(&self, user_id: &str) -> Result<usize, StoreError> {
        self.revoke_but(&Owner::of(user_id), None).await
    }

    /// Ends all sessions of a user but this one: see [`Session::key`](crate::Session::key).
    ///
    /// # Errors
    /// If the store does not answer: then some may be alive.
    pub async fn revoke_others(&self, user_id: &str, keep: StoreKey) -> Result<usize, StoreError> {
        self.revoke_but(&Owner::of(user_id), Some(keep)).await
    }

    /// Ends all sessions of a user and forgets whose they were, those too that cannot be read;
    /// gives how many were alive until now. What is left are tombstones, which name nobody.
    ///
    /// # Errors
    /// If the store does not answer: then call it again.
    pub async fn erase(&self, user_id: &str) -> Result<usize, StoreError> {
        self.erase_all(&Owner::of(user_id)).await
    }

    fn exported(&self, key: StoreKey, record: Record) -> Option<Exported> {
        let (session, contents) = self.described(key, record);
        Some(Exported { session, contents: contents?.to_dict() })
    }

    /// A session, and its contents if they can be read.
    fn described(&self, key: StoreKey, mut record: Record) -> (UserSession, Option<LazyDict>) {
        let bytes = record.data.len();
        let contents = decode(std::mem::take(&mut record.data)).ok().map(|(contents, _)| contents);
        let get = |name| contents.as_ref().and_then(|contents| contents.get(name));
        let last_seen =
            self.lifetimes.filter(|_| contents.is_some()).map(|[session, permanent]| {
                let is_permanent = get(PERMANENT).is_some_and(LazyValue::is_truthy);
                let idle = if is_permanent { permanent.idle } else { session.idle };
                moment(record.idle_deadline_ms.saturating_sub(millis(idle)).max(record.created_ms))
            });
        let device = get(DEVICE).and_then(|value| String::from_value(value.to_value()).ok());
        let session = UserSession {
            key,
            created: moment(record.created_ms),
            last_seen,
            expires: moment(record.deadline_ms()),
            device,
            bytes,
        };
        (session, contents)
    }
}

fn moment(ms: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(UNIX_EPOCH)
}

/// Neither the store nor whoever listens has anything to show.
impl fmt::Debug for UserSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSessions").field("marker", &self.marker).finish_non_exhaustive()
    }
}
