//! Rooms 2 and 3: cookie → payload → contents, or the reason why not.
//!
//! 1. Find the cookies of our name. The default profile looks at the first four and believes one
//!    only if no other one is valid too; `flask` looks at the first alone.
//! 2. Verify the signature. Nothing of the payload is touched before that.
//! 3. Check the age.
//! 4. Decode the payload, within bounds, and read it as a session.
//!
//! Whatever fails, the session is absent and the verdict says why: a visitor's bytes never make an
//! error page. Comes from [`crate::cookie`]; goes to [`crate::session`].

use std::time::Duration;

use dewar_signing::{
    BadToken, Codec, Dict, Reason, TaggedJson, Unsigned, Value,
    payload::{MAX_INFLATED, decode},
};
use http::HeaderValue;

use crate::{
    config::{Config, Profile},
    cookie,
    lifetime::Moments,
    plan::Was,
    verdict::Verdict,
};

/// Under this key the default profile keeps when a session began, in Unix seconds. A Flask peer
/// carries it along; without it the session counts as begun when it was last signed. It is
/// reserved: what an application sets under it is not kept.
pub(crate) const CREATED: &str = "_created";

/// What makes a session permanent.
pub(crate) const PERMANENT: &str = "_permanent";

/// How many cookies of one name are verified at most.
const MAX_CANDIDATES: usize = 4;

/// A session as it came in.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) was: Was,
    pub(crate) contents: Dict,
    pub(crate) moments: Moments,
    pub(crate) verdict: Verdict,
}

/// Opens the session of a request that came at `now_s`.
pub(crate) fn open(config: &Config, cookies: &[HeaderValue], now_s: u64) -> Opened {
    let candidates = match config.profile {
        Profile::Default => MAX_CANDIDATES,
        Profile::Flask => 1,
    };
    let mut values = cookie::values(cookies, config.cookie.name(), config.grammar);
    let mut live = None;
    let mut refusal = None;
    for token in values.by_ref().take(candidates) {
        match (read(config, &token, now_s), &live) {
            (Ok(opened), None) => live = Some((token, opened)),
            (Ok(_), Some((first, _))) if *first == token => {}
            (Ok(_), Some(_)) => return absent(Verdict::Duplicate, now_s),
            (Err(verdict), _) => {
                refusal.get_or_insert(verdict);
            }
        }
    }
    match (live, refusal) {
        (Some((_, opened)), _) => opened,
        (None, Some(verdict)) => absent(verdict, now_s),
        (None, None) if values.others() => absent(Verdict::OtherNamesOnly, now_s),
        (None, None) => absent(Verdict::NoCookie, now_s),
    }
}

fn absent(verdict: Verdict, now_s: u64) -> Opened {
    let moments = Moments { created_s: now_s, signed_s: now_s };
    Opened { was: Was::Absent, contents: Dict::new(), moments, verdict }
}

fn read(config: &Config, token: &[u8], now_s: u64) -> Result<Opened, Verdict> {
    let longest_s = match config.profile {
        Profile::Flask => config.permanent.idle.as_secs(),
        // Which limit counts is known when the contents are.
        Profile::Default => u64::MAX,
    };
    let unsigned = config
        .signer
        .verify(token)
        .and_then(|unsigned| unsigned.within(longest_s, config.max_skew_s, now_s))
        .map_err(|refused| verdict(&refused))?;
    let mut contents = contents(&unsigned)?;
    let signed_s = unsigned.signed_at;
    let mut moments = Moments { created_s: signed_s, signed_s };
    if config.profile == Profile::Default {
        if let Some(Value::Int(created)) = contents.remove(CREATED) {
            moments.created_s = u64::try_from(created).unwrap_or(0).min(signed_s);
        }
        let permanent = contents.get(PERMANENT).is_some_and(Value::is_truthy);
        if let Some(by) = config.lifetime(permanent).expired_by(moments, now_s) {
            return Err(Verdict::Expired { by });
        }
    }
    let verdict = Verdict::Opened { key: unsigned.key, newest: unsigned.newest };
    Ok(Opened { was: Was::Present, contents, moments, verdict })
}

fn contents(unsigned: &Unsigned<'_>) -> Result<Dict, Verdict> {
    let text = decode(unsigned.value, MAX_INFLATED).map_err(|refused| verdict(&refused))?;
    let text = std::str::from_utf8(&text)
        .map_err(|_| Verdict::WrongFormat { reason: "payload is not UTF-8 text".into() })?;
    let value = TaggedJson
        .read(text)
        .map_err(|error| Verdict::WrongFormat { reason: error.to_string() })?;
    let found = value.type_name();
    mapping(value)
        .ok_or_else(|| Verdict::WrongFormat { reason: format!("expected dict, found {found}") })
}

/// The mapping that Python's `dict(value)` makes: of nothing an empty one, of pairs their mapping.
fn mapping(value: Value) -> Option<Dict> {
    match value {
        Value::Dict(dict) => Some(dict),
        Value::Null => Some(Dict::new()),
        Value::List(pairs) | Value::Tuple(pairs) => pairs.into_iter().map(pair).collect(),
        Value::Str(text) if text.is_empty() => Some(Dict::new()),
        Value::Bytes(bytes) if bytes.is_empty() => Some(Dict::new()),
        _ => None,
    }
}

fn pair(value: Value) -> Option<(String, Value)> {
    let items = match value {
        Value::List(items) | Value::Tuple(items) => items,
        Value::Str(text) => text.chars().map(Value::from).collect(),
        _ => return None,
    };
    match <[Value; 2]>::try_from(items) {
        Ok([Value::Str(key), value]) => Some((key, value)),
        _ => None,
    }
}

fn verdict(refused: &BadToken) -> Verdict {
    match refused.reason() {
        Reason::NoSeparator | Reason::TimestampMalformed | Reason::TimestampMissing => {
            Verdict::Malformed
        }
        Reason::SignatureMismatch { tried } => Verdict::BadSignature { tried: tried.to_vec() },
        Reason::Expired { age, max_age, .. } => {
            Verdict::Expired { by: Duration::from_secs(age - max_age) }
        }
        Reason::FromTheFuture { ahead, .. } => {
            Verdict::FromTheFuture { by: Duration::from_secs(*ahead) }
        }
        payload => Verdict::WrongFormat { reason: payload.to_string() },
    }
}
