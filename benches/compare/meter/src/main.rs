//! Starts servers, loads them, measures, and reports.
//!
//! ```text
//! compare-meter STEP FILE [--rounds N] [--burst-ms N] [--sessions N] [NAME...]
//! compare-meter list
//! compare-meter report FILE FOLDER
//! compare-meter readme TABLE README
//! ```
//!
//! A step adds what it finds to FILE; the report reads it. `benches/compare/run` calls them in
//! order, in the folder `benches/compare`. Without a NAME everybody is measured.

mod connection;
mod load;
mod options;
mod process;
mod report;
mod results;
mod server;
mod steps;
mod targets;

use std::{
    env,
    error::Error,
    io::{self, Write},
    path::Path,
};

use options::Options;
use results::Findings;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => {
            // Nobody may be listening to the end.
            let _ = writeln!(io::stdout(), "{}", targets::names());
            return Ok(());
        }
        ["report", file, folder] => return report::report(file.as_ref(), folder.as_ref()),
        ["readme", table, readme] => return report::put_into(readme.as_ref(), table.as_ref()),
        _ => {}
    }
    let [step, file, rest @ ..] = &args[..] else {
        return Err("usage: compare-meter STEP FILE [OPTION...] [NAME...]".into());
    };
    let options = Options::read(rest)?;
    let mut findings = Findings::add_to(Path::new(file))?;
    match step.as_str() {
        "in-process" => steps::in_process::run(&options, &mut findings)?,
        "end-to-end" => steps::end_to_end::run(&options, &mut findings)?,
        "sqlite-full" => steps::sqlite_full::run(&options, &mut findings)?,
        "memory" => steps::memory::run(&options, &mut findings)?,
        "build" => steps::build::run(&options, &mut findings)?,
        _ => return Err(format!("{step}: no step of this name").into()),
    }
    Ok(())
}
