//! From what was found to what is shown. Every figure shown is computed here from one run's facts.

mod goals;
mod plot;
mod readme;
mod table;
mod tables;
mod versions;

use std::{env, error::Error, fs, path::Path};

use crate::results::Results;

pub(crate) use readme::put_into;

/// Prints the tables, and writes them, the plot and the facts into a folder.
///
/// # Errors
/// If a file cannot be read or written; and if something could not be measured, after the report.
pub(crate) fn report(facts: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let results = Results::read(facts)?;
    let versions = versions::read(&env::current_dir()?)?;
    let report = tables::all(&results, &versions);
    println!("{report}");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("report.md"), &report)?;
    fs::write(folder.join("table.md"), readme::table(&results, &versions))?;
    fs::write(folder.join("overhead.svg"), plot::svg(&results))?;
    let kept = folder.join("results.tsv");
    if facts != kept {
        fs::copy(facts, kept)?;
    }
    match results.failures.len() {
        0 => Ok(()),
        count => Err(format!("{count} could not be measured; the report ends with them").into()),
    }
}
