//! What a record and its note mean together, and what they become.

use std::time::Duration;

use dewar::{
    Dict, Value,
    store::{GRACE, Loaded, Moved, Record, StoreError, StoreErrorKind, WriteId, Writes},
};
use dewar_signing::{Codec, TaggedJson};
use sha1::{Digest, Sha1};

use super::{
    codec::{Contents, Format, write},
    note::{Meta, Note},
};

/// dewar's reserved key: it travels in the note, so that no handler of Flask's comes upon it.
const ROTATION: &str = "_rotation";

/// Beyond this nothing expires: about the year 4000, which every database can say.
pub(super) const NEVER_MS: u64 = 64_000_000_000_000;

/// Databases keep an expiry to the second or the millisecond: within so much it is the same.
const SAME_MS: u64 = 1_000;

/// How long a note without an absolute deadline stays, after the session would have ended.
const LEFT_ALONE: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// What lies under a session's key.
#[derive(Clone, Debug)]
pub struct There {
    /// Flask-Session's record.
    pub(super) bytes: Option<Vec<u8>>,
    /// When it expires, if ever.
    pub(super) expires_ms: Option<u64>,
    pub(super) note: Option<Vec<u8>>,
    /// The database's clock.
    pub(super) now_ms: u64,
}

/// What is to lie there.
#[derive(Clone, Debug)]
pub struct Change {
    pub(super) bytes: NewBytes,
    /// When the record expires; `None` for never.
    pub(super) expires_ms: Option<u64>,
    pub(super) note: Vec<u8>,
    /// When the note may be forgotten; `None` for never.
    pub(super) note_expires_ms: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) enum NewBytes {
    Keep,
    Delete,
    Set(Vec<u8>),
}

/// A record that the note or the codec cannot make sense of.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error("the note beside the record is damaged")]
    Note,
    #[error(transparent)]
    Record(#[from] super::Unreadable),
    #[error("what the record holds nests too deep for a session")]
    Depth,
}

/// What this store does not keep.
#[derive(Debug, thiserror::Error)]
#[error("a store shared with Flask-Session keeps sessions alone, not other bytes")]
struct NoSession;

impl There {
    /// In the words of the contract; a live record with its contents as they are stored.
    pub(super) fn look(&self, format: Format) -> Result<(Loaded, Option<Contents>), StoreError> {
        let note = match self.note.as_deref().map(Note::from_bytes) {
            None => None,
            Some(Some(note)) => Some(note),
            Some(None) => return Err(corrupt(Damage::Note)),
        };
        let meta = match note {
            Some(Note::Ended { until_ms }) => return Ok((Loaded::Ended { until_ms }, None)),
            Some(Note::Moved(moved)) => return Ok((Loaded::Moved(moved), None)),
            Some(Note::Past(meta, data)) => {
                let (idle, writes) = (meta.idle_deadline_ms, meta.writes);
                return Ok((Loaded::Live(record(&meta, idle, writes, data)), None));
            }
            Some(Note::Live(meta)) => Some(meta),
            None => None,
        };
        let Some(bytes) = &self.bytes else { return Ok((Loaded::Nothing, None)) };
        let contents = Contents::read(bytes.clone(), format).map_err(|e| corrupt(e.into()))?;
        let Some(contents) = contents else { return Ok((Loaded::Nothing, None)) };
        let meta = meta.map_or_else(|| self.unnoted(bytes), |meta| self.since(meta, bytes));
        let mut session = contents.to_dict();
        session.remove(ROTATION);
        if let Ok(text) = std::str::from_utf8(&meta.rotation) {
            if let Ok(rotation) = TaggedJson.read(text) {
                session.insert(ROTATION, rotation);
            }
        }
        if meta.rotation.is_empty() {
            session.remove(ROTATION);
        }
        let text = TaggedJson.write(&Value::Dict(session)).map_err(|_| corrupt(Damage::Depth))?;
        let (idle, writes) = (meta.idle_deadline_ms, meta.writes);
        Ok((Loaded::Live(record(&meta, idle, writes, text.into_bytes())), Some(contents)))
    }

    /// What is known of a session that Flask-Session began.
    fn unnoted(&self, bytes: &[u8]) -> Meta {
        Meta {
            owner: None,
            created_ms: self.now_ms,
            idle_deadline_ms: self.expires_ms.unwrap_or(u64::MAX),
            absolute_deadline_ms: u64::MAX,
            hash: hash(bytes),
            writes: Writes::first(WriteId::new(hash(bytes))),
            rotation: Vec::new(),
        }
    }

    /// What became of it since the note was written.
    fn since(&self, mut meta: Meta, bytes: &[u8]) -> Meta {
        let found = hash(bytes);
        if found != meta.hash {
            (meta.hash, meta.writes) = (found, meta.writes.and(WriteId::new(found)));
        }
        let same =
            match (expiry(meta.idle_deadline_ms.min(meta.absolute_deadline_ms)), self.expires_ms) {
                (None, None) => true,
                (Some(ours), Some(there)) => ours.abs_diff(there) <= SAME_MS,
                _ => false,
            };
        if !same {
            let there = self.expires_ms.unwrap_or(u64::MAX);
            meta.idle_deadline_ms = there.min(meta.absolute_deadline_ms);
        }
        meta
    }

    /// Writes a record: over `old`, whose unchanged members keep their bytes.
    pub(super) fn write(
        &self,
        record: &Record,
        old: Option<&Contents>,
        format: Format,
    ) -> Result<Change, StoreError> {
        let meta = |hash, rotation| Meta {
            owner: record.owner,
            created_ms: record.created_ms,
            idle_deadline_ms: record.idle_deadline_ms,
            absolute_deadline_ms: record.absolute_deadline_ms,
            hash,
            writes: record.writes,
            rotation,
        };
        // Flask-Session looks at no deadline: it must not find what is past.
        if record.deadline_ms() <= self.now_ms {
            let note = Note::Past(meta(0, Vec::new()), record.data.clone());
            return Ok(Change::gone(&note, record.deadline_ms().max(self.now_ms)));
        }
        let mut session = session(&record.data)?;
        let rotation = session.remove(ROTATION).map(|rotation| TaggedJson.write(&rotation));
        let rotation = rotation.transpose().map_err(|_| corrupt(Damage::Depth))?;
        let bytes = match old {
            Some(old) => old.rewrite(&session, format),
            None => write(&session, format),
        };
        let bytes = bytes.map_err(unsupported)?;
        let meta = meta(hash(&bytes), rotation.unwrap_or_default().into_bytes());
        Ok(Change::live(NewBytes::Set(bytes), meta))
    }

    /// Moves the deadline of what is there, and nothing else.
    pub(super) fn touch(&self, now: &Record, idle_deadline_ms: u64) -> Change {
        let bytes = self.bytes.as_deref().unwrap_or_default();
        let rotation = match self.note.as_deref().and_then(Note::from_bytes) {
            Some(Note::Live(meta)) => meta.rotation,
            _ => Vec::new(),
        };
        let meta = Meta {
            owner: now.owner,
            created_ms: now.created_ms,
            idle_deadline_ms,
            absolute_deadline_ms: now.absolute_deadline_ms,
            hash: hash(bytes),
            writes: now.writes,
            rotation,
        };
        Change::live(NewBytes::Keep, meta)
    }
}

impl Change {
    fn live(bytes: NewBytes, meta: Meta) -> Self {
        let alone = u64::try_from(LEFT_ALONE.as_millis()).unwrap_or_default();
        let last_ms = match expiry(meta.absolute_deadline_ms) {
            Some(absolute_ms) => absolute_ms,
            None => meta.idle_deadline_ms.saturating_add(alone),
        };
        let expires_ms = expiry(meta.idle_deadline_ms.min(meta.absolute_deadline_ms));
        let note_expires_ms = forgotten(last_ms.max(expires_ms.unwrap_or(u64::MAX)));
        Self { bytes, expires_ms, note: Note::Live(meta).to_bytes(), note_expires_ms }
    }

    fn gone(note: &Note, until_ms: u64) -> Self {
        let note_expires_ms = forgotten(until_ms);
        Self { bytes: NewBytes::Delete, expires_ms: None, note: note.to_bytes(), note_expires_ms }
    }

    pub(super) fn end(until_ms: u64) -> Self {
        Self::gone(&Note::Ended { until_ms }, until_ms)
    }

    pub(super) fn moved(moved: Moved) -> Self {
        Self::gone(&Note::Moved(moved), moved.until_ms)
    }
}

fn record(meta: &Meta, idle_deadline_ms: u64, writes: Writes, data: Vec<u8>) -> Record {
    Record {
        owner: meta.owner,
        created_ms: meta.created_ms,
        idle_deadline_ms,
        absolute_deadline_ms: meta.absolute_deadline_ms,
        writes,
        data,
    }
}

/// The session that a record carries as tagged JSON.
fn session(data: &[u8]) -> Result<Dict, StoreError> {
    let text = std::str::from_utf8(data).map_err(|_| unsupported(NoSession))?;
    match TaggedJson.read(text) {
        Ok(Value::Dict(session)) => Ok(session),
        _ => Err(unsupported(NoSession)),
    }
}

/// When a database is to forget at this moment; `None` for never.
fn expiry(moment_ms: u64) -> Option<u64> {
    (moment_ms < NEVER_MS).then_some(moment_ms)
}

fn forgotten(moment_ms: u64) -> Option<u64> {
    let grace = u64::try_from(GRACE.as_millis()).unwrap_or_default();
    expiry(moment_ms.saturating_add(grace))
}

/// The version of a record that somebody else wrote.
fn hash(bytes: &[u8]) -> u64 {
    let digest: [u8; 20] = Sha1::digest(bytes).into();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn corrupt(damage: Damage) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt).with_source(damage)
}

fn unsupported(cause: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::new(StoreErrorKind::Unsupported).with_source(cause)
}
