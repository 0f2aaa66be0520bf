//! How much memory sessions take in a store that keeps them in the process.
//!
//! ```text
//! memory live NAME SESSIONS
//! memory churn NAME SESSIONS
//! ```
//!
//! `live` prints the bytes of resident memory for each of so many live sessions. `churn` lets so
//! many begin and expire, one generation after the other, and prints how much more memory the last
//! generation finds taken than the second: 1 is flat.

use std::{env, error::Error};

use compare_fact::Fact;
use compare_sites::shelf::{resident_bytes, shelf};

const GENERATIONS: u32 = 6;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (figure, name, value) = match args[..] {
        ["live", name, sessions] => ("bytes_per_session", name, live(name, sessions.parse()?)?),
        ["churn", name, sessions] => ("growth", name, churn(name, sessions.parse()?)?),
        _ => return Err("usage: memory live|churn NAME SESSIONS".into()),
    };
    println!("{}", Fact::new("memory", name, figure, vec![value]));
    Ok(())
}

fn live(name: &str, sessions: usize) -> Result<f64, Box<dyn Error>> {
    let mut shelf = shelf(name, sessions)?;
    let before = resident_bytes()?;
    for _ in 0..sessions {
        shelf.keep(0)?;
    }
    Ok((resident_bytes()? - before) / sessions as f64)
}

fn churn(name: &str, sessions: usize) -> Result<f64, Box<dyn Error>> {
    let mut shelf = shelf(name, sessions)?;
    let before = resident_bytes()?;
    let mut taken = Vec::new();
    for generation in 1..=GENERATIONS {
        for _ in 0..sessions {
            shelf.keep(generation)?;
        }
        taken.push(resident_bytes()? - before);
    }
    // The first generation has none before it that could still be there.
    Ok(taken[taken.len() - 1] / taken[1])
}
