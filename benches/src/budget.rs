//! What a request may cost: figures in a file, and what it means when one differs.

use std::{collections::BTreeMap, fmt};

/// How far a figure may be from its budget, either way: 5 %.
const TOLERANCE: f64 = 0.05;

/// The budgets, and how they were taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// The compiler and machine, as in `rustc 1.95.0 (…) on x86_64-unknown-linux-gnu`.
    pub taken_with: String,
    /// Instructions for each case.
    pub instructions: BTreeMap<String, u64>,
}

/// What a figure is, beside its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a figure is one of these")]
pub enum Judgement {
    /// There is no budget.
    Unknown,
    /// Within the tolerance.
    Kept,
    /// More than 5 % above.
    Dearer,
    /// More than 5 % below. The budget lets a slowdown pass that nobody would see.
    Cheaper,
}

const TAKEN_WITH: &str = "# Taken with ";

impl Budgets {
    /// Reads the file: `#` begins a remark, every other line is a case, a tab and a number.
    ///
    /// # Errors
    /// A text that names the line and what it should be.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut budgets =
            Self { taken_with: "nobody knows what".into(), instructions: BTreeMap::new() };
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(with) = line.strip_prefix(TAKEN_WITH) {
                budgets.taken_with = with.into();
            }
            if line.starts_with('#') {
                continue;
            }
            let (case, number) = line
                .split_once('\t')
                .and_then(|(case, number)| Some((case, number.parse().ok()?)))
                .ok_or_else(|| format!("{line:?} is not a case, a tab and a number"))?;
            if budgets.instructions.insert(case.into(), number).is_some() {
                return Err(format!("{case:?} has two budgets: leave one"));
            }
        }
        Ok(budgets)
    }

    /// What this figure is beside the budget of this case.
    pub fn judge(&self, case: &str, instructions: u64) -> Judgement {
        match self.ratio(case, instructions) {
            None => Judgement::Unknown,
            Some(ratio) if ratio > 1.0 + TOLERANCE => Judgement::Dearer,
            Some(ratio) if ratio < 1.0 - TOLERANCE => Judgement::Cheaper,
            Some(_) => Judgement::Kept,
        }
    }

    /// The figure as a multiple of the budget.
    pub fn ratio(&self, case: &str, instructions: u64) -> Option<f64> {
        let budget = *self.instructions.get(case)?;
        Some(instructions as f64 / budget.max(1) as f64)
    }
}

/// The file.
impl fmt::Display for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Instructions for one request, counted by callgrind. \"axum\" is a page without"
        )?;
        writeln!(
            f,
            "# sessions, every other line what is paid above it. Never edit a number by hand:"
        )?;
        writeln!(f, "# `./test --instructions --bless` takes them anew.")?;
        writeln!(f, "{TAKEN_WITH}{}", self.taken_with)?;
        self.instructions.iter().try_for_each(|(case, number)| writeln!(f, "{case}\t{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets() -> Budgets {
        let instructions = [("cookie, read".into(), 20_000), ("unused".into(), 400)];
        Budgets {
            taken_with: "rustc 1.95.0 on a machine".into(),
            instructions: instructions.into(),
        }
    }

    #[test]
    fn more_than_five_percent_either_way_is_no_longer_the_budget() {
        for (instructions, judgement) in [
            (0, Judgement::Cheaper),
            (18_999, Judgement::Cheaper),
            (19_000, Judgement::Kept),
            (20_000, Judgement::Kept),
            (21_000, Judgement::Kept),
            (21_001, Judgement::Dearer),
            (u64::MAX, Judgement::Dearer),
        ] {
            assert_eq!(budgets().judge("cookie, read", instructions), judgement, "{instructions}");
        }
    }

    #[test]
    fn a_case_without_a_budget_is_not_kept() {
        assert_eq!(budgets().judge("cookie, write", 1), Judgement::Unknown);
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(Budgets::read(&budgets().to_string()), Ok(budgets()));
    }

    #[test]
    fn a_line_that_is_no_budget_is_named() {
        for line in ["unused 400", "unused\t4e2", "unused\t-1", "unused\t", "unused"] {
            let error = Budgets::read(line).unwrap_err();
            assert!(error.contains(&format!("{line:?}")), "{error}");
        }
        assert!(Budgets::read("unused\t1\nunused\t2").unwrap_err().contains("two budgets"));
    }
}
