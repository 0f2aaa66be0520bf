//! A user may have so many sessions, and one more is refused: exactly so, however many log in at
//! once.
//!
//! The sessions that are alive are counted, and so are the places of logins that are under way. These
//! stand in a record of their own, one for each user, which is written over the version that was
//! read *before* the counting: of two that counted the same, one has to count again. No two keys
//! change at once.
//!
//! A place is free again once its session is there, since then it is counted itself; or once it is
//! as old as a marker, since then its login has failed. The record holds nothing else and lasts no
//! longer.

use dewar_signing::{Codec, Dict, TaggedJson, Value};

use super::{stored::Act, verbs::Updated};
use crate::{
    calls::pause,
    error::CommitError,
    id::StoreKey,
    open::decode,
    store::{Chain, Created, Loaded, Owner, Record, StoreError, StoreErrorKind, Writes, Written},
    user::places_key,
    users::UserSessions,
};

impl Act<'_> {
    /// Takes one of `places` for the session that is about to be this user's.
    ///
    /// # Errors
    /// If all are taken.
    pub(super) async fn take_place(
        &self,
        owner: &Owner,
        session: &StoreKey,
        places: usize,
    ) -> Result<(), CommitError> {
        let users = UserSessions::of_layer(self.verbs.config, self.verbs.server);
        let key = places_key(owner);
        for attempt in 0.. {
            let (old, ended) = match self.verbs.load(&key).await? {
                Loaded::Live(record) => (Some(record), false),
                Loaded::Nothing => (None, false),
                Loaded::Moved(_) | Loaded::Ended { .. } => (None, true),
            };
            let alive = users.alive(owner).await?;
            let is_alive = |key: &StoreKey| alive.iter().any(|(alive, _)| alive == key);
            let mut under_way = Dict::new();
            for (session, since_ms) in old.as_ref().map(under_way_in).unwrap_or_default() {
                if self.is_taken(session, since_ms, &is_alive).await? {
                    under_way.insert(hex(&session), since_ms);
                }
            }
            if alive.len() + under_way.len() >= places {
                return Err(CommitError::TooManySessions { limit: places });
            }
            // Somebody ended all there was, this record too: until that is forgotten only what is alive
            // counts.
            if ended {
                return Ok(());
            }
            under_way.insert(hex(session), self.now_ms);
            if self.write_places(&key, old.as_ref(), under_way).await? {
                return Ok(());
            }
            pause(attempt).await;
        }
        Err(StoreError::new(StoreErrorKind::TimedOut).into())
    }

    /// Whether a login that took a place still holds it beside those that were counted as alive: its
    /// session may yet be written, or was written behind the counting.
    async fn is_taken(
        &self,
        session: StoreKey,
        since_ms: u64,
        is_alive: impl Fn(&StoreKey) -> bool,
    ) -> Result<bool, StoreError> {
        let mut chain = Chain::from(session);
        loop {
            if is_alive(chain.key()) {
                return Ok(false);
            }
            match self.verbs.load(chain.key()).await? {
                Loaded::Nothing => {
                    let lasts_ms = self.verbs.server.marker_ms();
                    return Ok(self.now_ms < since_ms.saturating_add(lasts_ms));
                }
                Loaded::Live(record) => return Ok(!self.is_past(&record)),
                Loaded::Ended { .. } => return Ok(false),
                Loaded::Moved(moved) => chain.follow(moved)?,
            }
        }
    }

    /// Writes the places over what was read; false if somebody else did so meanwhile.
    async fn write_places(
        &self,
        key: &StoreKey,
        old: Option<&Record>,
        under_way: Dict,
    ) -> Result<bool, CommitError> {
        let write = self.verbs.server.new_write(self.now_ms)?;
        let text = TaggedJson.write(&Value::Dict(under_way)).map_err(CommitError::Unwritable)?;
        let until_ms = self.until_ms();
        let record = Record {
            owner: None,
            created_ms: self.now_ms,
            idle_deadline_ms: until_ms,
            absolute_deadline_ms: until_ms,
            writes: old.map_or(Writes::first(write), |old| old.writes.and(write)),
            data: text.into_bytes(),
        };
        Ok(match old {
            None => self.verbs.create(key, &record).await? == Created::Done,
            Some(old) => matches!(
                self.verbs.update(key, old.version(), &record).await?,
                Updated::Here(Written::Done)
            ),
        })
    }
}

fn under_way_in(record: &Record) -> Vec<(StoreKey, u64)> {
    let Ok((places, _)) = decode(record.data.clone()) else { return Vec::new() };
    let places = places.to_dict();
    let read = |(key, since): (&str, &Value)| match since {
        Value::Int(since_ms) => Some((unhex(key)?, u64::try_from(*since_ms).ok()?)),
        _ => None,
    };
    places.iter().filter_map(read).collect()
}

fn hex(key: &StoreKey) -> String {
    key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<StoreKey> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(StoreKey::from_bytes(bytes))
}
