//! `dewar demo race --processes N`: requests that overlap, and what became of what they wrote.
//!
//! ```text
//! site: one or three processes of `dewar demo race`, or an application that is named
//!   ◀─ client ─ many, logout, rotation: the schedules ─▶ tally ─▶ a table
//! ```
//!
//! That the requests overlap is proven, not hoped for: each answer says when its session was open and
//! when its handler was done, and a round in which a session was opened after the first handler was done
//! is run again with twice the time to wait.

mod chance;
mod client;
mod logout;
mod many;
mod overlap;
mod rotation;
mod site;
mod tally;

use crate::{args::Demo, failure::Failed, terminal};
use site::Site;
use tally::Tally;

/// How often each schedule is run.
const ROUNDS: u64 = 3;
/// How many logouts race.
const RACES: u64 = 100;

/// What is said of one that does not have the pages.
const NO_PART: &str = "the application does not take part";

/// Runs all schedules and prints what they came to.
pub(super) fn run(args: &Demo) -> anyhow::Result<()> {
    let site = Site::start(args)?;
    let seed = args.seed.unwrap_or_else(client::unix_micros);
    let tallies = all(args, &site, seed).map_err(|error| {
        // It does, and its store does not.
        if error.is::<Failed>() { error } else { error.context(NO_PART) }
    })?;
    drop(site);
    terminal::print(&tally::table(&tallies))?;
    let broken: Vec<_> = tallies.iter().filter(|tally| !tally.is_kept()).collect();
    for said in broken.iter().flat_map(|tally| &tally.said) {
        terminal::note(said);
    }
    match broken.len() {
        0 => Ok(()),
        1 => {
            Err(Failed(format!("a promise broke; --seed {seed} runs the same order again")).into())
        }
        number => {
            Err(Failed(format!("{number} promises broke; --seed {seed} runs the same order again"))
                .into())
        }
    }
}

fn all(args: &Demo, site: &Site, seed: u64) -> anyhow::Result<Vec<Tally>> {
    let rounds = args.rounds.unwrap_or(ROUNDS);
    let mut tallies = Vec::new();
    for many in &many::ALL {
        tallies.push(many.run(site, rounds)?);
    }
    tallies.push(many::slow_reader(site, rounds)?);
    tallies.extend(logout::run(site, args.races.unwrap_or(RACES), seed)?);
    tallies.push(rotation::keeps_the_write(site, 10 * rounds, seed)?);
    tallies.push(rotation::fixation_fails(site, 10 * rounds, seed)?);
    Ok(tallies)
}
