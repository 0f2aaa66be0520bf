//! Cookie mode: the contents become a token.

use dewar_signing::{
    LazyValue, TaggedJson, Value,
    payload::{MAX_INFLATED, encode_onto},
};
use http::HeaderValue;

use super::{CookieChange, Decision, expires, largest_key};
use crate::{
    clock::unix_millis,
    config::{Config, Profile},
    error::CommitError,
    event::Event,
    open::{CREATED, Open, Origin},
    plan::{CookieStep, Intent},
};

/// About as many bytes as they take in a token.
const TIME_AND_SIGNATURE: usize = 40;

/// Acts, once.
///
/// # Errors
/// If the contents have no text form or too long a one, or the cookie is larger than browsers are
/// sure to keep.
pub(crate) fn act(
    config: &Config,
    open: &Open,
    decision: &Decision,
) -> Result<CookieChange, CommitError> {
    match decision.cookie {
        CookieStep::Keep => Ok(CookieChange::Keep),
        // An emptied session has nothing to carry, whatever else was asked for.
        CookieStep::Set if !open.contents.is_empty() => {
            set_cookie(config, open, decision).map(CookieChange::Set)
        }
        CookieStep::Set | CookieStep::Remove => Ok(CookieChange::Remove(config.cookie.removal())),
    }
}

fn set_cookie(
    config: &Config,
    open: &Open,
    decision: &Decision,
) -> Result<HeaderValue, CommitError> {
    let now_s = unix_millis(decision.now) / 1000;
    // A session that was cleared and filled again is a new one.
    let created_s = match open.origin {
        Origin::Token(moments) if open.intent != Intent::Destroy => moments.created_s,
        _ => now_s,
    };
    let created = Value::from(created_s);
    let stamp = (CREATED, Some(LazyValue::from(&created)));
    let stamp = (config.profile == Profile::Default).then_some(stamp);
    let members = open.contents.iter_stamped(stamp);
    let text = TaggedJson.write_members(members).map_err(CommitError::Unwritable)?;
    // What no request would open again is not written: text this long may deflate to a small
    // cookie, and opening stops at the same limit.
    if text.len() > MAX_INFLATED {
        let (bytes, limit) = (text.len(), MAX_INFLATED);
        let largest_key = largest_key(open.contents.iter());
        return Err(CommitError::SessionTooLarge { bytes, limit, largest_key });
    }
    let expires = decision.permanent.then(|| expires(config, created_s, decision.now));
    let signed_s = now_s.saturating_sub(config.back_date_s);
    let room = text.len().div_ceil(3) * 4 + TIME_AND_SIGNATURE;
    let cookie = config.cookie.set_token(expires, room, |out| {
        let payload = |out: &mut Vec<u8>| encode_onto(out, text.as_bytes(), config.compression);
        config.signer.sign_onto(out, signed_s, payload);
    });
    let (bytes, limit) = (cookie.len(), config.max_cookie_size);
    if limit > 0 && bytes > limit && config.profile == Profile::Default {
        let largest_key = largest_key(open.contents.iter());
        return Err(CommitError::CookieTooLarge { bytes, limit, largest_key });
    }
    Ok(cookie)
}

/// Tells of a cookie that is sent although it is too large; only the `flask` profile does that.
pub(crate) fn tell_if_oversized(config: &Config, change: &CookieChange) {
    let limit = config.max_cookie_size;
    match change {
        CookieChange::Set(cookie) if limit > 0 && cookie.len() > limit => {
            config.emit(|| Event::CookieOversized { bytes: cookie.len(), limit });
        }
        _ => {}
    }
}
