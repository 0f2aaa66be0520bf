//! Server mode: the payload is an id, and a store has the contents.

use std::time::Duration;

use dewar_signing::LazyDict;

use super::{Opened, Origin, Refusal, Stored, contents, verdict};
use crate::{
    backend::{NoId, Server},
    config::Config,
    event::{EndedBy, Event},
    id::StoreKey,
    rotation::Rotation,
    store::{Loaded, Record, Store, StoreErrorKind, Written},
    verdict::Verdict,
};

pub(super) async fn read(
    config: &Config,
    server: &Server,
    token: &[u8],
    now_ms: u64,
) -> Result<Opened, Refusal> {
    let (id, opened_by) = server.read(token).map_err(|refused| match refused {
        NoId::BadToken(refused) => verdict(&refused),
        NoId::Verdict(verdict) => verdict,
    })?;
    let key = id.store_key();
    let loaded = server.call(&config.events, "load", &key, server.store().load(&key)).await;
    let loaded = loaded.map_err(|error| match error.kind() {
        // One damaged record locks its visitor out of no page.
        StoreErrorKind::Corrupt => Verdict::Unreadable { reason: error.to_string() }.into(),
        _ => Refusal::Store(key, Vec::new(), error),
    });
    let mut loaded = loaded?;
    if let Loaded::Live(record) = &loaded {
        if now_ms >= record.deadline_ms() && record.deadline_ms() != BURIED_MS {
            let by = Duration::from_millis(now_ms - record.deadline_ms());
            match Box::pin(bury(config, server, &key, record, now_ms)).await {
                Some(there) if now_ms < there.deadline_ms() => loaded = Loaded::Live(there),
                _ => return Err(Verdict::Expired { by }.into()),
            }
        }
    }
    match loaded {
        Loaded::Live(record) if record.deadline_ms() == BURIED_MS => Err(Verdict::Revoked.into()),
        Loaded::Live(mut record) => {
            let (contents, rotation) = decode(std::mem::take(&mut record.data))
                .map_err(|reason| Verdict::Unreadable { reason })?;
            let origin = Origin::Stored(Stored { id, key, record, rotation });
            Ok(Opened { contents, origin, verdict: opened_by })
        }
        Loaded::Moved(moved) if now_ms < moved.until_ms => {
            config.emit(|| Event::RotatedIdUsed { session: key });
            let origin = Origin::Rotated { key };
            Ok(Opened { contents: LazyDict::new(), origin, verdict: Verdict::Rotated })
        }
        Loaded::Moved(_) | Loaded::Nothing => Err(Verdict::UnknownId.into()),
        Loaded::Ended { .. } => Err(Verdict::Revoked.into()),
    }
}

/// The deadline of a session that was seen expired: it is past on every clock, and no touch moves
/// it.
const BURIED_MS: u64 = 0;

/// Whoever sees that a session has expired ends it, so that no machine with a slower clock shows
/// it alive again. He ends the very record that he saw: if somebody wrote meanwhile, this gives
/// what is there now. If it fails, the session is expired all the same.
async fn bury(
    config: &Config,
    server: &Server,
    key: &StoreKey,
    seen: &Record,
    now_ms: u64,
) -> Option<Record> {
    let buried = Record {
        owner: seen.owner,
        created_ms: seen.created_ms,
        idle_deadline_ms: BURIED_MS,
        absolute_deadline_ms: BURIED_MS,
        writes: seen.writes.and(server.new_write(now_ms).ok()?),
        data: Vec::new(),
    };
    let update = server.store().update(key, seen.version(), &buried);
    match server.call(&config.events, "update", key, update).await {
        Ok(Written::Conflict(there)) => return Some(there),
        Ok(Written::Done) => {
            config.emit(|| Event::SessionEnded { session: *key, by: EndedBy::Expired });
        }
        _ => {}
    }
    None
}

/// The contents of a record, and what it remembers of its rotation.
///
/// # Errors
/// The rule that the record's data breaks.
pub(crate) fn decode(data: Vec<u8>) -> Result<(LazyDict, Option<Rotation>), String> {
    let mut contents = contents(data)?;
    let rotation = Rotation::take(&mut contents);
    Ok((contents, rotation))
}
