//! SQLite where an answered write is on the disk, and many visitors write at once.
//!
//! What counts is how many of them share a sync, so the disk's own speed is measured first. On a
//! disk that answers at once (a virtual machine's often does), it is done again with a sync that
//! takes a millisecond longer.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use compare_fact::Fact;
use tokio::runtime::Builder;

use super::{
    probe::{Probe, Sample},
    samples::facts,
    sync_cost::sync_us,
};
use crate::{options::Options, results::Findings, server::Places, targets::Target};

const CROWD: usize = 32;
const TARGETS: [&str; 3] = ["dewar-sqlite-full", "hand-sqlite-full", "tower-sessions-sqlite"];

/// A disk that syncs faster than this is no disk that anybody waits for.
const AT_ONCE_US: f64 = 100.0;

pub(crate) fn run(options: &Options, findings: &mut Findings) -> io::Result<()> {
    let targets: Vec<Target> =
        options.targets.iter().filter(|target| TARGETS.contains(&target.name)).copied().collect();
    if targets.is_empty() {
        return Ok(());
    }
    let disk = Fact::new("disk", "-", "sync_before_us", sync_us(&options.places.data)?);
    findings.fact(&disk)?;
    eprintln!("  a sync of this disk takes {:.0} µs", disk.value);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(compare(options, &targets, "sqlite-full", &[], findings))?;
    // Others use the disk too, and what a sync costs may change a hundredfold within a minute.
    let disk_after = Fact::new("disk", "-", "sync_after_us", sync_us(&options.places.data)?);
    findings.fact(&disk_after)?;
    if disk.value.min(disk_after.value) < AT_ONCE_US {
        eprintln!("  again, with 1 ms more for each sync");
        match slow_sync(&options.places) {
            Ok(library) => {
                let environment = [
                    ("LD_PRELOAD", library.as_path()),
                    ("COMPARE_SYNC_DELAY_US", Path::new("1000")),
                ];
                let step = "sqlite-full-1ms";
                runtime.block_on(compare(options, &targets, step, &environment, findings))?;
            }
            Err(error) => findings.failed("slow_sync.c", "sqlite-full-1ms", &error.to_string())?,
        }
    }
    Ok(())
}

async fn compare(
    options: &Options,
    targets: &[Target],
    step: &str,
    environment: &[(&str, &Path)],
    findings: &mut Findings,
) -> io::Result<()> {
    let mut running = Vec::new();
    for target in targets {
        match Probe::start(&options.places, *target, &[CROWD], environment).await {
            Ok(probe) => running.push((probe, 0, Vec::<Sample>::new())),
            Err(reason) => findings.failed(target.name, step, &reason)?,
        }
    }
    for _ in 0..options.rounds {
        let mut rest = Vec::new();
        for (mut probe, count, mut samples) in running {
            match sample(options, &mut probe, count).await {
                Ok((count, sample)) => {
                    samples.push(sample);
                    rest.push((probe, count, samples));
                }
                Err(reason) => findings.failed(probe.target.name, step, &reason)?,
            }
        }
        running = rest;
    }
    for (probe, _, samples) in &running {
        for fact in facts(step, probe.target.name, "/", CROWD, samples) {
            findings.fact(&fact)?;
        }
    }
    Ok(())
}

/// A burst, long enough for many syncs; the first finds out how many requests that is.
async fn sample(
    options: &Options,
    probe: &mut Probe,
    count: usize,
) -> Result<(usize, Sample), String> {
    let count = match count {
        0 => probe.calibrate("/", CROWD, options.burst * 5).await?,
        count => count,
    };
    Ok((count, probe.sample("/", CROWD, count).await?))
}

/// Builds the library that slows syncs down.
fn slow_sync(places: &Places) -> io::Result<PathBuf> {
    let library = places.here.join("target/slow_sync.so");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"])
        .arg(&library)
        .arg(places.here.join("slow_sync.c"))
        .arg("-ldl")
        .status()?;
    if status.success() { Ok(library) } else { Err(io::Error::other(format!("cc: {status}"))) }
}
