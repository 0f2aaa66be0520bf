//! One figure of a run, as every part of the comparison writes it and the report reads it.
//!
//! A line of text, its fields separated by tabs, `-` for what does not apply:
//!
//! ```text
//! fact  STEP  TARGET  PAGE  CONNECTIONS  FIGURE  VALUE  LOW  HIGH
//! ```
//!
//! `VALUE` is the median, `LOW` and `HIGH` are the least and the greatest of what was seen.

use std::{fmt, str::FromStr};

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What was done: `in-process`, `allocations`, `end-to-end`, `memory`, …
    pub step: String,
    /// With whom: `dewar-cookie`, `floor`, …
    pub target: String,
    /// The page that was asked for, or `-`.
    pub page: String,
    /// Over how many connections; 0 without a socket.
    pub connections: usize,
    /// What is counted, with its unit: `overhead_ns`, `requests_per_s`, …
    pub figure: String,
    /// The median.
    pub value: f64,
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Fact {
    /// A figure from what was seen in several rounds.
    ///
    /// # Panics
    /// If nothing was seen.
    pub fn new(step: &str, target: &str, figure: &str, mut seen: Vec<f64>) -> Self {
        assert!(!seen.is_empty(), "{step} {target} {figure}: nothing was seen");
        seen.sort_by(f64::total_cmp);
        let middle = seen.len() / 2;
        let value = if seen.len() % 2 == 1 {
            seen[middle]
        } else {
            (seen[middle - 1] + seen[middle]) / 2.0
        };
        Self {
            step: step.to_owned(),
            target: target.to_owned(),
            page: "-".to_owned(),
            connections: 0,
            figure: figure.to_owned(),
            value,
            low: seen[0],
            high: seen[seen.len() - 1],
        }
    }

    /// The same figure, of this page over so many connections.
    #[must_use]
    pub fn on(mut self, page: &str, connections: usize) -> Self {
        page.clone_into(&mut self.page);
        self.connections = connections;
        self
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, target, page, connections, figure, value, low, high } = self;
        write!(f, "fact\t{step}\t{target}\t{page}\t")?;
        match connections {
            0 => f.write_str("-")?,
            connections => write!(f, "{connections}")?,
        }
        write!(f, "\t{figure}\t{value:.3}\t{low:.3}\t{high:.3}")
    }
}

impl FromStr for Fact {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("{line:?} is no fact: {why}");
        let fields: Vec<&str> = line.split('\t').collect();
        let ["fact", step, target, page, connections, figure, value, low, high] = fields[..] else {
            return Err(wrong("it needs the word fact and 8 fields"));
        };
        let number = |text: &str| text.parse().map_err(|_| wrong(&format!("{text} is no number")));
        Ok(Self {
            step: step.to_owned(),
            target: target.to_owned(),
            page: page.to_owned(),
            connections: if connections == "-" { 0 } else { number(connections)? as usize },
            figure: figure.to_owned(),
            value: number(value)?,
            low: number(low)?,
            high: number(high)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Fact;

    #[test]
    fn a_line_reads_as_what_was_written() {
        let fact = Fact::new("end-to-end", "floor", "cpu_us", vec![3.0, 1.5, 9.25, 2.0]);
        assert_eq!((fact.low, fact.value, fact.high), (1.5, 2.5, 9.25));
        for fact in [fact.clone().on("/read", 16), fact] {
            assert_eq!(fact.to_string().parse(), Ok(fact));
        }
        assert!("fact\tone".parse::<Fact>().is_err());
    }
}
