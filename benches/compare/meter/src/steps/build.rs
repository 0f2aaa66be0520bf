//! How much a session library adds to a program: crates, and the time of a first build.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::PathBuf,
    process::Command,
    time::Instant,
};

use compare_fact::Fact;

use crate::{options::Options, results::Findings};

/// The programs below `cold`: axum alone, and with each library.
const PROGRAMS: [&str; 3] = ["axum", "dewar", "tower-sessions"];

pub(crate) fn run(options: &Options, findings: &mut Findings) -> io::Result<()> {
    let mut seconds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut failed = BTreeSet::new();
    for name in PROGRAMS {
        // What has to be fetched is no part of the build.
        match cargo(options, name, &["fetch"]).and_then(|_| crates(options, name)) {
            Ok(crates) => findings.fact(&Fact::new("build", name, "crates", vec![crates]))?,
            Err(error) => {
                findings.failed(name, "build", &error.to_string())?;
                failed.insert(name);
            }
        }
    }
    for _ in 0..options.rounds {
        for name in PROGRAMS.into_iter().filter(|name| !failed.contains(name)).collect::<Vec<_>>() {
            let built = build(options, name);
            match built {
                Ok(took) => {
                    eprintln!("  {name}: {took:.1} s");
                    seconds.entry(name).or_default().push(took);
                }
                Err(error) => {
                    findings.failed(name, "build", &error.to_string())?;
                    failed.insert(name);
                }
            }
        }
    }
    for (name, seconds) in seconds {
        // The least: a build is only ever disturbed to be slower.
        let fact = Fact::new("build", name, "cold_s", seconds);
        findings.fact(&Fact { value: fact.low, ..fact })?;
    }
    Ok(())
}

/// Seconds of a build that finds nothing built.
fn build(options: &Options, name: &str) -> io::Result<f64> {
    let target = target(options, name);
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    let start = Instant::now();
    let target = target.to_str().ok_or_else(|| io::Error::other("a folder that is no UTF-8"))?;
    cargo(options, name, &["build", "--offline", "--target-dir", target])?;
    Ok(start.elapsed().as_secs_f64())
}

/// How many crates are compiled into the program, itself left out.
fn crates(options: &Options, name: &str) -> io::Result<f64> {
    let tree = cargo(options, name, &["tree", "--edges", "normal", "--prefix", "none"])?;
    // A crate seen before carries a mark: "serde v1.0.229 (*)".
    let name_and_version = |line: &str| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
    let crates: BTreeSet<String> = tree.lines().map(name_and_version).collect();
    Ok(crates.len() as f64 - 1.0)
}

fn cargo(options: &Options, name: &str, args: &[&str]) -> io::Result<String> {
    let output = Command::new("cargo")
        .args(args)
        .current_dir(options.places.here.join("cold").join(name))
        .output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let error = said.lines().find(|line| line.starts_with("error")).unwrap_or("it said nothing");
    Err(io::Error::other(format!("cargo {}: {error}", args[0])))
}

fn target(options: &Options, name: &str) -> PathBuf {
    options.places.here.join("target/cold").join(name)
}
