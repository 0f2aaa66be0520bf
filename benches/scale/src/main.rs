//! How dewar's stores grow: one measurement in one process. `../run` calls it, and `peer`, in turn.
//!
//! ```text
//! dewar-scale memory SESSIONS | sqlite SESSIONS FOLDER | redis SESSIONS | postgres SESSIONS
//!           | size BYTES FOLDER | keys COUNT | sweep ROWS FOLDER | sweep-postgres ROWS
//!           | report TSV SVG README
//! ```

mod calls;
mod keys;
mod measure;
mod memory;
mod plot;
mod postgres;
mod record;
mod redis;
mod report;
mod request;
mod size;
mod sqlite;
mod sweep;
mod verdict;

use std::{env, error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["memory", sessions] => memory::run(sessions.parse()?),
        ["sqlite", sessions, folder] => sqlite::run(sessions.parse()?, Path::new(folder)),
        ["redis", sessions] => redis::run(sessions.parse()?),
        ["postgres", sessions] => postgres::run(sessions.parse()?),
        ["size", bytes, folder] => size::run(bytes.parse()?, Path::new(folder)),
        ["keys", count] => keys::run(count.parse()?),
        ["sweep", rows, folder] => sweep::sqlite(rows.parse()?, Path::new(folder)),
        ["sweep-postgres", rows] => sweep::postgres(rows.parse()?),
        ["report", tsv, svg, readme] => {
            report::run(Path::new(tsv), Path::new(svg), Path::new(readme))
        }
        _ => Err("see the top of src/main.rs".into()),
    }
}
