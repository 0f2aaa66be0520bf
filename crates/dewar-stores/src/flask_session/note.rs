//! What is kept beside a record of Flask-Session: all that the contract needs and the record has no
//! place for.
//!
//! | byte | kind | then |
//! |---|---|---|
//! | `L` | beside a live record | metadata |
//! | `P` | the record was past when it was written | metadata, and the session itself |
//! | `E` | a tombstone | until |
//! | `M` | a marker | the successor's id, until |
//!
//! Metadata: owner (33 bytes: whether there is one, and its hash), created, idle and absolute deadline,
//! hash of the record, how many writes, the writes, length and text of the rotation.

use dewar::{
    StoreKey,
    store::{Moved, Owner, Writes},
};

/// A note, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    Live(Meta),
    Past(Meta, Vec<u8>),
    Ended { until_ms: u64 },
    Moved(Moved),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) owner: Option<Owner>,
    pub(super) created_ms: u64,
    pub(super) idle_deadline_ms: u64,
    pub(super) absolute_deadline_ms: u64,
    /// Of the record that was written with it.
    pub(super) hash: u64,
    pub(super) writes: Writes,
    /// What the session remembers of its last rotation, as tagged JSON; empty for nothing.
    pub(super) rotation: Vec<u8>,
}

impl Note {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Live(meta) => {
                out.push(b'L');
                meta.write(&mut out);
            }
            Self::Past(meta, data) => {
                out.push(b'P');
                meta.write(&mut out);
                out.extend_from_slice(data);
            }
            Self::Ended { until_ms } => {
                out.push(b'E');
                out.extend(until_ms.to_be_bytes());
            }
            Self::Moved(moved) => {
                out.push(b'M');
                out.extend(moved.to.as_bytes());
                out.extend(moved.until_ms.to_be_bytes());
            }
        }
        out
    }

    /// The inverse; `None` for damage.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, mut rest) = bytes.split_first()?;
        let note = match kind {
            b'L' => Self::Live(Meta::read(&mut rest)?),
            b'P' => {
                let meta = Meta::read(&mut rest)?;
                Self::Past(meta, std::mem::take(&mut rest).to_vec())
            }
            b'E' => Self::Ended { until_ms: number(&mut rest)? },
            b'M' => {
                let to = StoreKey::from_id(take::<32>(&mut rest)?);
                Self::Moved(Moved { to, until_ms: number(&mut rest)? })
            }
            _ => return None,
        };
        rest.is_empty().then_some(note)
    }
}

impl Meta {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.owner.is_some().into());
        out.extend(self.owner.map_or([0; 32], |owner| *owner.as_bytes()));
        for moment in [self.created_ms, self.idle_deadline_ms, self.absolute_deadline_ms, self.hash]
        {
            out.extend(moment.to_be_bytes());
        }
        let writes = self.writes.to_bytes();
        for part in [&writes, &self.rotation] {
            out.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(part);
        }
    }

    fn read(rest: &mut &[u8]) -> Option<Self> {
        let [has_owner] = take::<1>(rest)?;
        let owner = Owner::from_bytes(take(rest)?);
        Some(Self {
            owner: (has_owner == 1).then_some(owner),
            created_ms: number(rest)?,
            idle_deadline_ms: number(rest)?,
            absolute_deadline_ms: number(rest)?,
            hash: number(rest)?,
            writes: Writes::from_bytes(part(rest)?)?,
            rotation: part(rest)?.to_vec(),
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    take(rest).map(u64::from_be_bytes)
}

fn part<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(u32::from_be_bytes(take(rest)?)).ok()?;
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}
