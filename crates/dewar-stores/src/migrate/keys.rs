//! One session, two keys: where the old store and the new one keep it.

use std::{fmt, io};

use dewar::{
    StoreKey,
    store::{Entry, Loaded, Moved, Reached, Written},
};

use super::recent::Recent;

/// Gives the new store's key of a session whose key in the old store is known.
pub type KeyMap = fn(&StoreKey) -> StoreKey;

/// How many keys that were handed out are remembered: each is asked for soon, or never.
const REMEMBERED: usize = 16_384;

/// Where a session lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// In the old store; `None` for a session that is known by its new key alone.
    pub(super) old: Option<StoreKey>,
    pub(super) new: StoreKey,
}

/// The keys of both stores.
///
/// The application speaks in keys of the old store, and a mapping has no inverse: who sees the new
/// store must not be able to be the visitor. So a key that comes out of the new store (the end of a
/// marker, a user's session) is handed out under a veil that this process alone can lift, and only
/// while it remembers having handed it out. A key of the new store that somebody presents opens
/// nothing.
pub(super) struct Keys(Option<Mapped>);

struct Mapped {
    map: KeyMap,
    veil: [u8; 32],
    handed_out: Recent,
}

impl Keys {
    /// Both stores have the same keys.
    pub(super) fn same() -> Self {
        Self(None)
    }

    /// # Errors
    /// If the operating system has no random bytes.
    pub(super) fn mapped(map: KeyMap) -> io::Result<Self> {
        let bytes = dewar::random_bytes(32)?;
        let veil = bytes.try_into().map_err(|_| io::ErrorKind::UnexpectedEof)?;
        Ok(Self(Some(Mapped { map, veil, handed_out: Recent::default() })))
    }

    pub(super) fn are_same(&self) -> bool {
        self.0.is_none()
    }

    /// Where the session lies that the caller calls by this key.
    pub(super) fn place(&self, key: &StoreKey) -> Place {
        match &self.0 {
            None => Place { old: Some(*key), new: *key },
            Some(mapped) if mapped.handed_out.knows(key) => {
                Place { old: None, new: mapped.veiled(key) }
            }
            Some(mapped) => Place { old: Some(*key), new: (mapped.map)(key) },
        }
    }

    /// By which key the caller is to call what the new store calls so.
    pub(super) fn hand_out(&self, new: &StoreKey) -> StoreKey {
        match &self.0 {
            None => *new,
            Some(mapped) => mapped.hand_out(new),
        }
    }

    /// A marker for the new store.
    pub(super) fn inward(&self, moved: Moved) -> Moved {
        Moved { to: self.place(&moved.to).new, ..moved }
    }

    /// A marker of the new store.
    pub(super) fn outward(&self, moved: Moved) -> Moved {
        Moved { to: self.hand_out(&moved.to), ..moved }
    }

    pub(super) fn loaded(&self, found: Loaded) -> Loaded {
        match found {
            Loaded::Moved(moved) => Loaded::Moved(self.outward(moved)),
            other => other,
        }
    }

    pub(super) fn written(&self, answer: Written) -> Written {
        match answer {
            Written::Moved(moved) => Written::Moved(self.outward(moved)),
            other => other,
        }
    }

    pub(super) fn reached(&self, answer: Reached) -> Reached {
        match answer {
            Reached::Moved(moved) => Reached::Moved(self.outward(moved)),
            other => other,
        }
    }

    pub(super) fn entry(&self, entry: Entry) -> Entry {
        Entry { key: self.hand_out(&entry.key), ..entry }
    }
}

impl Mapped {
    /// Its own inverse.
    fn veiled(&self, key: &StoreKey) -> StoreKey {
        let mut bytes = *key.as_bytes();
        bytes.iter_mut().zip(self.veil).for_each(|(byte, veil)| *byte ^= veil);
        StoreKey::from_bytes(bytes)
    }

    fn hand_out(&self, new: &StoreKey) -> StoreKey {
        let key = self.veiled(new);
        self.handed_out.note(&key, REMEMBERED);
        key
    }
}

/// The veil is a secret.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.are_same() { "Keys(same)" } else { "Keys(mapped)" })
    }
}
