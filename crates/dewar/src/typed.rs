//! The typed face: a serde struct over the same keys.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use dewar_signing::{ConversionError, Dict, Value, from_value, to_value};
use serde::{Serialize, de::DeserializeOwned};

use crate::{error::ValueError, session::Session};

/// A session seen as a struct: each field is a key.
///
/// It reads the keys that `T` names and leaves all others alone. When it is dropped, the fields
/// that differ from what was read are written back, nested changes included. `T` should be
/// `#[serde(default)]`: a first visit has no key at all.
///
/// A field is written back as a whole: of two overlapping requests that change one field, the later
/// commit wins. What should add up belongs into an operation: `visit.session().incr("visits", 1)`.
///
/// Of a session that could not be read nobody knows what a field that was set to `None` held. So where a
/// value was borrowed mutably and then is `None` somewhere, or is as it was, that counts as a
/// [removal](Session::remove): the answer is 503.
///
/// Dropped in a panic, it writes nothing. If `T` cannot be serialized then, the commit fails with
/// [`CommitError::Typed`](crate::CommitError::Typed).
///
/// ```
/// # use dewar::Typed;
/// #[derive(Default, serde::Deserialize, serde::Serialize)]
/// #[serde(default)]
/// struct Preferences {
///     theme: String,
///     columns: Vec<String>,
/// }
///
/// async fn choose(mut wanted: Typed<Preferences>) -> String {
///     wanted.theme = "dark".into();
///     wanted.columns.push("price".into());
///     format!("{} columns", wanted.columns.len())
/// }
/// ```
pub struct Typed<T: Serialize + DeserializeOwned> {
    session: Session,
    value: T,
    /// What `T` made of the session before anybody changed it.
    before: Dict,
    /// Somebody may have changed it.
    is_touched: bool,
}

impl<T: Serialize + DeserializeOwned> Typed<T> {
    /// Reads the session as a `T`.
    ///
    /// # Errors
    /// If the session's keys do not fit `T`, or `T` is no struct or map.
    pub fn read(session: Session) -> Result<Self, ValueError> {
        let value = from_value(Value::Dict(session.to_dict())).map_err(whole)?;
        let before = fields(&value)?;
        Ok(Self { session, value, before, is_touched: false })
    }

    /// The session beneath, for the keys that `T` does not name.
    pub fn session(&self) -> &Session {
        &self.session
    }

    fn write_back(&self) -> Result<(), ValueError> {
        let now = fields(&self.value)?;
        if self.is_touched
            && (now == self.before || now.iter().any(|(_, value)| *value == Value::Null))
        {
            self.session.miss_removal();
        }
        for (key, _) in self.before.iter().filter(|(key, _)| !now.contains_key(key)) {
            self.session.remove(key);
        }
        for (key, value) in now {
            if self.before.get(&key) != Some(&value) {
                self.session.set(&key, value);
            }
        }
        Ok(())
    }
}

fn fields<T: Serialize>(value: &T) -> Result<Dict, ValueError> {
    match to_value(value).map_err(whole)? {
        Value::Dict(dict) => Ok(dict),
        other => Err(ValueError::mismatch("", "a struct or map", &other)),
    }
}

fn whole(error: ConversionError) -> ValueError {
    ValueError::conversion("", error)
}

impl<T: Serialize + DeserializeOwned> Deref for Typed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Serialize + DeserializeOwned> DerefMut for Typed<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.is_touched = true;
        &mut self.value
    }
}

impl<T: Serialize + DeserializeOwned> Drop for Typed<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if let Err(failure) = self.write_back() {
            self.session.fail(failure);
        }
    }
}

impl<T: Serialize + DeserializeOwned> fmt::Debug for Typed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").field("session", &self.session).finish_non_exhaustive()
    }
}
