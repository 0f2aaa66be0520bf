//! `dewar cookie sign`: the cookie of a session.

use anyhow::{Context, anyhow, bail};
use dewar::SessionLayer;
use dewar_signing::{Codec, Json, Value};

use super::{input, signer, typed};
use crate::{args::Sign, terminal};

pub(crate) fn run(args: &Sign) -> anyhow::Result<()> {
    let text = input::read(&args.json, "the JSON text")?;
    let session = session(&text, args.typed)?;
    let now = signer::now(&args.signing)?;
    let serializer = signer::serializer(signer::signer(&args.signing, &[])?);
    let cookie = serializer.dump(&session, now).context("this session has no cookie")?;
    terminal::print(&cookie)?;
    warn_of_weak_key(&args.signing.secret_key_env)
}

fn session(text: &str, is_typed: bool) -> anyhow::Result<Value> {
    let json = Json::COMPACT.read(text).map_err(|error| {
        anyhow!("this is no JSON text: {error}: give an object such as '{{\"visits\":3}}'")
    })?;
    let session = if is_typed { typed::without_types(&json)? } else { json };
    if !matches!(session, Value::Dict(_)) {
        let found = session.type_name();
        bail!("a session is a dict, not {found}: give an object such as '{{\"visits\":3}}'");
    }
    Ok(session)
}

/// The command signs with any key, to reproduce what somebody else signed. No server would.
fn warn_of_weak_key(name: &str) -> anyhow::Result<()> {
    if let Err(weakness) = SessionLayer::signed_cookie(signer::key(name)?).build() {
        terminal::note(&format!("warning: {name}: {weakness}"));
    }
    Ok(())
}
