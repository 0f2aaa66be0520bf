//! The measurements of `../src` on the stores of tower-sessions.
//!
//! ```text
//! scale-peer memory SESSIONS | sqlite SESSIONS FOLDER | sweep ROWS FOLDER
//! ```

#[allow(dead_code, reason = "each of the two programs uses its part")]
#[path = "../../src/measure.rs"]
mod measure;
mod memory;
mod record;
mod sqlite;
mod sweep;

use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["memory", sessions] => memory::run(sessions.parse()?),
        ["sqlite", sessions, folder] => sqlite::run(sessions.parse()?, folder),
        ["sweep", rows, folder] => sweep::run(rows.parse()?, folder),
        _ => Err("see the top of src/main.rs".into()),
    }
}
