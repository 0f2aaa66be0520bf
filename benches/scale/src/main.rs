//! How dewar's stores grow: one measurement in one process. `../run` calls it, and `peer`, in turn.
//!
//! ```text
//! dewar-scale memory SESSIONS | sqlite SESSIONS FOLDER | size BYTES FOLDER | keys COUNT
//!           | sweep ROWS FOLDER | report TSV SVG
//! ```

mod keys;
mod measure;
mod memory;
mod plot;
mod record;
mod report;
mod size;
mod sqlite;
mod sweep;

use std::{env, error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["memory", sessions] => memory::run(sessions.parse()?),
        ["sqlite", sessions, folder] => sqlite::run(sessions.parse()?, Path::new(folder)),
        ["size", bytes, folder] => size::run(bytes.parse()?, Path::new(folder)),
        ["keys", count] => keys::run(count.parse()?),
        ["sweep", rows, folder] => sweep::run(rows.parse()?, Path::new(folder)),
        ["report", tsv, svg] => report::run(Path::new(tsv), Path::new(svg)),
        _ => Err("see the top of src/main.rs".into()),
    }
}
