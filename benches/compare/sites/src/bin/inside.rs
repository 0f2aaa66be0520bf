//! What a session costs above the same framework without sessions: time of this thread's processor.
//!
//! ```text
//! inside ROUNDS NAME FLOOR
//! ```
//!
//! Floor and application take turns, and the figure is the median of what they differ by.

use std::{env, error::Error};

use compare_fact::Fact;
use compare_sites::inside::{PAGES, Visitor, in_turns};
use cpu_time::ThreadTime;

/// Long against the clock's own cost, short against what else the machine does.
const CALLS: u32 = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [rounds, name, floor] = &args[..] else {
        return Err("usage: inside ROUNDS NAME FLOOR".into());
    };
    let rounds = rounds.parse()?;
    for page in PAGES {
        let seen = in_turns((name, floor), page, rounds, ns)?;
        let above = seen.iter().map(|(floor, ours)| ours - floor).collect();
        println!("{}", Fact::new("in-process", name, "overhead_ns", above).on(page, 0));
        let whole = seen.iter().map(|(_, ours)| *ours).collect();
        println!("{}", Fact::new("in-process", name, "request_ns", whole).on(page, 0));
    }
    Ok(())
}

fn ns(visitor: &mut dyn Visitor, page: &'static str) -> f64 {
    let start = ThreadTime::now();
    visitor.ask(page, CALLS);
    start.elapsed().as_nanos() as f64 / f64::from(CALLS)
}
