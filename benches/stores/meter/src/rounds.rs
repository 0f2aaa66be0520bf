//! Rounds of bursts: in each, everybody in turn, so that noise falls on all alike.

use std::{collections::BTreeMap, io, path::PathBuf, time::Duration};

use compare_fact::Fact;
use tokio::runtime::Builder;

use crate::{
    databases::Databases,
    probe::{Probe, Sample},
    results::Findings,
    samples::facts,
    targets::Target,
};

/// The name of the one step, in the file of figures.
pub(crate) const STEP: &str = "stores";
/// No session, one that is read, and one that is read and written.
pub(crate) const PAGES: [&str; 3] = ["/unused", "/read", "/"];
/// Visitors at once, each with a connection and a session of its own.
pub(crate) const CROWDS: [usize; 3] = [1, 16, 64];

/// How much, and where things lie.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// How long a burst takes, about.
    pub(crate) burst: Duration,
    /// Where the programs were built.
    pub(crate) programs: PathBuf,
    /// Where servers keep their files, on a real disk.
    pub(crate) data: PathBuf,
}

/// Measures these targets.
///
/// # Errors
/// If there are no databases, or a finding cannot be written.
pub(crate) fn run(plan: &Plan, targets: &[Target], findings: &mut Findings) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let databases = Databases::start()?;
        let mut probes = BTreeMap::new();
        for target in targets {
            match Probe::start(plan, &databases, *target, &CROWDS).await {
                Ok(probe) => drop(probes.insert(target.name, probe)),
                Err(reason) => findings.failed(target.name, STEP, &reason)?,
            }
        }
        let mut counts = BTreeMap::new();
        let mut seen: BTreeMap<_, Vec<Sample>> = BTreeMap::new();
        for round in 1..=plan.rounds {
            eprintln!("  round {round} of {}", plan.rounds);
            for page in PAGES {
                for crowd in CROWDS {
                    for target in turn(targets, round) {
                        let Some(probe) = probes.get_mut(target.name) else { continue };
                        let scene = (target.name, page, crowd);
                        match burst(plan, &databases, probe, &mut counts, scene).await {
                            Ok(sample) => seen.entry(scene).or_default().push(sample),
                            Err(reason) => {
                                let reason = format!("{page}, {crowd} connections: {reason}");
                                findings.failed(target.name, STEP, &reason)?;
                                probes.remove(target.name);
                                // What it had done before would stand there as if nothing were wrong.
                                seen.retain(|(name, _, _), _| *name != target.name);
                            }
                        }
                    }
                }
            }
        }
        for ((name, page, crowd), samples) in &seen {
            for fact in facts(STEP, name, page, *crowd, samples) {
                findings.fact(&fact)?;
            }
            let figures: [(&str, fn(&Sample) -> f64); 2] = [
                ("store_cpu_us", |sample| sample.store_cpu_us),
                ("both_cpu_us", |sample| sample.cpu_us + sample.store_cpu_us),
            ];
            for (figure, value) in figures {
                let values = samples.iter().map(value).collect();
                findings.fact(&Fact::new(STEP, name, figure, values).on(page, *crowd))?;
            }
        }
        Ok(())
    })
}

/// Everybody, forwards in one round and backwards in the next: nobody always comes after the same one.
fn turn(targets: &[Target], round: usize) -> Vec<Target> {
    let mut order = targets.to_vec();
    if round.is_multiple_of(2) {
        order.reverse();
    }
    order
}

type Scene = (&'static str, &'static str, usize);

async fn burst(
    plan: &Plan,
    databases: &Databases,
    probe: &mut Probe,
    counts: &mut BTreeMap<Scene, usize>,
    scene: Scene,
) -> Result<Sample, String> {
    let (_, page, crowd) = scene;
    let count = match counts.get(&scene) {
        Some(count) => *count,
        None => {
            let count = probe.calibrate(databases, page, crowd, plan.burst).await?;
            counts.insert(scene, count);
            count
        }
    };
    probe.sample(databases, page, crowd, count).await
}
