//! What a session remembers of its last rotation, for requests that come late.

use dewar_signing::{Dict, LazyDict, Value};

/// Under this key a record keeps what the rotating request set. It is reserved: what an application
/// sets under it is not kept.
pub(crate) const ROTATION: &str = "_rotation";

/// The last rotation of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// The keys the rotating request touched.
    pub(crate) keys: Vec<String>,
    /// `regenerate().discard_late_writes()`: nothing of a late request is kept.
    pub(crate) discard: bool,
    /// How long late requests may come, in Unix milliseconds.
    pub(crate) until_ms: u64,
}

impl Rotation {
    /// The late-write rule for one key. `assigns` tells a set, a removal or an update from an
    /// addition; `untouched` tells that the key still holds what the late request saw.
    pub(crate) fn lets_through(&self, key: &str, assigns: bool, untouched: bool) -> bool {
        let allowed =
            if assigns { untouched } else { !self.keys.iter().any(|touched| touched == key) };
        allowed && !self.discard && !key.starts_with('_')
    }

    /// Takes the rotation out of a record's contents.
    pub(crate) fn take(contents: &mut LazyDict) -> Option<Self> {
        let Value::Dict(kept) = contents.remove(ROTATION)? else { return None };
        let Some(Value::List(keys)) = kept.get("keys") else { return None };
        let keys = keys.iter().map(Value::to_python_text).collect();
        let Some(Value::Int(until_ms)) = kept.get("until") else { return None };
        let discard = kept.get("discard").is_some_and(Value::is_truthy);
        Some(Self { keys, discard, until_ms: u64::try_from(*until_ms).ok()? })
    }

    /// Its form in a record's contents.
    pub(crate) fn to_value(&self) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(|key| key.as_str().into()).collect();
        let kept = Dict::from([
            ("keys", Value::List(keys)),
            ("discard", self.discard.into()),
            ("until", self.until_ms.into()),
        ]);
        Value::Dict(kept)
    }
}
