//! Room 5, second half: carries out the plan.
//!
//! In cookie mode there is one act: the contents become a token ([`token`]). In server mode the
//! plan becomes store calls, and the answers *gone*, *conflict* and *moved* are dealt with
//! ([`stored`]). Comes from [`crate::plan`]; goes to [`crate::respond`].

mod begun;
mod merge;
mod places;
mod rotate;
pub(crate) mod stored;
pub(crate) mod token;
mod users;
mod verbs;
mod work;
mod write;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dewar_signing::{Codec, LazyValue, TaggedJson};
use http::HeaderValue;

pub(crate) use stored::{Done, take_once};
pub(crate) use work::Work;

use crate::{
    clock::unix_millis,
    config::{Config, Profile},
    error::CommitError,
    lifetime::Moments,
    open::{Open, Origin, PERMANENT, Stored},
    plan::{CookieStep, Left, Mode, Plan, plan, plan_as_flask},
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

/// What is to happen, and when it was decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    pub(crate) plan: Plan,
    cookie: CookieStep,
    now: SystemTime,
    permanent: bool,
}

/// Decides what the end of a request means.
///
/// # Errors
/// If a typed session could not be written back.
pub(crate) fn decide(config: &Config, open: &mut Open) -> Result<Decision, CommitError> {
    if let Some(failure) = open.failure.take() {
        return Err(CommitError::Typed(failure));
    }
    let now = config.clock.now();
    let permanent = open.contents.is_truthy(PERMANENT);
    let touch_due = touch_due(config, &open.origin, permanent, unix_millis(now) / 1000);
    let empty = open.contents.is_empty();
    let plan = match config.profile {
        Profile::Flask => plan_as_flask(empty, open.modified, permanent && config.rolling),
        Profile::Default => {
            let changed = open.contents.changed() || open.removed_unread;
            plan(open.origin.was(), Left { intent: open.intent, changed, empty, touch_due })
        }
    };
    // In server mode only a permanent cookie has a deadline of its own that could move, or end.
    let mode = config.backend.mode();
    let was_permanent = open.contents.before().get(PERMANENT).is_some_and(LazyValue::is_truthy);
    let rolling = match mode {
        Mode::Cookie => config.rolling,
        Mode::Server => permanent != was_permanent || (config.rolling && permanent && touch_due),
    };
    Ok(Decision { plan, cookie: plan.cookie(mode, rolling), now, permanent })
}

fn touch_due(config: &Config, origin: &Origin, permanent: bool, now_s: u64) -> bool {
    let lifetime = config.lifetime(permanent);
    match origin {
        Origin::Token(moments) => lifetime.touch_due(*moments, now_s),
        Origin::Stored(stored) if config.rolling => {
            let Stored { record, .. } = stored;
            let used_s = (record.idle_deadline_ms / 1000).saturating_sub(lifetime.idle.as_secs());
            let moments = Moments { created_s: record.created_ms / 1000, used_s };
            // Once the absolute deadline is the nearer one, nothing moves any more.
            record.idle_deadline_ms < record.absolute_deadline_ms
                && lifetime.touch_due(moments, now_s)
        }
        _ => false,
    }
}

/// When a permanent cookie expires in the browser.
fn expires(config: &Config, created_s: u64, now: SystemTime) -> SystemTime {
    let moments = Moments { created_s, used_s: unix_millis(now) / 1000 };
    let deadline_s = config.permanent.deadline_s(moments);
    UNIX_EPOCH + Duration::from_secs(deadline_s.min(LAST_SECOND))
}

/// The key whose value takes the most room.
fn largest_key<'v>(contents: impl Iterator<Item = (&'v str, LazyValue<'v>)>) -> String {
    let written = |value: LazyValue<'_>| TaggedJson.write(&value.to_value());
    let size = |value: LazyValue<'_>| {
        value.written_len().unwrap_or_else(|| written(value).map_or(0, |text| text.len()))
    };
    let largest = contents.max_by_key(|(key, value)| key.len() + size(*value));
    largest.map(|(key, _)| key.to_owned()).unwrap_or_default()
}
