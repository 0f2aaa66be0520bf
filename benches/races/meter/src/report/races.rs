//! The table of the races: who loses what.

use super::table::Table;
use crate::{results::Results, targets::ALL};

/// What each column asks.
pub(super) const ASKED: [(&str, &str); 7] = [
    (
        "kept of 20",
        "20 overlapping requests of one browser each set a key of their own: how many keys are there \
         afterwards?",
    ),
    (
        "reader loses a write",
        "A page that only reads is slow, and another one writes meanwhile: is that write gone?",
    ),
    (
        "writer revives",
        "The visitor logs out while a page of his that writes is under way: does the cookie from \
         before open his session again?",
    ),
    ("reader revives", "The same, with a page that only reads."),
    (
        "browser back in",
        "The same two: is the browser itself logged in again, by the writer / by the reader?",
    ),
    (
        "rotation: write kept, role kept, old id dead",
        "The id is rotated and a role is given while a page with the old id is under way that \
         writes: is the write there, is the role there, and is the old id dead?",
    ),
    ("replay", "No race: the visitor logs out. Does a copy of his cookie open the session?"),
];

/// The table; and whether a request was refused in it.
pub(super) fn table(results: &Results) -> (String, bool) {
    let mut head = vec![""];
    head.extend(ASKED.map(|(column, _)| column));
    let (mut table, mut any) = (Table::new(&head), false);
    for target in ALL {
        if !results.has(target.name) && !failed(results, target.name) {
            continue;
        }
        let of = |race, figure| results.values(target.name, race, figure);
        let mut mark = |race, cell: String| {
            let is_refused = of(race, "refused").iter().any(|refused| *refused > 0);
            any |= is_refused;
            if is_refused { format!("{cell} †") } else { cell }
        };
        let yes = |race, figure| often(&of(race, figure));
        let back = [yes("logout-writer", "back"), yes("logout-reader", "back")];
        let rotation = ["write_kept", "role_kept", "old_id_dead"].map(|f| yes("rotation", f));
        table.row(vec![
            target.label.to_owned(),
            mark("many", range(&of("many", "kept"))),
            mark("slow-reader", yes("slow-reader", "lost")),
            mark("logout-writer", yes("logout-writer", "revived")),
            mark("logout-reader", yes("logout-reader", "revived")),
            back.join(" / "),
            mark("rotation", rotation.join(", ")),
            yes("replay", "opens"),
        ]);
    }
    (table.text(), any)
}

fn failed(results: &Results, name: &str) -> bool {
    results.failures.iter().any(|(target, ..)| target == name)
}

/// In how many of the rounds.
fn often(rounds: &[u64]) -> String {
    let hits = rounds.iter().filter(|value| **value > 0).count();
    match (hits, rounds.len()) {
        (_, 0) => "–".to_owned(),
        (0, _) => "no".to_owned(),
        (hits, all) if hits == all => "yes".to_owned(),
        (hits, all) => format!("{hits} of {all}"),
    }
}

/// From the least to the most.
fn range(rounds: &[u64]) -> String {
    match (rounds.iter().min(), rounds.iter().max()) {
        (Some(least), Some(most)) if least == most => least.to_string(),
        (Some(least), Some(most)) => format!("{least}–{most}"),
        _ => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{often, range};

    #[test]
    fn a_cell_tells_all_rounds() {
        assert_eq!([often(&[]), often(&[0, 0]), often(&[1, 1])], ["–", "no", "yes"]);
        assert_eq!(often(&[1, 0, 0]), "1 of 3");
        assert_eq!([range(&[]), range(&[1, 1]), range(&[3, 1, 2])], ["–", "1", "1–3"]);
    }
}
