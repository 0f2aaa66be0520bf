//! The handle: what a handler sees of its visitor's session.

mod bind;
mod edit;

use std::panic::Location;

use dewar_signing::{Dict, FromValue, Value, from_value};
use http::Extensions;
use serde::de::DeserializeOwned;

pub use bind::Binding;
pub use edit::Regeneration;

use crate::{
    config::Profile,
    delta::Op,
    error::{CommitError, ValueError},
    event::Event,
    open::{Open, PERMANENT},
    outage::OnOutage,
    slot::{OpenSlot, Slot},
    store::StoreError,
    verdict::Verdict,
};

/// One visitor's data across requests.
///
/// A handler takes it as an argument; it is always there, perhaps empty. Clones are the same
/// session. No method waits for anything: what there is was opened before the handler ran, and
/// what changes is kept when the response leaves.
///
/// A change after that (in a stream's body, in a task that outlives the handler) is lost and
/// raises [`Event::LateWrite`].
///
/// ```
/// # use dewar::{Session, ValueError};
/// async fn index(session: Session) -> Result<String, ValueError> {
///     let visits = session.incr("visits", 1)?;
///     Ok(format!("Visit count: {visits}"))
/// }
/// ```
///
/// # Flask
/// `flask.session`. Accessors give owned values, so there is no `session["key"]`.
#[derive(Clone)]
pub struct Session(OpenSlot);

impl Session {
    /// The session of a request, opened: for services of tower that are no handlers of axum.
    /// `None` if the request did not come through a session layer.
    ///
    /// # Errors
    /// If the store gave no answer: answer "503 Service Unavailable".
    ///
    /// ```
    /// # use dewar::{Session, store::StoreError};
    /// # async fn visits(request: &http::Request<()>) -> Result<Option<i64>, StoreError> {
    /// let session = Session::from_extensions(request.extensions()).await?;
    /// Ok(session.and_then(|session| session.get("visits")))
    /// # }
    /// ```
    pub async fn from_extensions(extensions: &Extensions) -> Result<Option<Self>, StoreError> {
        let Some(slot) = extensions.get::<Slot>().cloned() else { return Ok(None) };
        let on_outage = extensions.get::<OnOutage>().copied();
        Ok(Some(Self(slot.ask(on_outage).await?)))
    }

    /// The value of `key`; `None` if it is missing or of another type, which raises
    /// [`Event::Misread`]. For other types than those of [`FromValue`] see
    /// [`get_as`](Self::get_as).
    ///
    /// ```
    /// # fn count(session: &dewar::Session) {
    /// let visits = session.get("visits").unwrap_or(0) + 1; // an i64
    /// let name: Option<String> = session.get("username");
    /// # let _: (i64, Option<String>) = (visits, name);
    /// # }
    /// ```
    ///
    /// # Flask
    /// `session.get("visits", 0)`
    pub fn get<T: FromValue>(&self, key: &str) -> Option<T> {
        let value = self.value(key)?;
        T::from_value(value).map_err(|found| self.misread::<T>(key, &found)).ok()
    }

    /// The value of `key` as any deserializable type.
    ///
    /// # Errors
    /// If the value does not have that shape: nothing is taken for missing that is there.
    pub fn get_as<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ValueError> {
        let converted = self.value(key).map(from_value).transpose();
        converted.map_err(|error| ValueError::conversion(key, error))
    }

    /// Whether `key` is there, whatever it holds.
    ///
    /// # Flask
    /// `"key" in session`
    pub fn contains(&self, key: &str) -> bool {
        self.read(|open| open.contents.get(key).is_some())
    }

    /// The keys, in ascending order.
    pub fn keys(&self) -> Vec<String> {
        self.read(|open| open.contents.iter().map(|(key, _)| key.to_owned()).collect())
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.read(|open| open.contents.iter().count())
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.read(|open| open.contents.is_empty())
    }

    /// Everything the session holds now, as a copy.
    ///
    /// # Flask
    /// `dict(session)`
    pub fn to_dict(&self) -> Dict {
        self.read(|open| open.contents.to_dict())
    }

    /// Whether the cookie outlives the browser. Default: false.
    ///
    /// # Flask
    /// `session.permanent`
    pub fn permanent(&self) -> bool {
        self.read(|open| open.contents.is_truthy(PERMANENT))
    }

    /// Lets the cookie outlive the browser, or not.
    ///
    /// # Flask
    /// `session.permanent = True`; kept as a key `_permanent`, which counts as contents.
    #[track_caller]
    pub fn set_permanent(&self, permanent: bool) {
        self.set(PERMANENT, permanent);
    }

    /// Whether anything was changed in this request.
    ///
    /// # Flask
    /// `session.modified`: in the `flask` profile the bit that every mutator sets; in the default
    /// profile whether the contents differ from what was opened, and false after the commit.
    pub fn modified(&self) -> bool {
        self.0.with(|open, live| match self.0.config().profile {
            Profile::Flask => open.modified,
            Profile::Default => live && open.contents.changed(),
        })
    }

    /// Sets Flask's bit. The default profile does not look at it: it saves what differs, and
    /// nothing can be forgotten.
    ///
    /// # Flask
    /// `session.modified = True`
    #[track_caller]
    pub fn set_modified(&self, modified: bool) {
        self.change("", |open| open.modified = modified);
    }

    /// What became of the session cookie: why the session is empty, or is not.
    pub fn verdict(&self) -> Verdict {
        self.read(|open| open.verdict.clone())
    }

    /// Commits now instead of at the end of the handler, and gives the contents as they were kept.
    ///
    /// For handlers that answer with a stream and want to know beforehand that the session is
    /// kept. Later changes are lost and raise [`Event::LateWrite`].
    ///
    /// # Errors
    /// If the contents cannot be kept. The browser then keeps the cookie it has.
    pub async fn commit(&self) -> Result<Dict, CommitError> {
        self.0.close().await?;
        Ok(self.to_dict())
    }

    /// Takes the value of `key` out of the session at once, for one request alone: of several that
    /// ask at the same time, one gets it. For tokens that may be used once.
    ///
    /// It sees what the store holds now, and nothing that this request has not committed. Once another
    /// request has rotated the session it gives `None` and the value stays for the next request: a
    /// value may be kept too long, but is never given twice. One load and one write.
    ///
    /// # Errors
    /// If the store gives no answer: then nobody can tell whether it was taken.
    ///
    /// # Security
    /// In cookie mode nothing can be taken once: an old copy of the cookie still holds it. It gives
    /// `None` there.
    pub async fn take_once<T: FromValue>(&self, key: &str) -> Result<Option<T>, CommitError> {
        let Some(value) = self.0.take_once(key).await? else { return Ok(None) };
        Ok(T::from_value(value).map_err(|found| self.misread::<T>(key, &found)).ok())
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&mut Open) -> R) -> R {
        self.0.with(|open, _| read(open))
    }

    /// Applies an operation unless the slot is closed, and gives what the key holds then.
    #[track_caller]
    pub(crate) fn apply(&self, key: &str, mut op: Op) -> Result<Option<Value>, ValueError> {
        let caller = Location::caller();
        let (now, live) = self.0.with(|open, live| {
            if !live {
                return (op.apply(key, open.contents.value(key)), live);
            }
            let was_there = open.contents.get(key).is_some();
            let sets_bit = match op {
                // What Flask's dict does not count as a change.
                Op::SetDefault(_) => !was_there,
                Op::Remove | Op::Drain(_) => was_there,
                _ => true,
            };
            let now = open.contents.apply(key, op);
            if now.is_ok() {
                open.modified |= sets_bit;
                open.edits += 1;
            }
            (now, live)
        });
        if !live {
            self.late(key, caller);
        }
        now
    }

    /// Changes an open session. A change that comes too late is told, once the lock is free: a
    /// listener may look at the session.
    #[track_caller]
    fn change(&self, key: &str, change: impl FnOnce(&mut Open)) {
        let caller = Location::caller();
        if self.0.with(|open, live| live.then(|| change(open))).is_none() {
            self.late(key, caller);
        }
    }

    /// Makes the commit fail: a typed session cannot be written back.
    pub(crate) fn fail(&self, failure: ValueError) {
        self.read(|open| open.failure = Some(failure));
    }

    fn value(&self, key: &str) -> Option<Value> {
        self.read(|open| open.contents.value(key))
    }

    fn misread<T: FromValue>(&self, key: &str, found: &Value) {
        let (expected, found) = (T::EXPECTED, found.type_name());
        self.0.config().emit(|| Event::Misread { key, expected, found });
    }

    fn late(&self, key: &str, caller: &'static Location<'static>) {
        self.0.config().emit(|| Event::LateWrite { key, caller });
    }
}

/// Shows the verdict, never the contents.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("verdict", &self.verdict()).finish_non_exhaustive()
    }
}
