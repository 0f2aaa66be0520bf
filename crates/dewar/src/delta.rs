//! The change is the storage: what a handler did, as operations per key.
//!
//! An operation says what is *meant* ("one more", "append this"), not what came out, so that it
//! can be applied again to newer contents. A set or a removal cancels what was meant before it;
//! whatever follows a set folds into it.

use std::{fmt, sync::Arc};

use dewar_signing::{FromValue, Value};

use crate::error::ValueError;

/// A function from the old value of a key to its new one; `None` stands for "not there".
pub(crate) type Updater = Box<dyn FnMut(Option<Value>) -> Option<Value> + Send>;

/// One thing meant for one key.
pub(crate) enum Op {
    Set(Value),
    Remove,
    Incr(i64),
    Push(Value),
    SetDefault(Value),
    Update(Updater),
    /// Takes out exactly these elements of a list, which somebody has seen.
    Drain(Vec<Value>),
}

impl Op {
    /// What the key holds after this operation.
    pub(crate) fn apply(
        &mut self,
        key: &str,
        old: Option<Value>,
    ) -> Result<Option<Value>, ValueError> {
        match self {
            Self::Set(value) => Ok(Some(value.clone())),
            Self::Remove => Ok(None),
            Self::Incr(by) => {
                let old = read::<i64>(key, old)?.unwrap_or(0);
                let sum = old.checked_add(*by);
                sum.map(|sum| Some(Value::Int(sum))).ok_or_else(|| ValueError::overflow(key))
            }
            Self::Push(item) => match old {
                None => Ok(Some(Value::List(vec![item.clone()]))),
                Some(Value::List(mut items)) => {
                    items.push(item.clone());
                    Ok(Some(Value::List(items)))
                }
                Some(other) => Err(ValueError::mismatch(key, "list", &other)),
            },
            Self::SetDefault(value) => Ok(old.or_else(|| Some(value.clone()))),
            Self::Update(update) => Ok(update(old)),
            Self::Drain(seen) => Ok(old.and_then(|old| without(old, seen))),
        }
    }

    fn cancels_earlier(&self) -> bool {
        matches!(self, Self::Set(_) | Self::Remove)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Set(_) => "set",
            Self::Remove => "remove",
            Self::Incr(_) => "incr",
            Self::Push(_) => "push",
            Self::SetDefault(_) => "set_default",
            Self::Update(_) => "update",
            Self::Drain(_) => "drain",
        }
    }
}

/// The name alone: the value is the visitor's.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn read<T: FromValue>(key: &str, value: Option<Value>) -> Result<Option<T>, ValueError> {
    value
        .map(T::from_value)
        .transpose()
        .map_err(|found| ValueError::mismatch(key, T::EXPECTED, &found))
}

/// The list without one occurrence of each seen element; nothing if nothing is left.
fn without(list: Value, seen: &[Value]) -> Option<Value> {
    let Value::List(mut items) = list else { return Some(list) };
    for element in seen {
        if let Some(i) = items.iter().position(|item| item == element) {
            items.remove(i);
        }
    }
    (!items.is_empty()).then_some(Value::List(items))
}

/// The operations on one key, oldest first: nearly always one, which takes no memory of its own.
#[derive(Debug, Default)]
struct Ops {
    first: Option<Op>,
    more: Vec<Op>,
}

impl Ops {
    fn iter(&self) -> impl Iterator<Item = &Op> {
        self.first.iter().chain(&self.more)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Op> {
        self.first.iter_mut().chain(&mut self.more)
    }

    /// Records an operation after which the key holds `now`.
    fn add(&mut self, op: Op, now: Option<&Value>) {
        if op.cancels_earlier() {
            *self = Self { first: Some(op), more: Vec::new() };
        } else if self.replaces() {
            // The key's value no longer depends on what was opened: one set says it all.
            self.first = Some(now.cloned().map_or(Op::Remove, Op::Set));
        } else if self.first.is_none() {
            self.first = Some(op);
        } else {
            self.more.push(op);
        }
    }

    fn replaces(&self) -> bool {
        self.first.as_ref().is_some_and(Op::cancels_earlier)
    }
}

/// What was done to one key, and what it holds now.
#[derive(Debug)]
pub(crate) struct KeyDelta {
    pub(crate) key: Arc<str>,
    ops: Ops,
    pub(crate) now: Option<Value>,
}

impl KeyDelta {
    /// Applies the operations again, to a newer value.
    pub(crate) fn reapply(&mut self, value: Option<Value>) -> Result<Option<Value>, ValueError> {
        self.ops.iter_mut().try_fold(value, |value, op| op.apply(&self.key, value))
    }

    /// Whether it takes the place of whatever the key holds now, and does not look at it.
    pub(crate) fn replaces(&self) -> bool {
        self.ops.replaces()
    }

    /// Whether it says what the key shall hold, whatever it holds now: a set, a removal, or a
    /// function of the old value. The other operations only add to it.
    pub(crate) fn assigns(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Set(_) | Op::Remove | Op::Update(_)))
    }

    /// Whether somebody wants the key gone. A list from which everything was taken is gone by itself.
    pub(crate) fn removes(&self) -> bool {
        self.assigns() && self.now.is_none()
    }
}

/// Everything that was done, with the keys in ascending order.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    keys: Vec<KeyDelta>,
}

impl Delta {
    /// `Some` if the key was touched: then what it holds now, perhaps nothing.
    pub(crate) fn get(&self, key: &str) -> Option<Option<&Value>> {
        self.position(key).ok().map(|i| self.keys[i].now.as_ref())
    }

    /// Each touched key with what it holds now.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Option<&Value>)> {
        self.keys.iter().map(|delta| (&*delta.key, delta.now.as_ref()))
    }

    /// Records an operation and what came out of it.
    pub(crate) fn record(&mut self, key: &str, op: Op, now: Option<Value>) {
        let i = self.position(key).unwrap_or_else(|i| {
            let new = KeyDelta { key: key.into(), ops: Ops::default(), now: None };
            self.keys.insert(i, new);
            i
        });
        let delta = &mut self.keys[i];
        delta.ops.add(op, now.as_ref());
        delta.now = now;
    }

    /// Takes the operations out, to be applied elsewhere; what the keys hold stays readable.
    pub(crate) fn take(&mut self) -> Vec<KeyDelta> {
        let take = |delta: &mut KeyDelta| KeyDelta {
            key: Arc::clone(&delta.key),
            ops: std::mem::take(&mut delta.ops),
            now: delta.now.clone(),
        };
        self.keys.iter_mut().map(take).collect()
    }

    /// The touched keys with the names of the operations, for events.
    pub(crate) fn summary(&self) -> Vec<(String, Vec<&'static str>)> {
        let names = |delta: &KeyDelta| delta.ops.iter().map(Op::name).collect();
        self.keys.iter().map(|delta| (delta.key.to_string(), names(delta))).collect()
    }

    /// Applies what was done to `key` again, to nothing: what it held is gone. What no longer fits
    /// is forgotten.
    pub(crate) fn rebase(&mut self, key: &str) {
        let Ok(i) = self.position(key) else { return };
        // A function of the old value runs outside every lock, or not at all.
        if self.keys[i].ops.iter().any(|op| matches!(op, Op::Update(_))) {
            self.keys.remove(i);
            return;
        }
        match self.keys[i].reapply(None) {
            Ok(now) => self.keys[i].now = now,
            Err(_) => drop(self.keys.remove(i)),
        }
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.keys.binary_search_by(|delta| (*delta.key).cmp(key))
    }
}
