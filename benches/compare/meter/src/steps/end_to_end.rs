//! Requests over sockets, one server process per target.
//!
//! Each burst of a target comes right after one of its floor: what the machine does meanwhile falls
//! on both, and their difference holds.

use std::{collections::BTreeMap, io};

use compare_fact::Fact;
use tokio::runtime::Builder;

use super::{
    probe::{Probe, Sample},
    samples::facts,
};
use crate::{
    options::Options,
    results::Findings,
    targets::{Target, find},
};

const STEP: &str = "end-to-end";
const PAGES: [&str; 3] = ["/unused", "/read", "/"];
const CROWDS: [usize; 2] = [1, 16];

/// A page and a crowd: what is measured of each target.
type Scene = (&'static str, usize);

/// Bursts of one scene: of the floor just before, and of the target.
type Pairs = Vec<(Sample, Sample)>;

pub(crate) fn run(options: &Options, findings: &mut Findings) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut probes = start(options, findings).await?;
        let mut seen: BTreeMap<(&str, Scene), Pairs> = BTreeMap::new();
        let mut counts = BTreeMap::new();
        for round in 1..=options.rounds {
            eprintln!("  round {round} of {}", options.rounds);
            for target in &options.targets {
                if let Err(reason) =
                    measure(options, *target, &mut probes, &mut counts, &mut seen).await
                {
                    // Figures of a server that broke would look like those of one that did not.
                    probes.remove(target.name);
                    seen.retain(|(name, _), _| *name != target.name);
                    findings.failed(target.name, STEP, &reason)?;
                }
            }
        }
        record(&probes, &seen, findings)
    })
}

type Probes = BTreeMap<&'static str, Probe>;

async fn start(options: &Options, findings: &mut Findings) -> io::Result<Probes> {
    let mut probes = Probes::new();
    for target in &options.targets {
        for name in [target.floor, target.name] {
            if probes.contains_key(name) {
                continue;
            }
            let target = find(name).expect("a floor is a target");
            match Probe::start(&options.places, target, &CROWDS, &[]).await {
                Ok(probe) => drop(probes.insert(name, probe)),
                Err(reason) => findings.failed(name, STEP, &reason)?,
            }
        }
    }
    Ok(probes)
}

/// One round of a target, if it and its floor run: a pair of bursts for each page and crowd.
async fn measure(
    options: &Options,
    target: Target,
    probes: &mut Probes,
    counts: &mut BTreeMap<(&'static str, Scene), usize>,
    seen: &mut BTreeMap<(&'static str, Scene), Pairs>,
) -> Result<(), String> {
    if !probes.contains_key(target.name) {
        return Ok(());
    }
    if !probes.contains_key(target.floor) {
        return Err(format!("{} does not run, and there is nothing to compare with", target.floor));
    }
    for page in PAGES {
        for crowd in CROWDS {
            let scene = (page, crowd);
            let mut pair = Vec::with_capacity(2);
            for name in [target.floor, target.name] {
                let probe = probes.get_mut(name).expect("both run");
                let count = match counts.get(&(name, scene)) {
                    Some(count) => *count,
                    None => {
                        let count = probe.calibrate(page, crowd, options.burst).await?;
                        counts.insert((name, scene), count);
                        count
                    }
                };
                pair.push(probe.sample(page, crowd, count).await?);
            }
            let ours = pair.pop().expect("two bursts");
            let floor = pair.pop().expect("two bursts");
            seen.entry((target.name, scene)).or_default().push((floor, ours));
        }
    }
    Ok(())
}

fn record(
    probes: &Probes,
    seen: &BTreeMap<(&'static str, Scene), Pairs>,
    findings: &mut Findings,
) -> io::Result<()> {
    let mut floors: BTreeMap<(&str, Scene), Vec<Sample>> = BTreeMap::new();
    for ((name, (page, crowd)), pairs) in seen {
        let floor = find(name).expect("a target").floor;
        let of_floor = floors.entry((floor, (page, *crowd))).or_default();
        of_floor.extend(pairs.iter().map(|(floor, _)| floor.clone()));
        let ours: Vec<Sample> = pairs.iter().map(|(_, ours)| ours.clone()).collect();
        let above = pairs.iter().map(|(floor, ours)| ours.cpu_us - floor.cpu_us).collect();
        let times = pairs.iter().map(|(floor, ours)| ours.cpu_us / floor.cpu_us).collect();
        for fact in facts(STEP, name, page, *crowd, &ours) {
            findings.fact(&fact)?;
        }
        findings.fact(&Fact::new(STEP, name, "overhead_us", above).on(page, *crowd))?;
        findings.fact(&Fact::new(STEP, name, "times_floor", times).on(page, *crowd))?;
    }
    for ((name, (page, crowd)), samples) in floors {
        for fact in facts(STEP, name, page, crowd, &samples) {
            findings.fact(&fact)?;
        }
    }
    for (name, probe) in probes {
        findings.fact(&Fact::new(STEP, name, "peak_mib", vec![probe.peak_mib()]))?;
    }
    Ok(())
}
