//! Races against `dewar demo race`, and against a build that loses.

pub(crate) mod client;
pub(crate) mod logout;
pub(crate) mod many;
pub(crate) mod naive;
pub(crate) mod rotation;
pub(crate) mod site;

use client::{Answer, Client};
use site::Site;

/// What a race found: nothing lost, or what was.
pub(crate) type Found = Result<(), String>;

/// How often a race whose requests did not overlap is run again, with twice the time to wait.
const ATTEMPTS: u32 = 7;

/// Runs `race` with longer and longer waits until its requests overlap.
///
/// # Panics
/// If they never do: such a race proves nothing.
pub(crate) fn until_overlapping(
    first_ms: u64,
    mut race: impl FnMut(u64) -> Option<Found>,
) -> Found {
    for attempt in 0..ATTEMPTS {
        if let Some(found) = race(first_ms << attempt) {
            return found;
        }
    }
    panic!("the requests never overlapped");
}

/// Whether all sessions were open before the first of them was saved, as the application saw it.
pub(crate) fn overlapped<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> bool {
    let (mut last_open, mut first_save) = (0, u64::MAX);
    for answer in answers {
        let (opened, worked) = answer.times.expect("a page of the race says when");
        last_open = last_open.max(opened);
        first_save = first_save.min(worked);
    }
    last_open < first_save
}

/// A browser that has just logged in.
pub(crate) fn login(site: &Site) -> String {
    let answer = Client::new(site.port(0)).get("/login", "");
    answer.cookie.expect("a cookie")
}

/// What every process of the site shows to this cookie; all must agree.
pub(crate) fn dump(site: &Site, cookie: &str) -> Result<serde_json::Value, String> {
    let seen: Vec<_> =
        site.ports().map(|port| Client::new(port).get("/dump", cookie).body).collect();
    if seen.iter().any(|body| *body != seen[0]) {
        return Err(format!("the processes disagree: {seen:?}"));
    }
    serde_json::from_str(&seen[0]).map_err(|error| format!("{error}: {}", seen[0]))
}

/// `Err` if a cookie that should be dead opens something.
pub(crate) fn dead(site: &Site, cookie: &str, which: &str) -> Found {
    let dump = dump(site, cookie)?;
    if dump == serde_json::json!({}) { Ok(()) } else { Err(format!("{which} opens {dump}")) }
}

/// A request that was answered with an error is a loss like any other.
pub(crate) fn all_served<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Found {
    match answers.into_iter().find(|answer| answer.status != 200) {
        Some(answer) => Err(format!("status {}: {}", answer.status, answer.body)),
        None => Ok(()),
    }
}

/// A small generator of chance whose seed is printed: `DEWAR_SEED` runs the same order again.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// The seed of this run, said on the standard error.
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var("DEWAR_SEED") {
        Ok(seed) => seed.parse().expect("DEWAR_SEED is a number"),
        Err(_) => client::unix_micros(),
    };
    eprintln!("DEWAR_SEED={seed}");
    seed
}

/// How many races: `DEWAR_RACES`, or `fallback`.
pub(crate) fn races(fallback: u64) -> u64 {
    std::env::var("DEWAR_RACES").map_or(fallback, |n| n.parse().expect("DEWAR_RACES is a number"))
}
