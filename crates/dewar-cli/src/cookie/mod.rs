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
mod json;
mod signer;
mod typed;

use dewar_signing::{DateTime, Value};

use crate::args::Shape;

/// The contents in the form that was asked for.
fn shown(contents: &Value, shape: &Shape) -> String {
    let typed = shape.typed.then(|| typed::with_types(contents));
    let contents = typed.as_ref().unwrap_or(contents);
    if shape.json { json::one_line(contents) } else { json::for_people(contents) }
}

/// A moment as people read it: `2023-11-14T22:13:20Z`.
fn moment(unix_seconds: u64) -> String {
    let moment = i64::try_from(unix_seconds).ok().and_then(DateTime::from_unix);
    moment.map_or_else(|| format!("second {unix_seconds}"), |moment| moment.to_iso() + "Z")
}
