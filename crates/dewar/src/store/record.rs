//! What a store keeps of one session.

use std::fmt;

use sha2::{Digest, Sha256};

/// One write, named by its writer: 64 bits that no other write of the session has. The newest one is
/// the record's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WriteId(u64);

impl WriteId {
    /// The write with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The last writes of a record, newest first, at most eight.
///
/// A writer whose answer was lost finds out here whether it wrote: nothing is ever applied twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Writes {
    ids: [WriteId; Self::KEPT],
    len: usize,
}

impl Writes {
    /// How many writes are remembered.
    pub const KEPT: usize = 8;

    /// The first write of a record.
    pub const fn first(write: WriteId) -> Self {
        let mut ids = [WriteId(0); Self::KEPT];
        ids[0] = write;
        Self { ids, len: 1 }
    }

    /// The same writes and one more; the oldest may be forgotten.
    #[must_use]
    pub fn and(self, write: WriteId) -> Self {
        let len = (self.len + 1).min(Self::KEPT);
        let mut ids = [WriteId(0); Self::KEPT];
        ids[0] = write;
        ids[1..len].copy_from_slice(&self.ids[..len - 1]);
        Self { ids, len }
    }

    /// The newest write: the record's version.
    pub fn newest(&self) -> WriteId {
        self.ids[0]
    }

    /// How many are remembered: from 1 to [`KEPT`](Self::KEPT).
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether `write` is among them.
    pub fn contains(&self, write: WriteId) -> bool {
        self.ids[..self.len].contains(&write)
    }

    /// All of them, newest first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = WriteId> {
        self.ids[..self.len].iter().copied()
    }

    /// All of them as bytes, for stores that keep them in one field.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|id| id.0.to_be_bytes()).collect()
    }

    /// The inverse of [`to_bytes`](Self::to_bytes); `None` if the bytes are not such.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let len = bytes.len() / 8;
        if bytes.len() % 8 != 0 || !(1..=Self::KEPT).contains(&len) {
            return None;
        }
        let mut ids = [WriteId(0); Self::KEPT];
        for (id, chunk) in ids.iter_mut().zip(bytes.chunks_exact(8)) {
            *id = WriteId(u64::from_be_bytes(chunk.try_into().ok()?));
        }
        Some(Self { ids, len })
    }
}

impl fmt::Debug for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.ids[..self.len]).finish()
    }
}

/// Whose session it is: the hash of the user's id, never the id itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner([u8; 32]);

impl Owner {
    /// The owner with this user id.
    pub fn of(user_id: &str) -> Self {
        Self(Sha256::digest(user_id).into())
    }

    /// The owner of these bytes, for stores that read them back.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// All 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// One session as a store keeps it. All moments are Unix milliseconds.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store reads and writes every field")]
pub struct Record {
    /// Whose session it is, if anybody's.
    pub owner: Option<Owner>,
    /// When it began.
    pub created_ms: u64,
    /// When it ends if nobody uses it.
    pub idle_deadline_ms: u64,
    /// When it ends in any case.
    pub absolute_deadline_ms: u64,
    /// Its last writes; the newest is its version.
    pub writes: Writes,
    /// The contents, opaque to the store.
    pub data: Vec<u8>,
}

impl Record {
    /// The newest write.
    pub fn version(&self) -> WriteId {
        self.writes.newest()
    }

    /// The moment after which it is no longer alive.
    pub fn deadline_ms(&self) -> u64 {
        self.idle_deadline_ms.min(self.absolute_deadline_ms)
    }
}

/// The contents are the visitor's: their length is shown, not they.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("owner", &self.owner.is_some())
            .field("created_ms", &self.created_ms)
            .field("idle_deadline_ms", &self.idle_deadline_ms)
            .field("absolute_deadline_ms", &self.absolute_deadline_ms)
            .field("writes", &self.writes)
            .field("data_bytes", &self.data.len())
            .finish()
    }
}
