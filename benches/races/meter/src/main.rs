//! Starts everybody's server, lets requests overlap, and tells what was lost.
//!
//! `benches/races/run` calls it; what it does is told there and in `README.md`.

mod browser;
mod client;
mod outage;
mod races;
mod redis;
mod report;
mod results;
mod server;
mod targets;

use std::{
    env,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use redis::Redis;
use report::{put_into, text};
use results::{Findings, Results};
use server::{Places, Server};
use targets::{Store, Target, named};

const USAGE: &str = "usage: races-meter list | check [NAME…] | run RESULTS ROUNDS FOLDER [NAME…] | \
                     report RESULTS TABLE | readme TABLE README";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match act(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn act(args: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no folder")?.to_owned();
    match words[..] {
        ["list"] => {
            for target in targets::ALL {
                println!("{}", target.name);
            }
        }
        ["check", ..] => drop(named(&args[1..])?),
        ["run", results, rounds, folder, ..] => {
            let programs = env::current_exe()?.parent().ok_or("no folder")?.to_owned();
            let run = Run { places: Places { here, programs }, rounds: rounds.parse()? };
            let mut findings = Findings::add_to(Path::new(results))?;
            for target in named(&args[4..])? {
                eprintln!("{}", target.name);
                let folder = PathBuf::from(folder).join(target.name);
                fs::create_dir_all(&folder)?;
                if let Err(error) = run.target(&target, &folder, &mut findings) {
                    findings.failed(target.name, "all", &error.to_string())?;
                }
            }
        }
        ["report", results, table] => {
            let results = Results::read(Path::new(results))?;
            let text = text(&results, &here)?;
            fs::write(table, &text)?;
            print!("{text}");
            if !results.failures.is_empty() {
                return Ok(ExitCode::FAILURE);
            }
        }
        ["readme", table, readme] => put_into(Path::new(readme), &fs::read_to_string(table)?)?,
        _ => return Err(USAGE.into()),
    }
    Ok(ExitCode::SUCCESS)
}

struct Run {
    places: Places,
    rounds: usize,
}

impl Run {
    fn target(&self, target: &Target, folder: &Path, findings: &mut Findings) -> io::Result<()> {
        let redis = if target.store == Store::Redis { Some(Redis::start(folder)?) } else { None };
        let url = match &redis {
            Some(redis) => redis.url(),
            None => store(target.store, folder),
        };
        let server = Server::start(&self.places, target, &url, folder)?;
        for (name, race) in races::ALL {
            for round in 1..=self.rounds {
                match races::round(race, server.address) {
                    Ok(figures) => findings.found(target.name, name, round, &figures)?,
                    Err(error) => {
                        // The others are like it.
                        findings.failed(target.name, name, &error.to_string())?;
                        break;
                    }
                }
            }
        }
        if let Some(redis) = redis {
            match outage::run(server.address, redis) {
                Ok(pages) => {
                    for (page, figures) in pages {
                        findings.found(target.name, &format!("outage-{page}"), 1, &figures)?;
                    }
                }
                Err(error) => findings.failed(target.name, "outage", &error.to_string())?,
            }
        }
        Ok(())
    }
}

/// The address of a store that needs no server.
fn store(store: Store, folder: &Path) -> String {
    match store {
        Store::Cookie => "cookie:".to_owned(),
        Store::Memory | Store::Redis => "memory:".to_owned(),
        Store::Sqlite => format!("sqlite:{}", folder.join("sessions.db").display()),
    }
}
