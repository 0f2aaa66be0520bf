//! Room 5, second half: carries out the plan.
//!
//! In cookie mode there is one act: the contents become a token, and the token a header. Comes
//! from [`crate::plan`]; goes to [`crate::respond`].

use std::time::{Duration, UNIX_EPOCH};

use dewar_signing::{Codec, TaggedJson, Value, payload::encode};
use http::HeaderValue;

use crate::{
    config::{Config, Profile},
    error::CommitError,
    event::Event,
    lifetime::Moments,
    open::{CREATED, PERMANENT},
    plan::{CookieStep, Intent, Left, Plan, plan, plan_as_flask},
    slot::Open,
};

/// 9999-12-31 23:59:59 UTC: no date in a header is later.
const LAST_SECOND: u64 = 253_402_300_799;

/// What the response tells the browser.
#[derive(Debug, Default)]
pub(crate) enum CookieChange {
    #[default]
    Keep,
    Set(HeaderValue),
    Remove(HeaderValue),
}

/// Decides and acts, once, at the end of a request.
pub(crate) fn commit(
    config: &Config,
    open: &mut Open,
    now_s: u64,
) -> Result<CookieChange, CommitError> {
    if let Some(failure) = open.failure.take() {
        return Err(CommitError::Typed(failure));
    }
    let permanent = open.contents.get(PERMANENT).is_some_and(Value::is_truthy);
    let plan = decide(config, open, permanent, now_s);
    let change = match plan.cookie(config.rolling) {
        CookieStep::Keep => CookieChange::Keep,
        CookieStep::Remove => CookieChange::Remove(config.cookie.removal()),
        // In cookie mode an emptied session has nothing to carry, whatever else was asked for.
        CookieStep::Set if open.contents.is_empty() => {
            CookieChange::Remove(config.cookie.removal())
        }
        CookieStep::Set => CookieChange::Set(set_cookie(config, open, permanent, now_s)?),
    };
    tell(config, open, plan);
    Ok(change)
}

fn decide(config: &Config, open: &Open, permanent: bool, now_s: u64) -> Plan {
    let empty = open.contents.is_empty();
    match config.profile {
        Profile::Flask => plan_as_flask(empty, open.modified, permanent && config.rolling),
        Profile::Default => {
            let touch_due = config.lifetime(permanent).touch_due(open.moments, now_s);
            let changed = open.contents.changed();
            plan(open.was, Left { intent: open.intent, changed, empty, touch_due })
        }
    }
}

fn set_cookie(
    config: &Config,
    open: &Open,
    permanent: bool,
    now_s: u64,
) -> Result<HeaderValue, CommitError> {
    // A session that was cleared and filled again is a new one.
    let new = open.intent == Intent::Destroy;
    let created_s = if new { now_s } else { open.moments.created_s };
    let created = Value::from(created_s);
    let stamp = (config.profile == Profile::Default).then_some((CREATED, &created));
    let reserved = stamp.map(|(key, _)| key);
    let members = open.contents.iter().filter(|(key, _)| Some(*key) != reserved);
    let text = TaggedJson.write_members(members.chain(stamp)).map_err(CommitError::Unwritable)?;
    let payload = encode(text.as_bytes(), config.compression);
    let signed_s = now_s.saturating_sub(config.back_date_s);
    let token = config.signer.sign(&payload, signed_s);
    let token = String::from_utf8(token).expect("base64url and the separator are ASCII");

    let mut cookie = config.cookie.set(&token);
    if permanent {
        let deadline_s = config.permanent.deadline_s(Moments { created_s, signed_s: now_s });
        cookie = cookie.expires(UNIX_EPOCH + Duration::from_secs(deadline_s.min(LAST_SECOND)));
    }
    let (bytes, limit) = (cookie.size(), config.max_cookie_size);
    if limit > 0 && bytes > limit {
        if config.profile == Profile::Default {
            let largest_key = largest_key(open);
            return Err(CommitError::CookieTooLarge { bytes, limit, largest_key });
        }
        config.emit(|| Event::CookieOversized { bytes, limit });
    }
    Ok(cookie.to_header())
}

fn largest_key(open: &Open) -> String {
    let size = |value: &Value| TaggedJson.write(value).map_or(0, |text| text.len());
    let largest = open.contents.iter().max_by_key(|(key, value)| key.len() + size(value));
    largest.map(|(key, _)| key.to_owned()).unwrap_or_default()
}

fn tell(config: &Config, open: &Open, plan: Plan) {
    if !config.listens() {
        return;
    }
    let changes = open.contents.summary();
    let after = open.contents.to_dict();
    config.emit(|| Event::Committed {
        plan,
        before: open.contents.before(),
        changes: &changes,
        after: &after,
    });
}
