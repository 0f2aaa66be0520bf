//! Applies what a handler meant to contents that may be newer than what it saw.

use std::borrow::Cow;

use dewar_signing::{LazyDict, LazyValue, Value};

use crate::{
    contents::{lay_over, stamped},
    delta::KeyDelta,
    error::ValueError,
    rotation::Rotation,
};

/// Contents, and what is laid over them: no value that nobody touched is read or copied.
#[derive(Debug)]
pub(crate) struct Overlay<'m> {
    base: &'m LazyDict,
    /// `None` for a key that goes; the keys ascend.
    over: Vec<(&'m str, Option<Cow<'m, Value>>)>,
}

impl<'m> Overlay<'m> {
    /// Contents as they are.
    pub(crate) fn none(base: &'m LazyDict) -> Self {
        Self { base, over: Vec::new() }
    }

    /// Whether anything is laid over this key.
    pub(crate) fn touches(&self, key: &str) -> bool {
        self.over.iter().any(|(over, _)| *over == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<LazyValue<'_>> {
        match self.over.iter().find(|(over, _)| *over == key) {
            Some((_, now)) => now.as_deref().map(LazyValue::from),
            None => self.base.get(key),
        }
    }

    /// The keys and values in ascending order of keys, with `stamp` in place of whatever its key holds.
    pub(crate) fn iter_stamped<'c>(
        &'c self,
        stamp: Option<(&'c str, Option<LazyValue<'c>>)>,
    ) -> impl Iterator<Item = (&'c str, LazyValue<'c>)> {
        let over = self.over.iter().map(|(key, now)| (*key, now.as_deref().map(Into::into)));
        lay_over(Some(self.base), stamped(over, stamp))
    }

    /// Whether what lies over the contents is what they hold.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.over.iter().all(|(key, now)| self.base.get(key) == now.as_deref().map(Into::into))
    }

    pub(crate) fn to_lazy(&self) -> LazyDict {
        let mut dict = self.base.clone();
        for (key, now) in &self.over {
            match now {
                Some(value) => dict.insert(key, value.as_ref().clone()),
                None => drop(dict.remove(key)),
            }
        }
        dict
    }
}

/// What came of a merge.
#[derive(Debug)]
pub(crate) struct Merged<'m> {
    pub(crate) contents: Overlay<'m>,
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
pub(crate) fn merge<'m>(
    changes: &'m mut [KeyDelta],
    opened: &LazyDict,
    current: &'m LazyDict,
    late: Option<&Rotation>,
) -> Result<Merged<'m>, ValueError> {
    let over = Vec::with_capacity(changes.len());
    let contents = Overlay { base: current, over };
    let mut merged = Merged { contents, overwrote: Vec::new(), dropped: Vec::new() };
    for change in changes {
        let (seen, there) = (opened.get(&change.key), current.get(&change.key));
        let untouched = seen == there;
        let assigns = change.assigns();
        let now = change.now.as_ref().map(LazyValue::from);
        if assigns && now == seen {
            continue; // an equal set is no change, and no claim on what others wrote
        }
        if late.is_some_and(|rotation| !rotation.lets_through(&change.key, assigns, untouched)) {
            merged.dropped.push(change.key.to_string());
            continue;
        }
        if change.replaces() && !untouched && now != there {
            merged.overwrote.push(change.key.to_string());
        }
        let value = if untouched {
            // What nobody touched meanwhile became what the handler saw it become.
            change.now.as_ref().map(Cow::Borrowed)
        } else {
            change.reapply(there.map(LazyValue::to_value))?.map(Cow::Owned)
        };
        merged.contents.over.push((&change.key, value));
    }
    Ok(merged)
}
