//! Contents become a record, and an id becomes a cookie.

use dewar_signing::{LazyValue, TaggedJson};

use super::{
    CookieChange, Decision,
    begun::{Begun, Unheard},
    expires, largest_key,
    merge::Overlay,
    stored::{Act, Base},
    verbs::{Updated, Verbs},
};
use crate::{
    clock::millis,
    error::CommitError,
    id::{SessionId, StoreKey},
    open::{PERMANENT, Stored},
    plan::CookieStep,
    rotation::{ROTATION, Rotation},
    store::{Created, Record, StoreError, Writes},
    user::{self, USER},
};

/// How many ids are tried when one exists already: it has never happened.
const MAX_IDS: usize = 8;

impl Act<'_> {
    /// Writes contents over a record.
    pub(super) async fn write(
        &self,
        key: &StoreKey,
        base: &Base,
        contents: &Overlay<'_>,
    ) -> Result<(Updated, Record), CommitError> {
        let old = &base.record;
        let record = self.record(contents, base.rotation.as_ref(), old, old.writes)?;
        self.enter_if_new(key, &record, old).await?;
        Ok((self.verbs.update(key, old.version(), &record).await?, record))
    }

    /// Creates a record under a fresh id: a new session, or the successor of `old`.
    pub(super) async fn insert(
        &self,
        contents: &Overlay<'_>,
        rotation: Option<&Rotation>,
        old: Option<&Record>,
    ) -> Result<Begun<'_>, CommitError> {
        for _ in 0..MAX_IDS {
            let id = self.verbs.server.new_id()?;
            let record = match old {
                Some(old) => self.record(contents, rotation, old, old.writes)?,
                None => {
                    let new = Record {
                        owner: user::owner(contents.get(USER)),
                        created_ms: self.now_ms,
                        idle_deadline_ms: 0,
                        absolute_deadline_ms: 0,
                        writes: Writes::first(self.verbs.server.new_write(self.now_ms)?),
                        data: Vec::new(),
                    };
                    self.record(contents, None, &new, new.writes)?
                }
            };
            let key = id.store_key();
            self.enter(&key, &record, old).await?;
            let unheard = Unheard::new(self.verbs, key, record.owner);
            match self.verbs.create(&key, &record).await {
                Ok(Created::Done) => return Ok(Begun { id, record, unheard }),
                // Whatever is there is not ours.
                Ok(Created::Exists | Created::Ended) => unheard.forget(),
                // A full store would keep a tombstone for each visitor that it has no room for.
                Err(error) if error.is_undone() => {
                    self.leave(&key, record.owner).await;
                    unheard.forget();
                    return Err(error.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::unavailable("every new id is taken: the random source repeats itself")
            .into())
    }

    /// The record that follows `old`, with one more write and later deadlines.
    pub(super) fn record(
        &self,
        contents: &Overlay<'_>,
        rotation: Option<&Rotation>,
        old: &Record,
        writes: Writes,
    ) -> Result<Record, CommitError> {
        let Verbs { config, server } = self.verbs;
        let rotation = rotation.filter(|rotation| self.now_ms < rotation.until_ms);
        let member = rotation.map(Rotation::to_value);
        let stamp = (ROTATION, member.as_ref().map(LazyValue::from));
        let members = contents.iter_stamped(Some(stamp));
        let text = TaggedJson.write_members(members).map_err(CommitError::Unwritable)?;
        let (bytes, limit) = (text.len(), server.options.max_session_size);
        if limit > 0 && bytes > limit {
            let largest_key = largest_key(contents.iter_stamped(None));
            return Err(CommitError::SessionTooLarge { bytes, limit, largest_key });
        }
        let owner =
            if contents.touches(USER) { user::owner(contents.get(USER)) } else { old.owner };
        // With a user the session begins anew: his lifetime is his own.
        let begins = owner.is_some() && owner != old.owner;
        let created_ms = if begins { self.now_ms } else { old.created_ms };
        let permanent = contents.get(PERMANENT).is_some_and(LazyValue::is_truthy);
        let lifetime = config.lifetime(permanent);
        let absolute = lifetime.absolute.map_or(u64::MAX, millis);
        let absolute_deadline_ms = created_ms.saturating_add(absolute);
        let mut idle_deadline_ms = self.now_ms.saturating_add(millis(lifetime.idle));
        // A machine whose clock is behind takes nothing back. Only where the session became
        // permanent, or is so no longer, another lifetime begins.
        if absolute_deadline_ms == old.absolute_deadline_ms {
            idle_deadline_ms = idle_deadline_ms.max(old.idle_deadline_ms);
        }
        Ok(Record {
            owner,
            created_ms,
            idle_deadline_ms: idle_deadline_ms.min(absolute_deadline_ms),
            absolute_deadline_ms,
            writes: writes.and(server.new_write(self.now_ms)?),
            data: text.into_bytes(),
        })
    }

    /// Sends the cookie again where its own deadline is to move.
    pub(super) fn roll(&self, stored: &Stored, decision: &Decision) -> CookieChange {
        match decision.cookie {
            CookieStep::Set => self.set_cookie(&stored.id, decision, stored.record.created_ms),
            CookieStep::Keep | CookieStep::Remove => CookieChange::Keep,
        }
    }

    pub(super) fn set_cookie(
        &self,
        id: &SessionId,
        decision: &Decision,
        created_ms: u64,
    ) -> CookieChange {
        let Verbs { config, server } = self.verbs;
        let token = server.token(id);
        let mut cookie = config.cookie.set(&token);
        if decision.permanent {
            cookie = cookie.expires(expires(config, created_ms / 1000, decision.now));
        }
        CookieChange::Set(cookie.to_header())
    }
}
