//! Starts the servers and the databases, loads them, measures, and reports.
//!
//! ```text
//! stores-meter list
//! stores-meter run FILE ROUNDS BURST_MS FOLDER [NAME...]
//! stores-meter report FILE TABLE
//! stores-meter readme TABLE README
//! ```
//!
//! `benches/stores/run` calls them in order, in the folder `benches/stores`. How a visitor asks, how a
//! burst is made, how the system's clocks are read and how figures are written is the comparison's own
//! code.

mod databases;
mod probe;
mod report;
mod rounds;
mod server;
mod targets;

#[path = "../../../compare/meter/src/connection.rs"]
mod connection;
#[path = "../../../compare/meter/src/load.rs"]
mod load;
#[path = "../../../compare/meter/src/process.rs"]
#[allow(dead_code, reason = "memory is measured there and not here")]
mod process;
#[path = "../../../compare/meter/src/results.rs"]
#[allow(dead_code, reason = "the steps of the comparison are not ours")]
mod results;
#[path = "../../../compare/meter/src/steps/samples.rs"]
mod samples;

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use results::{Findings, Results};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => {
            let names = targets::ALL.map(|target| target.name).join("\n");
            // Nobody may be listening to the end.
            let _ = writeln!(io::stdout(), "{names}");
            Ok(())
        }
        ["run", file, rounds, burst_ms, folder, ..] => {
            let targets = targets::named(&args[5..])?;
            let plan = rounds::Plan {
                rounds: rounds.parse()?,
                burst: Duration::from_millis(burst_ms.parse()?),
                programs: env::current_exe()?.parent().ok_or("no folder of programs")?.to_owned(),
                data: folder.into(),
            };
            Ok(rounds::run(&plan, &targets, &mut Findings::add_to(Path::new(file))?)?)
        }
        ["report", file, table] => {
            let results = Results::read(Path::new(file))?;
            let text = report::text(&results, Path::new("."))?;
            // Nobody reads the end of a pipe that is closed.
            let _ = write!(io::stdout(), "{text}");
            fs::write(table, text)?;
            match results.failures.len() {
                0 => Ok(()),
                failed => Err(format!("{failed} could not be measured").into()),
            }
        }
        ["readme", table, readme] => {
            report::put_into(Path::new(readme), &fs::read_to_string(table)?)
        }
        _ => {
            Err("usage: stores-meter list|run|report|readme, as benches/stores/run calls it".into())
        }
    }
}
