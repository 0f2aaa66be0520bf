//! Whether requests overlapped, and what they left.

use anyhow::Context;
use dewar::{Dict, Value};
use dewar_signing::{Codec, Json};

use super::{
    client::{Answer, Client},
    site::Site,
};
use crate::failure::Failed;

/// How often a race whose requests did not overlap is run again, with twice the time to wait.
const ATTEMPTS: u32 = 7;

/// Runs `race` with longer and longer waits until its requests overlap; `None` if they never do: such
/// a race proves nothing.
pub(super) fn until_overlapping<T>(
    first_ms: u64,
    mut race: impl FnMut(u64) -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    for attempt in 0..ATTEMPTS {
        if let Some(found) = race(first_ms << attempt)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether all sessions were open before the first of them was saved, as the application saw it. One
/// that was refused has no times, and overlaps with none.
pub(super) fn overlapped<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> bool {
    let (mut last_open, mut first_save) = (0, u64::MAX);
    for (opened, worked) in answers.into_iter().filter_map(|answer| answer.times) {
        last_open = last_open.max(opened);
        first_save = first_save.min(worked);
    }
    last_open < first_save && last_open > 0
}

/// A browser that has just logged in.
pub(super) fn login(site: &Site) -> anyhow::Result<String> {
    let answer = Client::new(site.port(0))?.get("/login", "")?;
    ensure_served(&answer, "/login")?;
    answer.cookie.with_context(|| format!("/login sets no cookie: status {}", answer.status))
}

/// What every process of the site shows to this cookie; `Err` with what they say if they do not agree.
pub(super) fn dump(site: &Site, cookie: &str) -> anyhow::Result<Result<Dict, String>> {
    let mut seen = Vec::new();
    for port in site.ports() {
        let answer = Client::new(port)?.get("/dump", cookie)?;
        ensure_served(&answer, "/dump")?;
        seen.push(answer.body);
    }
    if seen.iter().any(|body| *body != seen[0]) {
        return Ok(Err(format!("the processes disagree: {seen:?}")));
    }
    let read = Json::COMPACT.read(&seen[0]);
    match read.with_context(|| format!("/dump is no JSON: {}", seen[0]))? {
        Value::Dict(dict) => Ok(Ok(dict)),
        other => Ok(Err(format!("/dump shows {}", other.to_python_text()))),
    }
}

/// Whether a cookie that should be dead opens nothing.
pub(super) fn is_dead(site: &Site, cookie: &str) -> anyhow::Result<bool> {
    Ok(dump(site, cookie)?.is_ok_and(|dict| dict.is_empty()))
}

/// A page that is answered 503 has no session to show: nothing was lost, and nothing can be said.
fn ensure_served(answer: &Answer, page: &str) -> Result<(), Failed> {
    match answer.status {
        503 => Err(Failed(format!(
            "the store gave no answer: {page} was answered with {}; see whether it runs",
            refused(answer).unwrap_or_default().trim_end()
        ))),
        _ => Ok(()),
    }
}

/// `status 503: …`, if it was not served.
pub(super) fn refused(answer: &Answer) -> Option<String> {
    let body: String = answer.body.chars().take(80).collect();
    (answer.status != 200).then(|| format!("status {}: {body}", answer.status))
}
