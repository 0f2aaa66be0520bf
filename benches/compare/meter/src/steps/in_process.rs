//! The application called directly, and its allocations counted; both by programs of their own, for
//! an application that panics ends its process.

use std::{io, path::Path, process::Command};

use compare_fact::Fact;

use crate::{options::Options, results::Findings};

pub(crate) fn run(options: &Options, findings: &mut Findings) -> io::Result<()> {
    for target in options.targets.iter().filter(|target| target.in_process) {
        eprintln!("  {}", target.name);
        let rounds = options.rounds.to_string();
        let programs = &options.places.programs;
        let timed = facts(&programs.join("inside"), &[&rounds, target.name, target.floor]);
        record(findings, target.name, "in-process", timed)?;
        let counted = facts(&programs.join("allocations"), &[target.name, target.floor]);
        record(findings, target.name, "allocations", counted)?;
    }
    Ok(())
}

/// Runs a program that prints facts.
pub(super) fn facts(program: &Path, args: &[&str]) -> Result<Vec<Fact>, String> {
    let output = Command::new(program)
        .args(args)
        // What it says last shall be why it failed.
        .env("RUST_BACKTRACE", "0")
        .output()
        .map_err(|error| {
            let program = program.file_name().unwrap_or_default();
            format!("{} could not be started: {error}", program.display())
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.starts_with("note: "));
        return Err(format!("{}: {}", output.status, last.unwrap_or("it said nothing")));
    }
    String::from_utf8_lossy(&output.stdout).lines().map(str::parse).collect()
}

pub(super) fn record(
    findings: &mut Findings,
    target: &str,
    step: &str,
    found: Result<Vec<Fact>, String>,
) -> io::Result<()> {
    match found {
        Ok(facts) => facts.iter().try_for_each(|fact| findings.fact(fact)),
        Err(reason) => findings.failed(target, step, &reason),
    }
}
