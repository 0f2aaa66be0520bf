//! `dewar cookie verify`: whether a cookie is ours, and what is in it.

use anyhow::bail;
use dewar_signing::BadToken;

use super::{ensure_holds_contents, input, moment, shown, signer};
use crate::{args::Verify, failure::Refused, terminal};

pub(crate) fn run(args: &Verify) -> anyhow::Result<()> {
    let token = input::read(&args.token, "the cookie")?;
    // What no cookie's value holds was pasted along with it: that is no verdict on the cookie.
    if let Some(c) = token.chars().find(|c| matches!(c, '=' | ';' | '"') || c.is_whitespace()) {
        bail!("a cookie's value holds no {c:?}: give the value alone, without the cookie's name");
    }
    ensure_holds_contents(&token)?;
    let now = signer::now(&args.signing)?;
    let signer = signer::signer(&args.signing, &args.fallback_key_env)?;

    let unsigned = signer.verify(token.as_bytes()).map_err(refused)?;
    let (key, signed_at) = (unsigned.key, unsigned.signed_at);
    let which = if unsigned.newest { "key" } else { "the fallback key" };
    let serializer = signer::serializer(signer.clone());
    let contents = serializer.load(&token, Some(args.max_age), now).map_err(refused)?;

    terminal::print(&shown(&contents, &args.shape))?;
    let age = now.saturating_sub(signed_at);
    let when = moment(signed_at);
    terminal::note(&format!("good: signed {age} seconds ago, {when}, with {which} {key}"));
    Ok(())
}

fn refused(bad: BadToken) -> anyhow::Error {
    // The causes belong to the sentence, and what the library calls a token is a cookie here.
    Refused(format!("{:#}", anyhow::Error::new(bad)).replace("token", "cookie")).into()
}
