//! `dewar cookie decode`: what is in a cookie, whoever made it.

use anyhow::{Context, anyhow};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dewar_signing::{BadToken, Codec, Reason, TaggedJson, Value, payload};

use super::{ensure_holds_contents, input, moment, shown};
use crate::{args::Decode, terminal};

pub(crate) fn run(args: &Decode) -> anyhow::Result<()> {
    let token = input::read(&args.token, "the cookie")?;
    ensure_holds_contents(&token)?;
    let (contents, signed_at) = contents(&token)?;
    terminal::print(&shown(&contents, &args.shape))?;
    let when = signed_at.map_or_else(String::new, |s| format!(", it says of {}", moment(s)));
    terminal::note(&format!(
        "UNVERIFIED{when}: anybody can write such a cookie: check it with dewar cookie verify"
    ));
    Ok(())
}

fn contents(token: &str) -> anyhow::Result<(Value, Option<u64>)> {
    // Payload, time and signature; a compressed payload begins with a dot of its own.
    let mut parts = token.rsplitn(3, '.');
    let (Some(_signature), Some(time), Some(text)) = (parts.next(), parts.next(), parts.next())
    else {
        let found = token.matches('.').count();
        return Err(anyhow!(
            "a session cookie has two dots (contents.time.signature), this one has {found}: give \
             the whole value, without the cookie's name"
        ));
    };
    Ok((read(text).map_err(|cause| unreadable(&cause))?, seconds(time)))
}

fn read(text: &str) -> anyhow::Result<Value> {
    let text = payload::decode(text.as_bytes(), payload::MAX_INFLATED)?;
    Ok(TaggedJson.read(std::str::from_utf8(&text).context("payload is not UTF-8 text")?)?)
}

fn unreadable(cause: &anyhow::Error) -> anyhow::Error {
    // A value that is whole and no session is not mended by pasting it again.
    let cut =
        cause.downcast_ref::<BadToken>().is_some_and(|bad| matches!(bad.reason(), Reason::Base64));
    let cure = if cut { ": give the whole value, without the cookie's name" } else { "" };
    anyhow!("the contents cannot be read: {cause:#}{cure}")
}

/// The time of a token: seconds since 1970, big-endian.
fn seconds(time: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(time).ok().filter(|bytes| bytes.len() <= 8)?;
    Some(bytes.iter().fold(0, |seconds, byte| seconds << 8 | u64::from(*byte)))
}
