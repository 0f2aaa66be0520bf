//! `dewar cookie`: what is in a cookie, whether it is ours, and how to make one.
//!
//! ```text
//! decode   token ─────────────▶ contents          no key, no proof
//! verify   token ─ key, age ──▶ contents          or the verdict
//! sign     JSON ── key ───────▶ token
//! ```

pub(crate) mod decode;
pub(crate) mod sign;
pub(crate) mod verify;

mod input;
mod signer;
mod typed;

use anyhow::ensure;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dewar_signing::{DateTime, Value};

use crate::{args::Shape, json};

/// The contents in the form that was asked for.
fn shown(contents: &Value, shape: &Shape) -> String {
    let typed = shape.typed.then(|| typed::with_types(contents));
    let contents = typed.as_ref().unwrap_or(contents);
    if shape.json { json::one_line(contents) } else { json::for_people(contents) }
}

/// Fails for the cookie of a session on the server, which is an id and a signature, 32 bytes each:
/// to call it cut short or forged would lead astray.
fn ensure_holds_contents(token: &str) -> anyhow::Result<()> {
    let is_32_bytes = |part| URL_SAFE_NO_PAD.decode(part).is_ok_and(|bytes| bytes.len() == 32);
    let is_id = token.split_once('.').is_some_and(|(id, mac)| is_32_bytes(id) && is_32_bytes(mac));
    ensure!(
        !is_id,
        "this is the cookie of a session on the server: a random id and its signature, the contents \
         are in the server's store: look there, or take a cookie made with --mode cookie"
    );
    Ok(())
}

/// A moment as people read it: `2023-11-14T22:13:20Z`.
fn moment(unix_seconds: u64) -> String {
    let moment = i64::try_from(unix_seconds).ok().and_then(DateTime::from_unix);
    moment.map_or_else(|| format!("second {unix_seconds}"), |moment| moment.to_iso() + "Z")
}
