//! Cookie mode: the contents become a token.

use dewar_signing::{
    TaggedJson, Value,
    payload::{MAX_INFLATED, encode},
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
    let stamp = (config.profile == Profile::Default).then_some((CREATED, &created));
    let reserved = stamp.map(|(key, _)| key);
    let members = open.contents.iter().filter(|(key, _)| Some(*key) != reserved);
    let stamp = stamp.map(|(key, value)| (key, value.into()));
    let text = TaggedJson.write_members(members.chain(stamp)).map_err(CommitError::Unwritable)?;
    // What no request would open again is not written: text this long may deflate to a small
    // cookie, and opening stops at the same limit.
    if text.len() > MAX_INFLATED {
        let (bytes, limit) = (text.len(), MAX_INFLATED);
        let largest_key = largest_key(open.contents.iter());
        return Err(CommitError::SessionTooLarge { bytes, limit, largest_key });
    }
    let payload = encode(text.as_bytes(), config.compression);
    let token = config.signer.sign(&payload, now_s.saturating_sub(config.back_date_s));
    let token = String::from_utf8(token).expect("base64url and the separator are ASCII");

    let mut cookie = config.cookie.set(&token);
    if decision.permanent {
        cookie = cookie.expires(expires(config, created_s, decision.now));
    }
    let (bytes, limit) = (cookie.size(), config.max_cookie_size);
    if limit > 0 && bytes > limit {
        if config.profile == Profile::Default {
            let largest_key = largest_key(open.contents.iter());
            return Err(CommitError::CookieTooLarge { bytes, limit, largest_key });
        }
        config.emit(|| Event::CookieOversized { bytes, limit });
    }
    Ok(cookie.to_header())
}
