//! `dewar cookie sign`: the cookie of a session.

use anyhow::{Context, anyhow, bail, ensure};
use dewar_signing::{Codec, Json, MAX_DEPTH, TaggedJson, Value, payload::MAX_INFLATED};

use super::{input, signer, typed};
use crate::{args::Sign, terminal, variable};

pub(crate) fn run(args: &Sign) -> anyhow::Result<()> {
    let text = input::read(&args.json, "the JSON text")?;
    let session = session(&text, args.typed)?;
    ensure_readable(&session)?;
    let now = signer::now(&args.signing)?;
    let serializer = signer::serializer(signer::signer(&args.signing, &[])?);
    let cookie = serializer.dump(&session, now).context("this session has no cookie")?;
    terminal::print(&cookie)?;
    warn_of_weak_key(&args.signing.secret_key_env)
}

fn session(text: &str, is_typed: bool) -> anyhow::Result<Value> {
    let json = Json::COMPACT.read(text).map_err(|error| {
        let error = error.to_string();
        if error.contains("nested too deep") {
            return anyhow!("the JSON text is {error}: at most {MAX_DEPTH} levels are allowed");
        }
        anyhow!("this is no JSON text: {error}: give an object such as '{{\"visits\":3}}'")
    })?;
    let session = if is_typed { typed::without_types(&json)? } else { json };
    if !matches!(session, Value::Dict(_)) {
        let found = session.type_name();
        bail!("a session is a dict, not {found}: give an object such as '{{\"visits\":3}}'");
    }
    Ok(session)
}

/// A session this long may have a small cookie, but nobody would read it: opening stops here.
fn ensure_readable(session: &Value) -> anyhow::Result<()> {
    let bytes = TaggedJson.write(session).context("this session has no cookie")?.len();
    let largest = match session {
        Value::Dict(session) => {
            let size = |value: &Value| TaggedJson.write(value).map_or(0, |text| text.len());
            session.iter().max_by_key(|(key, value)| key.len() + size(value)).map(|(key, _)| key)
        }
        _ => None,
    };
    ensure!(
        bytes <= MAX_INFLATED,
        "the session needs {bytes} bytes and {MAX_INFLATED} are allowed: session key {:?} is the \
         largest: keep it elsewhere",
        largest.unwrap_or_default()
    );
    Ok(())
}

/// The command signs with any key, to reproduce what somebody else signed. No server would.
fn warn_of_weak_key(name: &str) -> anyhow::Result<()> {
    if let Some(weakness) = variable::weakness(&variable::key(variable::NEWEST, name)?) {
        terminal::note(&format!("warning: {}", variable::weak(name, &weakness)));
    }
    Ok(())
}
