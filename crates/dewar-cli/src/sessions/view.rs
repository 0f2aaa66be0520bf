//! What is shown of a session.

use dewar::{
    Dict, StoreKey, Value,
    store::{Loaded, Moved, Record, StoreError, StoreErrorKind},
};

use super::{reach::Reach, span};

/// The columns of [`row`].
pub(super) const HEAD: [&str; 6] =
    ["ID", "USER", "CREATED", "ENDS IF UNUSED", "ENDS AT THE LATEST", "SIZE"];

/// One line of a table.
pub(super) fn row(reach: &Reach, key: &StoreKey, record: &Record) -> Vec<String> {
    vec![
        key.to_string(),
        if record.owner.is_some() { "yes" } else { "no" }.into(),
        span::relative(record.created_ms, reach.now_ms),
        span::relative(record.idle_deadline_ms, reach.now_ms),
        span::moment(record.absolute_deadline_ms),
        span::size(record.data.len() as u64),
    ]
}

/// A record that cannot be read.
pub(super) fn broken_row(key: &StoreKey) -> Vec<String> {
    vec![key.to_string(), "unreadable".into()]
}

/// The same for scripts.
pub(super) fn dict(reach: &Reach, key: &StoreKey, record: &Record) -> Dict {
    let state = if reach.is_live(record) { "live" } else { "expired" };
    let mut dict = named(key, state);
    dict.insert("user", record.owner.is_some());
    dict.insert("created_ms", record.created_ms);
    dict.insert("idle_deadline_ms", deadline(record.idle_deadline_ms));
    dict.insert("absolute_deadline_ms", deadline(record.absolute_deadline_ms));
    dict.insert("bytes", record.data.len() as u64);
    dict
}

/// What can be said of anything that stands under a key.
pub(super) fn named(key: &StoreKey, state: &str) -> Dict {
    Dict::from([("id", Value::from(key.to_string())), ("state", state.into())])
}

/// Whether it is the mark that a migration leaves: the session goes on under the same key, in another
/// store.
pub(super) fn is_carried(key: &StoreKey, moved: &Moved) -> bool {
    moved.to == *key
}

/// The largest number means never.
pub(super) fn deadline(ms: u64) -> Value {
    if ms == u64::MAX { Value::Null } else { ms.into() }
}

/// What was found, sorted by what the caller has to do. A store that gave no answer is an error, a
/// record that cannot be read is none.
pub(super) enum Sorted {
    Live(Record),
    Expired(Record),
    Moved,
    Ended,
    Unreadable,
}

impl Sorted {
    pub(super) fn of(reach: &Reach, found: Result<Loaded, StoreError>) -> Result<Self, StoreError> {
        Ok(match found {
            Ok(Loaded::Live(record)) if reach.is_live(&record) => Self::Live(record),
            Ok(Loaded::Live(record)) => Self::Expired(record),
            Ok(Loaded::Moved(_)) => Self::Moved,
            Ok(Loaded::Ended { .. } | Loaded::Nothing) => Self::Ended,
            Err(error) if error.kind() == StoreErrorKind::Corrupt => Self::Unreadable,
            Err(error) => return Err(error),
        })
    }
}
