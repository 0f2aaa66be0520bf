//! What a run has found, a line each: written as it is found, read by the report.
//!
//! Beside facts there are `note NAME TEXT` and `failed TARGET STEP REASON`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use compare_fact::Fact;

/// The file that a step adds to.
pub(crate) struct Findings(File);

impl Findings {
    pub(crate) fn add_to(path: &Path) -> io::Result<Self> {
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    pub(crate) fn fact(&mut self, fact: &Fact) -> io::Result<()> {
        writeln!(self.0, "{fact}")
    }

    /// Nobody is dropped in silence: what could not be measured stands in the report.
    pub(crate) fn failed(&mut self, target: &str, step: &str, reason: &str) -> io::Result<()> {
        eprintln!("  {target}: {step} failed: {reason}");
        let reason = reason.replace(['\t', '\n'], " ");
        writeln!(self.0, "failed\t{target}\t{step}\t{reason}")
    }
}

/// Something that could not be measured.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) target: String,
    pub(crate) step: String,
    pub(crate) reason: String,
}

/// All that a run has found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    pub(crate) facts: Vec<Fact>,
    pub(crate) notes: Vec<(String, String)>,
    pub(crate) failures: Vec<Failure>,
}

impl Results {
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let mut results = Self::default();
        for line in fs::read_to_string(path)?.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields[..] {
                ["note", name, text] => results.notes.push((name.to_owned(), text.to_owned())),
                ["failed", target, step, reason] => results.failures.push(Failure {
                    target: target.to_owned(),
                    step: step.to_owned(),
                    reason: reason.to_owned(),
                }),
                _ => results.facts.push(line.parse().map_err(wrong)?),
            }
        }
        Ok(results)
    }

    pub(crate) fn note(&self, name: &str) -> &str {
        let found = self.notes.iter().find(|(known, _)| known == name);
        found.map_or("unknown", |(_, text)| text)
    }

    /// One figure, if it was found.
    pub(crate) fn fact(&self, of: Of<'_>) -> Option<&Fact> {
        self.facts.iter().find(|fact| {
            fact.step == of.step
                && fact.target == of.target
                && fact.page == of.page
                && fact.connections == of.connections
                && fact.figure == of.figure
        })
    }

    /// Its median.
    pub(crate) fn value(&self, of: Of<'_>) -> Option<f64> {
        self.fact(of).map(|fact| fact.value)
    }
}

/// Which figure is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of<'a> {
    pub(crate) step: &'a str,
    pub(crate) target: &'a str,
    pub(crate) page: &'a str,
    pub(crate) connections: usize,
    pub(crate) figure: &'a str,
}

/// What a session costs inside the process, in nanoseconds.
pub(crate) fn in_process<'a>(target: &'a str, page: &'a str) -> Of<'a> {
    Of { step: "in-process", target, page, connections: 0, figure: "overhead_ns" }
}

/// What a session costs in allocations.
pub(crate) fn allocations<'a>(target: &'a str, page: &'a str) -> Of<'a> {
    Of { step: "allocations", target, page, connections: 0, figure: "allocations" }
}

/// A figure of requests over sockets.
pub(crate) fn end_to_end<'a>(
    target: &'a str,
    page: &'a str,
    connections: usize,
    figure: &'a str,
) -> Of<'a> {
    Of { step: "end-to-end", target, page, connections, figure }
}

/// A figure of a step that knows no pages.
pub(crate) fn of_step<'a>(step: &'a str, target: &'a str, figure: &'a str) -> Of<'a> {
    Of { step, target, page: "-", connections: 0, figure }
}
