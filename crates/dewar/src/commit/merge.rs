//! Applies what a handler meant to contents that may be newer than what it saw.

use dewar_signing::{Dict, Value};

use crate::{delta::KeyDelta, error::ValueError, rotation::Rotation};

/// What came of a merge.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    pub(crate) contents: Dict,
    /// Keys that somebody else had set meanwhile, and that were set over.
    pub(crate) overwrote: Vec<String>,
    /// Keys whose change was dropped by the late-write rule.
    pub(crate) dropped: Vec<String>,
}

/// Applies `changes` to `current`.
///
/// `opened` is what the handler saw. `late` is given when the session was rotated meanwhile and
/// `current` is the successor's: then the *late-write rule* holds, so that whoever planted an id
/// before a login cannot write into the session after it. A key is assigned only if nobody touched
/// it since; additions are kept only for keys that the rotating request did not set; keys of the
/// system (they begin with `_`) are never changed.
///
/// # Errors
/// If an operation does not fit the newer value; nothing is to be stored then.
pub(crate) fn merge(
    changes: &mut [KeyDelta],
    opened: &Dict,
    current: &Dict,
    late: Option<&Rotation>,
) -> Result<Merged, ValueError> {
    let mut merged = Merged { contents: current.clone(), ..Merged::default() };
    for change in changes {
        let (seen, there) = (opened.get(&change.key), current.get(&change.key));
        let assigns = change.assigns();
        if assigns && change.now.as_ref() == seen {
            continue; // an equal set is no change, and no claim on what others wrote
        }
        if late.is_some_and(|rotation| !rotation.lets_through(&change.key, assigns, seen == there))
        {
            merged.dropped.push(change.key.clone());
            continue;
        }
        if assigns && seen != there && change.now.as_ref() != there {
            merged.overwrote.push(change.key.clone());
        }
        // What nobody touched meanwhile became what the handler saw it become.
        let value =
            if seen == there { change.now.clone() } else { change.reapply(there.cloned())? };
        match value {
            Some(value) => drop(merged.contents.insert(change.key.as_str(), value)),
            None => drop::<Option<Value>>(merged.contents.remove(&change.key)),
        }
    }
    Ok(merged)
}
