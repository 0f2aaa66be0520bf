//! What a run has found, a line each: written as it is found, read by the report.
//!
//! ```text
//! note    NAME  TEXT
//! found   TARGET  RACE  ROUND  FIGURE  VALUE
//! failed  TARGET  RACE  REASON
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use crate::races::Figures;

/// The file that a run adds to.
pub(crate) struct Findings(File);

impl Findings {
    pub(crate) fn add_to(path: &Path) -> io::Result<Self> {
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    pub(crate) fn found(
        &mut self,
        target: &str,
        race: &str,
        round: usize,
        figures: &Figures,
    ) -> io::Result<()> {
        for (figure, value) in figures {
            writeln!(self.0, "found\t{target}\t{race}\t{round}\t{figure}\t{value}")?;
        }
        Ok(())
    }

    /// Nobody is dropped in silence: what could not be run stands in the table.
    pub(crate) fn failed(&mut self, target: &str, race: &str, reason: &str) -> io::Result<()> {
        eprintln!("  {target}: {race} failed: {reason}");
        let reason = reason.replace(['\t', '\n'], " ");
        writeln!(self.0, "failed\t{target}\t{race}\t{}", reason.trim())
    }
}

#[derive(Clone, Debug)]
struct Found {
    target: String,
    race: String,
    figure: String,
    value: u64,
}

/// All that a run has found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    found: Vec<Found>,
    pub(crate) notes: Vec<(String, String)>,
    /// Who, in what, why.
    pub(crate) failures: Vec<(String, String, String)>,
}

impl Results {
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        Self::parse(&fs::read_to_string(path)?)
    }

    fn parse(text: &str) -> io::Result<Self> {
        let mut results = Self::default();
        for line in text.lines() {
            let wrong = || {
                let why = format!("{line:?} is neither a note, nor found, nor failed");
                io::Error::new(io::ErrorKind::InvalidData, why)
            };
            let fields: Vec<&str> = line.split('\t').collect();
            match fields[..] {
                ["note", name, text] => results.notes.push((name.to_owned(), text.to_owned())),
                ["failed", target, race, reason] => {
                    results.failures.push((target.to_owned(), race.to_owned(), reason.to_owned()));
                }
                ["found", target, race, _, figure, value] => results.found.push(Found {
                    target: target.to_owned(),
                    race: race.to_owned(),
                    figure: figure.to_owned(),
                    value: value.parse().map_err(|_| wrong())?,
                }),
                _ => return Err(wrong()),
            }
        }
        Ok(results)
    }

    /// A figure in every round.
    pub(crate) fn values(&self, target: &str, race: &str, figure: &str) -> Vec<u64> {
        let of =
            |found: &&Found| found.target == target && found.race == race && found.figure == figure;
        self.found.iter().filter(of).map(|found| found.value).collect()
    }

    /// Whether anything was found of somebody.
    pub(crate) fn has(&self, target: &str) -> bool {
        self.found.iter().any(|found| found.target == target)
    }
}

#[cfg(test)]
mod tests {
    use super::Results;

    #[test]
    fn what_was_found_is_read() {
        let text = "note\tdate\ttoday\nfound\ta\tmany\t1\tkept\t20\nfound\ta\tmany\t2\tkept\t1\n\
                    failed\tb\tmany\tit does not listen\n";
        let results = Results::parse(text).unwrap();
        assert_eq!(results.values("a", "many", "kept"), [20, 1]);
        assert!(results.values("b", "many", "kept").is_empty());
        assert_eq!(results.notes, [("date".to_owned(), "today".to_owned())]);
        assert_eq!(results.failures[0].2, "it does not listen");
        assert!(results.has("a") && !results.has("b"));
        assert!(Results::parse("found\ta\tmany\t1\tkept\tall").is_err());
        assert!(Results::parse("nothing").is_err());
    }
}
