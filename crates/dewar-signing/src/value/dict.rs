//! A mapping that keeps the order in which its keys came.

use std::{cmp::Ordering, collections::HashMap};

use super::Value;

/// A mapping from text to values, in insertion order.
///
/// Equality ignores the order. While the keys happen to be sorted (as in every payload Flask
/// writes), a look-up is a binary search and writing needs no sort; otherwise a look-up scans.
#[derive(Clone, Debug)]
pub struct Dict {
    entries: Vec<(String, Value)>,
    /// Keys ascend strictly, by code point.
    sorted: bool,
}

impl Default for Dict {
    fn default() -> Self {
        Self { entries: Vec::new(), sorted: true }
    }
}

impl Dict {
    /// An empty mapping.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.position(key).map(|i| &self.entries[i].1)
    }

    /// Whether `key` is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Sets `key`, in its old place if it was there, and gives back the old value.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        match self.position(&key) {
            Some(i) => Some(std::mem::replace(&mut self.entries[i].1, value)),
            None => {
                self.sorted &= self.entries.last().is_none_or(|(last, _)| *last < key);
                self.entries.push((key, value));
                None
            }
        }
    }

    /// Removes `key` and gives back its value; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.position(key).map(|i| self.entries.remove(i).1)
    }

    /// The one key and its value, if there is no other.
    pub(crate) fn only(&self) -> Option<(&str, &Value)> {
        match &self.entries[..] {
            [(key, value)] => Some((key, value)),
            _ => None,
        }
    }

    /// The keys and values, in insertion order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The keys, in insertion order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// The keys and values with the keys in ascending order of code points, as Flask writes them.
    pub fn sorted(&self) -> impl Iterator<Item = (&str, &Value)> + Clone {
        let mut order: Vec<usize> = Vec::new();
        if !self.sorted {
            order.extend(0..self.entries.len());
            // UTF-8 sorts as its code points do.
            order.sort_unstable_by(|a, b| self.entries[*a].0.cmp(&self.entries[*b].0));
        }
        (0..self.entries.len()).map(move |i| {
            let (key, value) = &self.entries[order.get(i).copied().unwrap_or(i)];
            (key.as_str(), value)
        })
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.sorted {
            self.entries.binary_search_by(|(k, _)| k.as_str().cmp(key)).ok()
        } else {
            self.entries.iter().position(|(k, _)| k == key)
        }
    }
}

/// Of two pairs with one key the last value stays, in the place of the first: Python's rule.
impl FromIterator<(String, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(pairs: I) -> Self {
        let entries: Vec<_> = pairs.into_iter().collect();
        if entries.windows(2).all(|pair| pair[0].0.cmp(&pair[1].0) == Ordering::Less) {
            return Self { entries, sorted: true };
        }
        let mut places = HashMap::with_capacity(entries.len());
        let mut unique: Vec<(String, Value)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match places.get(&key) {
                Some(&i) => unique[i] = (key, value),
                None => {
                    places.insert(key.clone(), unique.len());
                    unique.push((key, value));
                }
            }
        }
        let sorted = unique.windows(2).all(|pair| pair[0].0 < pair[1].0);
        Self { entries: unique, sorted }
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Dict {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
    }
}

impl IntoIterator for Dict {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl PartialEq for Dict {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && if self.sorted && other.sorted {
                self.entries == other.entries
            } else {
                self.iter().all(|(key, value)| other.get(key) == Some(value))
            }
    }
}

impl Eq for Dict {}
