//! Changing a session: every mutator is an operation per key.

use std::panic::Location;

use dewar_signing::{FromValue, Value, to_value};
use serde::Serialize;

use super::Session;
use crate::{delta::Op, error::ValueError, open::Open, plan::Intent};

impl Session {
    /// Sets `key`. Setting the value it has is no change. For a list or a struct see
    /// [`set_as`](Self::set_as).
    ///
    /// `_created` and `_rotation` are dewar's own: what is set under them is not kept.
    ///
    /// # Flask
    /// `session["key"] = value`
    #[track_caller]
    pub fn set(&self, key: &str, value: impl Into<Value>) {
        // A set never fails: it does not look at the old value.
        let _ = self.apply(key, Op::Set(value.into()));
    }

    /// Sets `key` to any serializable value.
    ///
    /// # Errors
    /// If the value has no form a session can hold; nothing is changed.
    #[track_caller]
    pub fn set_as<T: Serialize>(&self, key: &str, value: &T) -> Result<(), ValueError> {
        let value = to_value(value).map_err(|error| ValueError::conversion(key, error))?;
        self.apply(key, Op::Set(value)).map(|_| ())
    }

    /// Removes `key`; tells whether it was there.
    ///
    /// Of a session that could not be read nobody knows whether it was there, nor whether it was the last
    /// one: then the answer is 503, whatever [the route does](crate::OnOutage). Where two cookies are live
    /// and neither is believed, it ends both sessions, as [`destroy`](Self::destroy) does.
    ///
    /// # Flask
    /// `session.pop("key", None)`
    #[track_caller]
    pub fn remove(&self, key: &str) -> bool {
        self.pop::<Value>(key).is_some()
    }

    /// Removes `key` and gives its value; `None` if it was missing, or if it is of another type:
    /// then it stays, and [`Event::Misread`](crate::Event::Misread) is raised.
    ///
    /// Of a session that could not be read, or not be believed: as [`remove`](Self::remove).
    ///
    /// # Flask
    /// `session.pop("key", None)`
    #[track_caller]
    pub fn pop<T: FromValue>(&self, key: &str) -> Option<T> {
        let Some(value) = self.value(key) else {
            self.miss_removal();
            return None;
        };
        match T::from_value(value) {
            Ok(value) => {
                // A removal never fails.
                let _ = self.apply(key, Op::Remove);
                Some(value)
            }
            Err(found) => {
                self.misread::<T>(key, &found);
                None
            }
        }
    }

    /// Adds `n` to a whole number, a missing one counting as 0, and gives the sum as this request
    /// sees it.
    ///
    /// # Errors
    /// If `key` holds anything else, or the sum does not fit 64 bits; nothing is changed.
    ///
    /// # Flask
    /// `session["visits"] = session.get("visits", 0) + 1`
    #[track_caller]
    pub fn incr(&self, key: &str, n: i64) -> Result<i64, ValueError> {
        let sum = self.apply(key, Op::Incr(n))?;
        let sum = sum.unwrap_or_default();
        i64::from_value(sum).map_err(|found| ValueError::mismatch(key, i64::EXPECTED, &found))
    }

    /// Appends to a list, a missing one counting as empty.
    ///
    /// # Errors
    /// If `key` holds anything else; nothing is changed.
    ///
    /// # Flask
    /// `session.setdefault("log", []).append(x); session.modified = True`
    #[track_caller]
    pub fn push(&self, key: &str, value: impl Into<Value>) -> Result<(), ValueError> {
        self.apply(key, Op::Push(value.into())).map(|_| ())
    }

    /// Sets `key` unless it is there, and gives what it holds now.
    ///
    /// # Flask
    /// `session.setdefault("key", value)`
    #[track_caller]
    pub fn set_default(&self, key: &str, value: impl Into<Value>) -> Value {
        self.apply(key, Op::SetDefault(value.into())).ok().flatten().unwrap_or_default()
    }

    /// Replaces the value of `key` by what `f` makes of it; `None` stands for "not there", before
    /// and after. Gives what the key holds now.
    ///
    /// Nothing made of nothing is a removal: see [`remove`](Self::remove) for a session that could not be
    /// read.
    ///
    /// `f` may run several times, and outside every lock: it should do nothing but compute.
    #[track_caller]
    pub fn update<F>(&self, key: &str, mut f: F) -> Option<Value>
    where
        F: FnMut(Option<Value>) -> Option<Value> + Send + 'static,
    {
        loop {
            let (edits, old) = self.read(|open| (open.edits, open.contents.value(key)));
            let was_there = old.is_some();
            let now = f(old);
            let caller = Location::caller();
            let record = |open: &mut Open, live: bool| {
                if live && open.edits != edits {
                    return Err(f);
                }
                if live {
                    open.edits += 1;
                    open.modified = true;
                    open.contents.record(key, Op::Update(Box::new(f)), now.clone());
                    if !was_there && now.is_none() {
                        open.miss_removal();
                    }
                }
                Ok(live)
            };
            match self.0.with(record) {
                Ok(live) => {
                    if !live {
                        self.late(key, caller);
                    }
                    return now;
                }
                // Somebody changed the session meanwhile: once more, on what there is now.
                Err(updater) => f = updater,
            }
        }
    }

    /// A key was to go that is not there.
    pub(crate) fn miss_removal(&self) {
        self.0.with(|open, live| live.then(|| open.miss_removal()));
    }

    /// Ends the session. What is set afterwards begins a new one.
    ///
    /// # Security
    /// In cookie mode nothing but the browser's own copy ends: whoever kept an old cookie can
    /// present it until it expires.
    #[doc(alias = "flush")]
    #[doc(alias = "invalidate")]
    #[track_caller]
    pub fn destroy(&self) {
        self.change("", |open| {
            open.contents.clear();
            open.intent = Intent::Destroy;
            open.modified = true;
            open.edits += 1;
        });
    }

    /// Removes everything: the same as [`destroy`](Self::destroy), by Flask's name.
    ///
    /// # Flask
    /// `session.clear()`
    #[track_caller]
    pub fn clear(&self) {
        self.destroy();
    }

    /// Gives the session a new identity and keeps its contents. Call it whenever a visitor gains
    /// rights: after a login above all.
    ///
    /// A request that had opened the old identity lands its changes in the new one, as far as they
    /// touch nothing that was changed since; one that arrives with it later finds no session. In
    /// cookie mode there is no identity to change: the cookie is signed anew.
    #[doc(alias = "cycle_id")]
    #[doc(alias = "renew")]
    #[doc(alias = "rotate")]
    #[track_caller]
    pub fn regenerate(&self) -> Regeneration<'_> {
        self.change("", |open| {
            if open.intent == Intent::Keep {
                open.intent = Intent::Regenerate;
            }
            // As Flask-Session: what is empty has no identity, and a bit alone would remove it.
            open.modified |= !open.contents.is_empty();
        });
        Regeneration(self)
    }
}

/// What more there is to say about a new identity: see [`Session::regenerate`].
#[derive(Debug)]
pub struct Regeneration<'s>(&'s Session);

impl Regeneration<'_> {
    /// Drops whatever requests under the old identity still want to write.
    pub fn discard_late_writes(self) {
        self.0.read(|open| open.discard_late_writes = true);
    }
}
