//! How much memory sessions take, each store in a process of its own.

use std::io;

use super::in_process::{facts, record};
use crate::{options::Options, results::Findings};

/// The stores, and whether they have sessions that expire.
const STORES: [(&str, bool); 3] =
    [("dewar-memory", true), ("hand-memory", false), ("tower-sessions-memory", true)];

pub(crate) fn run(options: &Options, findings: &mut Findings) -> io::Result<()> {
    for (name, expires) in STORES {
        if options.targets.iter().all(|target| target.name != name) {
            continue;
        }
        eprintln!("  {name}");
        let program = options.places.programs.join("memory");
        let live = facts(&program, &["live", name, &options.sessions.to_string()]);
        record(findings, name, "memory", live)?;
        if expires {
            // A tenth shows growth as well as all.
            let generation = (options.sessions / 10).to_string();
            let churned = facts(&program, &["churn", name, &generation]);
            record(findings, name, "memory", churned)?;
        }
    }
    Ok(())
}
