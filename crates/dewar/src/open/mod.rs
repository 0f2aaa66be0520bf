//! Rooms 2 and 3: cookie → payload → contents, or the reason why not.
//!
//! 1. Find the cookies of our name. The default profile looks at the first four and believes one
//!    only if no other one is valid too; `flask` looks at the first alone.
//! 2. Verify the signature. Nothing of the payload is touched before that.
//! 3. In [`token`], the payload is the session: check its age, decode it within bounds. In
//!    [`stored`], it is an id: load the record.
//!
//! Whatever a visitor sends, the session is absent at worst and the verdict says why. Only a store
//! that gives no answer is an error. Comes from [`crate::cookie`]; goes to [`crate::session`].

mod stored;
mod token;

use std::{borrow::Cow, time::Duration};

use dewar_signing::{BadToken, Dict, LazyDict, Reason, TaggedJson, Value};

pub(crate) use stored::decode;
pub(crate) use token::CREATED;

use crate::{
    backend::Backend,
    config::{Config, Profile},
    contents::Contents,
    cookie::{self, CookieLines},
    error::ValueError,
    id::{SessionId, StoreKey},
    lifetime::Moments,
    outage::OnOutage,
    plan::{Intent, Was},
    rotation::Rotation,
    store::{Owner, Record, StoreError},
    verdict::Verdict,
};

/// What makes a session permanent.
pub(crate) const PERMANENT: &str = "_permanent";

/// How many cookies of one name are verified at most.
const MAX_CANDIDATES: usize = 4;

/// A session as it came in.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) contents: LazyDict,
    pub(crate) origin: Origin,
    pub(crate) verdict: Verdict,
}

/// Where a session came from.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a request has one, and a box would cost more")]
pub(crate) enum Origin {
    /// No live session was presented.
    Nowhere,
    /// From the token itself.
    Token(Moments),
    /// From a store.
    Stored(Stored),
    /// The id was rotated away.
    Rotated { key: StoreKey },
    /// Two cookies of our name are live: neither is believed, and a logout ends all that came.
    Doubted { keys: Vec<StoreKey> },
    /// The store gave no answer, and the route goes on without. What else came under our name may be
    /// a session, too: a logout ends all of it.
    Unreachable { key: StoreKey, others: Vec<StoreKey> },
}

/// A live session of a store.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) id: SessionId,
    pub(crate) key: StoreKey,
    /// Its data has been taken out: it is the contents.
    pub(crate) record: Record,
    pub(crate) rotation: Option<Rotation>,
}

impl Origin {
    /// The session's key in the store, if it came from one.
    pub(crate) fn key(&self) -> Option<StoreKey> {
        match self {
            Self::Stored(stored) => Some(stored.key),
            Self::Rotated { key } | Self::Unreachable { key, .. } => Some(*key),
            Self::Nowhere | Self::Token(_) | Self::Doubted { .. } => None,
        }
    }

    /// Everything that ends with a logout.
    pub(crate) fn keys(&self) -> impl Iterator<Item = StoreKey> + '_ {
        let others = match self {
            Self::Unreachable { others, .. } => &others[..],
            Self::Doubted { keys } => &keys[..],
            _ => &[],
        };
        self.key().into_iter().chain(others.iter().copied())
    }

    /// Whose session it is, as far as is known.
    pub(crate) fn owner(&self) -> Option<Owner> {
        match self {
            Self::Stored(stored) => stored.record.owner,
            _ => None,
        }
    }

    pub(crate) fn was(&self) -> Was {
        match self {
            Self::Nowhere => Was::Absent,
            Self::Token(_) | Self::Stored(_) => Was::Present,
            Self::Rotated { .. } => Was::Moved,
            Self::Doubted { .. } => Was::Doubted,
            Self::Unreachable { .. } => Was::Unreachable,
        }
    }
}

/// A session in the hands of its handler.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) origin: Origin,
    pub(crate) verdict: Verdict,
    pub(crate) contents: Contents,
    pub(crate) intent: Intent,
    /// `regenerate().discard_late_writes()`
    pub(crate) discard_late_writes: bool,
    /// Flask's flag: set by every mutator, read by the `flask` profile alone.
    pub(crate) modified: bool,
    /// The flash messages this request has taken out.
    pub(crate) flashes: Option<Vec<Value>>,
    /// A key was to go from a session that could not be read: it may have been its last one.
    pub(crate) removed_unread: bool,
    /// A typed session that could not be written back.
    pub(crate) failure: Option<ValueError>,
    /// Counts the changes, so that an updater can tell whether it ran on the latest value.
    pub(crate) edits: u64,
}

impl Open {
    pub(crate) fn new(opened: Opened) -> Self {
        Self {
            origin: opened.origin,
            verdict: opened.verdict,
            contents: Contents::new(opened.contents),
            intent: Intent::Keep,
            discard_late_writes: false,
            modified: false,
            flashes: None,
            removed_unread: false,
            failure: None,
            edits: 0,
        }
    }

    /// A key that is not there was to go. It may be in what came and was not believed, or not read:
    /// there it must not stay.
    pub(crate) fn miss_removal(&mut self) {
        match self.origin.was() {
            Was::Unreachable => self.removed_unread = true,
            Was::Doubted => self.intent = Intent::Destroy,
            Was::Absent | Was::Present | Was::Moved => return,
        }
        self.edits += 1;
    }
}

/// Why a cookie does not open a session.
pub(crate) enum Refusal {
    Verdict(Verdict),
    /// The store gave no answer of this key, and was not asked of the others.
    Store(StoreKey, Vec<StoreKey>, StoreError),
}

impl Refusal {
    /// A visitor without a session; or the error of the store, unless the route goes on without.
    fn into_absent(self, on_outage: OnOutage) -> Result<Opened, StoreError> {
        match self {
            Self::Verdict(verdict) => Ok(absent(verdict)),
            // What the store does not even understand another time is no outage.
            Self::Store(key, others, error)
                if on_outage == OnOutage::GoOnWithout && error.is_outage() =>
            {
                let origin = Origin::Unreachable { key, others };
                Ok(Opened { origin, ..absent(Verdict::StoreUnavailable) })
            }
            Self::Store(_, _, error) => Err(error),
        }
    }
}

impl From<Verdict> for Refusal {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

/// Opens the session of a request that came at `now_ms`.
///
/// # Errors
/// If the store gave no answer.
pub(crate) async fn open(
    config: &Config,
    cookies: &CookieLines,
    now_ms: u64,
    on_outage: OnOutage,
) -> Result<Opened, StoreError> {
    let mut values = cookie::values(cookies.iter(), config.cookie.name(), config.grammar);
    let Some(first) = values.next() else {
        let others = values.others();
        return Ok(absent(if others { Verdict::OtherNamesOnly } else { Verdict::NoCookie }));
    };
    let opened = read(config, &first, now_ms).await;
    match values.next() {
        Some(second) if config.profile == Profile::Default => {
            let others = std::iter::once(second).chain(values).take(MAX_CANDIDATES - 1);
            let chosen = Box::pin(choose(config, first, opened, others, now_ms)).await;
            chosen.or_else(|refusal| refusal.into_absent(on_outage))
        }
        _ => opened.or_else(|refusal| refusal.into_absent(on_outage)),
    }
}

async fn read(config: &Config, token: &[u8], now_ms: u64) -> Result<Opened, Refusal> {
    match &config.backend {
        Backend::Cookie => Ok(token::read(config, token, now_ms / 1000)?),
        Backend::Server(server) => stored::read(config, server, token, now_ms).await,
    }
}

/// Believes the one cookie that is valid, or none if two are.
async fn choose<'h>(
    config: &Config,
    first: Cow<'h, [u8]>,
    opened: Result<Opened, Refusal>,
    others: impl Iterator<Item = Cow<'h, [u8]>>,
    now_ms: u64,
) -> Result<Opened, Refusal> {
    let (mut live, mut rotated, mut refusal) = (None, None, None);
    let mut next = Some((first, opened));
    let mut others = others;
    while let Some((token, opened)) = next {
        match (opened, &live) {
            // It authenticates nobody, so it casts no doubt on one that does.
            (Ok(opened), _) if opened.origin.was() == Was::Moved => rotated = Some(opened),
            (Ok(opened), None) => live = Some((token, opened)),
            (Ok(_), Some((first, _))) if *first == token => {}
            (Ok(opened), Some(_)) => {
                let found = live.iter().map(|(_, opened)| opened).chain(&rotated).chain([&opened]);
                let keys = all_keys(config, found, others);
                return Ok(Opened {
                    origin: Origin::Doubted { keys },
                    ..absent(Verdict::Duplicate)
                });
            }
            (Err(Refusal::Store(key, _, error)), _) => {
                let found = live.iter().map(|(_, opened)| opened).chain(&rotated);
                // One store that is silent is enough: it is not asked of the rest.
                let mut keys = all_keys(config, found, others);
                keys.retain(|other| *other != key);
                return Err(Refusal::Store(key, keys, error));
            }
            (Err(Refusal::Verdict(verdict)), _) => {
                refusal.get_or_insert(verdict);
            }
        }
        next = match others.next() {
            Some(token) => {
                let opened = read(config, &token, now_ms).await;
                Some((token, opened))
            }
            None => None,
        };
    }
    let found = live.map(|(_, opened)| opened).or(rotated);
    Ok(found.unwrap_or_else(|| absent(refusal.unwrap_or(Verdict::NoCookie))))
}

/// The keys of what was found, and of the cookies that were not looked at any more: each once.
fn all_keys<'o, 'h>(
    config: &Config,
    found: impl Iterator<Item = &'o Opened>,
    others: impl Iterator<Item = Cow<'h, [u8]>>,
) -> Vec<StoreKey> {
    let found = found.filter_map(|opened| opened.origin.key());
    let others = others.filter_map(|token| key_of(config, &token));
    let mut keys: Vec<_> = found.chain(others).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The key in the store that a cookie stands for.
fn key_of(config: &Config, token: &[u8]) -> Option<StoreKey> {
    match &config.backend {
        Backend::Cookie => None,
        Backend::Server(server) => server.read(token).ok().map(|(id, _)| id.store_key()),
    }
}

fn absent(verdict: Verdict) -> Opened {
    Opened { contents: LazyDict::new(), origin: Origin::Nowhere, verdict }
}

/// The contents that a token or a record carries as text.
///
/// # Errors
/// The rule that the text breaks.
fn contents(text: Vec<u8>) -> Result<LazyDict, String> {
    let text = String::from_utf8(text).map_err(|_| "not UTF-8 text")?;
    match TaggedJson.read_dict(text).map_err(|error| error.to_string())? {
        Ok(dict) => Ok(dict),
        Err(other) => {
            let found = other.type_name();
            let dict = mapping(other).ok_or_else(|| format!("expected dict, found {found}"))?;
            Ok(dict.into())
        }
    }
}

/// The mapping that Python's `dict(value)` makes: of nothing an empty one, of pairs their mapping.
fn mapping(value: Value) -> Option<Dict> {
    match value {
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
