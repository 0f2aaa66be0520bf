//! Cookie mode: the payload is the session.

use dewar_signing::{
    LazyValue, Value,
    payload::{MAX_INFLATED, decode},
};

use super::{Opened, Origin, PERMANENT, contents, verdict};
use crate::{
    config::{Config, Profile},
    lifetime::Moments,
    verdict::Verdict,
};

/// Under this key the default profile keeps when a session began, in Unix seconds. A Flask peer
/// carries it along; without it the session counts as begun when it was last signed. It is
/// reserved: what an application sets under it is not kept.
pub(crate) const CREATED: &str = "_created";

pub(super) fn read(config: &Config, token: &[u8], now_s: u64) -> Result<Opened, Verdict> {
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
    let text = decode(unsigned.value, MAX_INFLATED).map_err(|refused| verdict(&refused))?;
    let mut contents = contents(text).map_err(|reason| Verdict::WrongFormat { reason })?;
    let signed_s = unsigned.signed_at;
    let mut moments = Moments { created_s: signed_s, used_s: signed_s };
    if config.profile == Profile::Default {
        if let Some(Value::Int(created)) = contents.remove(CREATED) {
            moments.created_s = u64::try_from(created).unwrap_or(0).min(signed_s);
        }
        let permanent = contents.get(PERMANENT).is_some_and(LazyValue::is_truthy);
        if let Some(by) = config.lifetime(permanent).expired_by(moments, now_s) {
            return Err(Verdict::Expired { by });
        }
    }
    let verdict = Verdict::Opened { key: unsigned.key, newest: unsigned.newest };
    Ok(Opened { contents, origin: Origin::Token(moments), verdict })
}
