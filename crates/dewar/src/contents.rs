//! The map inside a session: what was opened, seen through what was done to it.

use std::{ops::Deref, sync::Arc};

use dewar_signing::{Dict, LazyDict, LazyValue, Value};

use crate::{
    delta::{Delta, KeyDelta, Op},
    error::ValueError,
};

/// What a session holds during one request.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    opened: Base,
    /// `clear()` or `destroy()`: what was opened no longer counts.
    cleared: bool,
    delta: Delta,
}

impl Contents {
    pub(crate) fn new(opened: LazyDict) -> Self {
        Self { opened: Base::Own(opened), ..Self::default() }
    }

    /// The value of `key`, as it lies here: nothing is read or copied to find it.
    pub(crate) fn get(&self, key: &str) -> Option<LazyValue<'_>> {
        match self.delta.get(key) {
            Some(now) => now.map(LazyValue::from),
            None => self.base().and_then(|base| base.get(key)),
        }
    }

    /// The value of `key`.
    pub(crate) fn value(&self, key: &str) -> Option<Value> {
        self.get(key).map(LazyValue::to_value)
    }

    /// Whether `key` holds what Python counts as true.
    pub(crate) fn is_truthy(&self, key: &str) -> bool {
        self.get(key).is_some_and(LazyValue::is_truthy)
    }

    /// Applies an operation and gives what the key holds now.
    pub(crate) fn apply(&mut self, key: &str, mut op: Op) -> Result<Option<Value>, ValueError> {
        let now = op.apply(key, self.value(key))?;
        self.record(key, op, now.clone());
        Ok(now)
    }

    /// Records an operation that was applied elsewhere.
    pub(crate) fn record(&mut self, key: &str, op: Op, now: Option<Value>) {
        self.delta.record(key, op, now);
    }

    pub(crate) fn clear(&mut self) {
        self.cleared = true;
        self.delta = Delta::default();
    }

    /// The keys and values as they are now, with the keys in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, LazyValue<'_>)> {
        self.iter_stamped(None)
    }

    /// The same, with `stamp` in place of whatever its key holds.
    pub(crate) fn iter_stamped<'c>(
        &'c self,
        stamp: Option<(&'c str, Option<LazyValue<'c>>)>,
    ) -> impl Iterator<Item = (&'c str, LazyValue<'c>)> {
        let over = self.delta.iter().map(|(key, now)| (key, now.map(Into::into)));
        lay_over(self.base(), stamped(over, stamp))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether anything differs from what was opened. An equal set is no change.
    pub(crate) fn changed(&self) -> bool {
        if self.cleared {
            return !self.opened.is_empty() || !self.is_empty();
        }
        self.delta.iter().any(|(key, now)| self.opened.get(key) != now.map(LazyValue::from))
    }

    /// What was opened, before any change.
    pub(crate) fn before(&self) -> &LazyDict {
        &self.opened
    }

    /// The same, for a commit that goes on while the contents stay readable.
    pub(crate) fn share(&mut self) -> Arc<LazyDict> {
        self.opened.share()
    }

    /// Takes the operations out, to be applied elsewhere; the contents stay readable.
    pub(crate) fn take_changes(&mut self) -> Vec<KeyDelta> {
        self.delta.take()
    }

    /// Forgets what was opened under `key`: somebody took it. What was meant for the key stays.
    pub(crate) fn forget(&mut self, key: &str) {
        self.opened.get_mut().remove(key);
        self.delta.rebase(key);
    }

    /// The touched keys with the names of the operations, for events.
    pub(crate) fn summary(&self) -> Vec<(String, Vec<&'static str>)> {
        self.delta.summary()
    }

    /// Everything as it is now, with the keys in order.
    pub(crate) fn to_dict(&self) -> Dict {
        self.iter().map(|(key, value)| (key.to_owned(), value.to_value())).collect()
    }

    /// The same, as it is written.
    pub(crate) fn to_lazy(&self) -> LazyDict {
        let mut dict = LazyDict::new();
        self.iter().for_each(|(key, value)| dict.insert(key, value.to_value()));
        dict
    }

    fn base(&self) -> Option<&LazyDict> {
        (!self.cleared).then_some(&*self.opened)
    }
}

/// What was opened: shared once a commit needs it, so that a request that only reads pays nothing.
#[derive(Debug)]
enum Base {
    Own(LazyDict),
    Shared(Arc<LazyDict>),
}

impl Base {
    fn share(&mut self) -> Arc<LazyDict> {
        let shared = match self {
            Self::Own(dict) => Arc::new(std::mem::take(dict)),
            Self::Shared(dict) => Arc::clone(dict),
        };
        *self = Self::Shared(Arc::clone(&shared));
        shared
    }

    fn get_mut(&mut self) -> &mut LazyDict {
        match self {
            Self::Own(dict) => dict,
            Self::Shared(dict) => Arc::make_mut(dict),
        }
    }
}

impl Default for Base {
    fn default() -> Self {
        Self::Own(LazyDict::default())
    }
}

impl Deref for Base {
    type Target = LazyDict;

    fn deref(&self) -> &LazyDict {
        match self {
            Self::Own(dict) => dict,
            Self::Shared(dict) => dict,
        }
    }
}

/// What is seen of `base` when `over` lies on it; `None` there hides a key. Keys ascend.
pub(crate) fn lay_over<'c>(
    base: Option<&'c LazyDict>,
    over: impl Iterator<Item = (&'c str, Option<LazyValue<'c>>)>,
) -> impl Iterator<Item = (&'c str, LazyValue<'c>)> {
    let (mut at, mut over) = (0, over.peekable());
    std::iter::from_fn(move || {
        loop {
            let below = base.and_then(|base| base.key(at));
            match (below, over.peek()) {
                (Some(below), Some((above, _))) if below < *above => {}
                (_, None) => {}
                (below, Some((above, _))) => {
                    at += usize::from(below == Some(*above));
                    match over.next() {
                        Some((key, Some(value))) => return Some((key, value)),
                        _ => continue,
                    }
                }
            }
            at += 1;
            return base.and_then(|base| base.nth(at - 1));
        }
    })
}

/// `over`, with the stamp in place of whatever its key holds there. Keys ascend.
pub(crate) fn stamped<'c>(
    over: impl Iterator<Item = (&'c str, Option<LazyValue<'c>>)>,
    stamp: Option<(&'c str, Option<LazyValue<'c>>)>,
) -> impl Iterator<Item = (&'c str, Option<LazyValue<'c>>)> {
    let (mut over, mut stamp) = (over.peekable(), stamp);
    std::iter::from_fn(move || {
        let Some((key, _)) = stamp else { return over.next() };
        over.next_if(|(above, _)| *above < key).or_else(|| {
            over.next_if(|(above, _)| *above == key);
            stamp.take()
        })
    })
}
