//! The part of the report that README.md shows.

use std::{error::Error, fmt::Write, fs, path::Path};

use super::{
    goals,
    table::{Table, number, whole},
    tables::conditions,
};
use crate::{
    results::{Results, allocations, end_to_end, in_process},
    targets::find,
};

const BEGIN: &str = "<!-- compare:begin -->";
const END: &str = "<!-- compare:end -->";

/// Who is called inside the process.
const INSIDE: [&str; 9] = [
    "dewar-cookie",
    "hand-cookie",
    "axum-extra-signed",
    "axum-extra-private",
    "actix-session-cookie",
    "dewar-memory",
    "hand-memory",
    "tower-sessions-memory",
    "axum-session-memory",
];

/// Who is asked over sockets.
const SOCKETS: [&str; 8] = [
    "dewar-cookie",
    "dewar-memory",
    "dewar-sqlite-normal",
    "tower-sessions-sqlite-wal",
    "dewar-sqlite-full",
    "tower-sessions-sqlite",
    "flask-gthread",
    "starlette",
];

/// What stands between the markers.
pub(super) fn table(results: &Results, versions: &str) -> String {
    let mut text = String::from(
        "What a session of 100 bytes costs above the same framework without sessions, in \
         nanoseconds of processor time, called without a socket; and in allocations:\n\n",
    );
    let head = ["", "untouched", "read", "read and written", "allocations"];
    let mut inside = Table::new(&head);
    for name in INSIDE {
        let pages = ["/unused", "/read", "/"];
        let mut row = vec![label(name)];
        row.extend(pages.map(|page| whole(results.value(in_process(name, page)))));
        let counts = pages.map(|page| whole(results.value(allocations(name, page))));
        row.push(counts.join(" / "));
        inside.row(row);
    }
    text += &inside.text();
    text += "\nOver sockets with 16 connections, a page that reads and writes the session, in \
             microseconds of the server's processor time for each request:\n\n";
    let mut sockets = Table::new(&["", "session", "whole request"]);
    for name in SOCKETS {
        let value = |figure| number(results.value(end_to_end(name, "/", 16, figure)));
        sockets.row(vec![label(name), value("overhead_us"), value("cpu_us")]);
    }
    text += &sockets.text();
    let goals = goals::sentence(results);
    let _ = write!(
        text,
        "\n{goals} [All tables and goals](benches/compare/results/report.md), \
         [plot](benches/compare/results/overhead.svg). `benches/compare/run` measures it anew.\n\n\
         {}. {versions}.\n",
        conditions(results)
    );
    text
}

fn label(name: &str) -> String {
    find(name).map_or(name, |target| target.label).to_owned()
}

/// Puts a file between the markers of another.
///
/// # Errors
/// If one of the two cannot be read, or the markers are not there.
pub(crate) fn put_into(readme: &Path, table: &Path) -> Result<(), Box<dyn Error>> {
    let (text, table) = (fs::read_to_string(readme)?, fs::read_to_string(table)?);
    let replaced = between(&text, &table).ok_or_else(|| {
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
    #[test]
    fn the_table_replaces_what_stood_between_the_markers() {
        let text = "a\n<!-- compare:begin -->\nold\n<!-- compare:end -->\nb\n";
        let replaced = super::between(text, "new\n").unwrap();
        assert_eq!(replaced, "a\n<!-- compare:begin -->\nnew\n<!-- compare:end -->\nb\n");
        assert_eq!(super::between(&replaced, "new\n"), Some(replaced.clone()));
        assert_eq!(super::between("no markers", "new\n"), None);
    }
}
