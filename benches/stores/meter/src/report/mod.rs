//! What a reader sees of a run.

#[path = "../../../../compare/meter/src/report/table.rs"]
#[allow(dead_code, reason = "one way to write a number is enough here")]
mod table;
mod versions;

use std::{error::Error, fs, path::Path};

use table::{Table, number};

use crate::{
    results::{Of, Results},
    rounds::{CROWDS, PAGES, STEP},
    targets::{self, Store, Target},
};

const BEGIN: &str = "<!-- stores:begin -->";
const END: &str = "<!-- stores:end -->";
/// What each page does with the session, in the order of `PAGES`.
const TITLES: [&str; 3] = ["no session", "read", "read and written"];
/// The figures that must not be above the fastest peer's.
const LESS_IS_BETTER: [(&str, &str); 4] = [
    ("cpu_us", "CPU, application"),
    ("both_cpu_us", "CPU, with the store's server"),
    ("p50_us", "p50"),
    ("p99_us", "p99"),
];

/// The tables, who ran, and how.
///
/// # Errors
/// If a lock file cannot be read.
pub(crate) fn text(results: &Results, here: &Path) -> Result<String, Box<dyn Error>> {
    let crowds = CROWDS.map(|crowd| crowd.to_string()).join(" / ");
    let mut text = format!(
        "dewar, in shares of the best peer on the same store in each figure, with {crowds} connections; \
         1 is as fast, less is better:\n\n"
    );
    text += &shares(results).text();
    for (page, title) in PAGES.into_iter().zip(TITLES) {
        text += &format!("\n### {}{}\n\n", title[..1].to_uppercase(), &title[1..]);
        text += &page_table(results, page).text();
    }
    for failure in &results.failures {
        text += &format!("\nFailed: {}: {}.\n", failure.target, failure.reason);
    }
    text += "\nHow each is set: ";
    let set = |target: &Target| {
        format!("{} in {} ({})", target.label, target.store.label(), target.settings)
    };
    let settings: Vec<_> =
        targets::ALL.iter().filter(|target| !target.is_floor()).map(set).collect();
    text += &settings.join("; ");
    let notes: Vec<_> =
        results.notes.iter().map(|(name, text)| format!("{name}: {text}")).collect();
    text += &format!(".\n\n{}. {}.\n", notes.join("; "), versions::read(here)?);
    Ok(text)
}

fn value(results: &Results, target: &str, page: &str, crowd: usize, figure: &str) -> Option<f64> {
    results.value(Of { step: STEP, target, page, connections: crowd, figure })
}

/// dewar beside the best of its peers, figure by figure.
fn shares(results: &Results) -> Table {
    let head: Vec<_> =
        ["store, page"].into_iter().chain(LESS_IS_BETTER.map(|(_, label)| label)).collect();
    let mut table = Table::new(&head);
    for store in Store::ALL {
        for (page, title) in PAGES.into_iter().zip(TITLES) {
            let mut row = vec![format!("{}, {title}", store.label())];
            for (figure, _) in LESS_IS_BETTER {
                let cells = CROWDS.map(|crowd| match share(results, store, page, crowd, figure) {
                    Some(share) => format!("{share:.2}"),
                    None => "–".to_owned(),
                });
                row.push(cells.join(" / "));
            }
            table.row(row);
        }
    }
    table
}

/// `None` if dewar or every peer was not measured.
fn share(results: &Results, store: Store, page: &str, crowd: usize, figure: &str) -> Option<f64> {
    let all = targets::ALL.iter().filter(|target| target.store == store);
    let (peers, ours): (Vec<_>, Vec<_>) = all.partition(|target| target.is_peer());
    let of = |target: &&Target| value(results, target.name, page, crowd, figure);
    let best = peers.iter().filter_map(of).min_by(f64::total_cmp)?;
    Some(ours.iter().find_map(of)? / best)
}

/// Everybody on one page.
fn page_table(results: &Results, page: &str) -> Table {
    let mut table = Table::new(&[
        "store, application",
        "connections",
        "CPU µs",
        "store's CPU µs",
        "requests/s",
        "p50 µs",
        "p99 µs",
    ]);
    for target in targets::ALL {
        for crowd in CROWDS {
            let figure = |figure| value(results, target.name, page, crowd, figure);
            if figure("cpu_us").is_none() {
                continue;
            }
            let label = match target.is_floor() {
                true => target.label.to_owned(),
                false => format!("{}, {}", target.store.label(), target.label),
            };
            // SQLite runs in the application's process.
            let has_server = matches!(target.store, Store::Redis | Store::Postgres);
            let store_cpu = figure("store_cpu_us").filter(|_| has_server);
            let mut row =
                vec![label, crowd.to_string(), number(figure("cpu_us")), number(store_cpu)];
            row.extend(["requests_per_s", "p50_us", "p99_us"].map(|name| number(figure(name))));
            table.row(row);
        }
    }
    table
}

/// Puts a text between the markers of a file.
///
/// # Errors
/// If it cannot be read or written, or the markers are not there.
pub(crate) fn put_into(readme: &Path, table: &str) -> Result<(), Box<dyn Error>> {
    let replaced = between(&fs::read_to_string(readme)?, table).ok_or_else(|| {
        format!("{} needs the lines {BEGIN} and {END}, in this order", readme.display())
    })?;
    Ok(fs::write(readme, replaced)?)
}

fn between(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use compare_fact::Fact;

    use crate::{results::Results, rounds::STEP, targets::Store};

    #[test]
    fn the_table_replaces_what_stood_between_the_markers() {
        let text = "a\n<!-- stores:begin -->\nold\n<!-- stores:end -->\nb\n";
        let replaced = super::between(text, "new\n").unwrap();
        assert_eq!(replaced, "a\n<!-- stores:begin -->\nnew\n<!-- stores:end -->\nb\n");
        assert_eq!(super::between("no markers", "new\n"), None);
    }

    #[test]
    fn dewar_is_measured_beside_the_best_peer_of_its_store() {
        let fact = |target, us| Fact::new(STEP, target, "cpu_us", vec![us]).on("/read", 16);
        let facts = vec![
            fact("dewar-redis", 30.0),
            fact("tower-sessions-redis", 60.0),
            fact("actix-session-redis", 40.0),
            fact("tower-sessions-sqlite", 1.0),
        ];
        let results = Results { facts, ..Results::default() };
        let share = |store| super::share(&results, store, "/read", 16, "cpu_us");
        assert_eq!(share(Store::Redis), Some(0.75));
        assert_eq!(share(Store::Sqlite), None);
    }
}
