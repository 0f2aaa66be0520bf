//! How floor and application take turns.

use std::error::Error;

use super::{Visitor, visitor};

/// The pages that are measured: the session untouched, read, and read and written.
pub const PAGES: [&str; 3] = ["/unused", "/read", "/"];

/// Measures an application and its floor, one after the other, `rounds` times: pairs of floor and
/// application. `measure` gives what a visitor's requests for a page cost.
///
/// # Errors
/// If one of the two cannot be made, or does not do what the pages promise.
pub fn in_turns(
    (name, floor): (&str, &str),
    page: &'static str,
    rounds: usize,
    measure: impl Fn(&mut dyn Visitor, &'static str) -> f64,
) -> Result<Vec<(f64, f64)>, Box<dyn Error>> {
    let (mut floor, mut ours) = (visitor(floor)?, visitor(name)?);
    // Neither pays for what only the first requests do.
    measure(floor.as_mut(), page);
    measure(ours.as_mut(), page);
    let pairs = (0..rounds).map(|_| (measure(floor.as_mut(), page), measure(ours.as_mut(), page)));
    Ok(pairs.collect())
}
