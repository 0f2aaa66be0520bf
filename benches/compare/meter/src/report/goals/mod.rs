//! What dewar wants to reach, and what this run reached.

mod list;

use super::table::{Table, number};
use crate::results::Results;

/// What a figure must be.
#[derive(Clone, Copy, Debug)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
    Below(f64),
}

/// A goal, and the two figures that are compared; or one alone.
struct Goal<'a> {
    what: &'a str,
    limit: Limit,
    ours: Option<f64>,
    theirs: Option<f64>,
}

use Limit::{AtLeast, AtMost, Below};

/// What became of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Met,
    Missed,
    NotMeasured,
}

impl Goal<'_> {
    fn reached(&self) -> Option<f64> {
        match (self.ours, self.theirs) {
            // A cost that drowned in noise is no yardstick.
            (Some(ours), Some(theirs)) if theirs > 0.0 => Some(ours / theirs),
            _ => None,
        }
    }

    fn verdict(&self) -> Verdict {
        let met = self.reached().map(|reached| match self.limit {
            AtMost(limit) => reached <= limit,
            AtLeast(limit) => reached >= limit,
            Below(limit) => reached < limit,
        });
        match met {
            Some(true) => Verdict::Met,
            Some(false) => Verdict::Missed,
            None => Verdict::NotMeasured,
        }
    }
}

/// All goals as a table.
pub(super) fn table(results: &Results) -> Table {
    let mut table = Table::new(&["goal", "limit", "reached", "from", ""]);
    for goal in list::goals(results) {
        let limit = match goal.limit {
            AtMost(limit) => format!("≤ {}", plain(limit)),
            AtLeast(limit) => format!("≥ {}", plain(limit)),
            Below(limit) => format!("< {}", plain(limit)),
        };
        let from = match goal.theirs {
            Some(1.0) | None => String::new(),
            theirs => format!("{} / {}", number(goal.ours), number(theirs)),
        };
        let verdict = match goal.verdict() {
            Verdict::Met => "ok",
            Verdict::Missed => "MISSED",
            Verdict::NotMeasured => "not measured",
        };
        let reached = goal.reached().map_or_else(|| "–".to_owned(), plain);
        table.row(vec![goal.what.to_owned(), limit, reached, from, verdict.to_owned()]);
    }
    table
}

/// How many goals were reached, in a sentence that hides none of the others.
pub(super) fn sentence(results: &Results) -> String {
    let verdicts: Vec<Verdict> = list::goals(results).iter().map(Goal::verdict).collect();
    let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    let (met, missed) = (count(Verdict::Met), count(Verdict::Missed));
    let mut text = format!("Of {} goals {met} are reached", verdicts.len());
    if missed > 0 {
        text += &format!(", {missed} missed");
    }
    match count(Verdict::NotMeasured) {
        0 => text + ".",
        unknown => text + &format!(", {unknown} not measured."),
    }
}

fn plain(value: f64) -> String {
    if value < 0.1 { format!("{value:.4}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use compare_fact::Fact;

    use crate::results::Results;

    #[test]
    fn the_sentence_counts_what_the_table_shows() {
        let fact =
            |target, ns| Fact::new("in-process", target, "overhead_ns", vec![ns]).on("/unused", 0);
        let facts = vec![
            fact("tower-sessions-memory", 1000.0),
            fact("dewar-cookie", 350.0),
            fact("dewar-memory", 351.0),
        ];
        let results = Results { facts, ..Results::default() };
        let sentence = super::sentence(&results);
        let table = super::table(&results).text();
        let ending = |verdict: &str| table.lines().filter(|line| line.contains(verdict)).count();
        assert_eq!((ending(" ok |"), ending(" MISSED |")), (1, 1));
        let (all, unknown) = (table.lines().count() - 2, ending(" not measured |"));
        assert_eq!(
            sentence,
            format!("Of {all} goals 1 are reached, 1 missed, {unknown} not measured.")
        );
    }
}
