//! How many allocations a session costs above the same framework without sessions.
//!
//! ```text
//! allocations NAME FLOOR
//! ```
//!
//! A program of its own: the counter is the allocator, and counting takes time.

use std::{env, error::Error};

use compare_fact::Fact;
use compare_sites::inside::{PAGES, Visitor, in_turns};

/// Enough to see what only every so many requests need.
const CALLS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [name, floor] = &args[..] else { return Err("usage: allocations NAME FLOOR".into()) };
    for page in PAGES {
        let seen = in_turns((name, floor), page, 3, allocations)?;
        let above = seen.iter().map(|(floor, ours)| ours - floor).collect();
        println!("{}", Fact::new("allocations", name, "allocations", above).on(page, 0));
    }
    Ok(())
}

fn allocations(visitor: &mut dyn Visitor, page: &'static str) -> f64 {
    let counted = allocation_counter::measure(|| visitor.ask(page, CALLS));
    counted.count_total as f64 / f64::from(CALLS)
}
