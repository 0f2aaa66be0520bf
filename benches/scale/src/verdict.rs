//! The tables of README.md: what grows by more than was the goal, and what a sweep does to writers.

use std::{fmt::Write, fs, io, path::Path};

use crate::report::{All, Series, short};

const BEGIN: &str = "<!-- scale:begin -->\n";
const END: &str = "<!-- scale:end -->";

/// What the largest number of sessions may cost by the smallest.
const GROWTH: f64 = 1.3;

/// What a sweep may make of the other writers' p99.
const SLOWER: f64 = 2.0;

/// A store as the reader knows it, its table, whose figures, the figure, and what that is.
const ROWS: [(&str, &str, &str, &str, &str); 28] = [
    ("memory", "memory", "dewar", "read_us", "a request that reads, µs"),
    ("memory", "memory", "dewar", "written_us", "a request that writes, µs"),
    ("memory", "memory", "dewar", "load_ns", "load, ns"),
    ("memory", "memory", "dewar", "update_ns", "update, ns"),
    ("memory", "memory", "machine", "load_ns", "*as many boxes: read, ns*"),
    ("memory", "memory", "machine", "update_ns", "*as many boxes: write, ns*"),
    ("memory", "memory", "dewar", "bytes", "bytes per session"),
    ("SQLite", "sqlite", "dewar", "read_us", "a request that reads, µs"),
    ("SQLite", "sqlite", "dewar", "written_us", "a request that writes, µs"),
    ("SQLite", "sqlite", "dewar", "load_us", "load, µs"),
    ("SQLite", "sqlite", "dewar", "update_us", "update, 16 callers, µs"),
    ("SQLite", "sqlite", "server", "load_us", "*bare `SELECT`, µs*"),
    ("SQLite", "sqlite", "server", "update_us", "*bare `UPDATE`, 16 at once, µs*"),
    ("SQLite", "sqlite", "dewar", "bytes", "bytes per session"),
    ("Redis", "redis", "dewar", "load_us", "load, µs"),
    ("Redis", "redis", "dewar", "update_us", "update, µs"),
    ("Redis", "redis", "dewar", "16_load_us", "load, 16 callers, µs"),
    ("Redis", "redis", "dewar", "16_update_us", "update, 16 callers, µs"),
    ("Redis", "redis", "server", "load_us", "*bare `GET`, µs*"),
    ("Redis", "redis", "server", "update_us", "*bare `SET`, µs*"),
    ("Redis", "redis", "dewar", "bytes", "bytes per session"),
    ("Postgres", "postgres", "dewar", "load_us", "load, µs"),
    ("Postgres", "postgres", "dewar", "update_us", "update, µs"),
    ("Postgres", "postgres", "dewar", "16_load_us", "load, 16 callers, µs"),
    ("Postgres", "postgres", "dewar", "16_update_us", "update, 16 callers, µs"),
    ("Postgres", "postgres", "server", "load_us", "*bare `SELECT`, µs*"),
    ("Postgres", "postgres", "server", "update_us", "*bare `UPDATE`, µs*"),
    ("Postgres", "postgres", "dewar", "bytes", "bytes per session"),
];

const SWEEPS: [(&str, &str); 3] = [
    ("SQLite, full durability", "dewar"),
    ("SQLite, `NORMAL`", "dewar NORMAL"),
    ("Postgres", "dewar Postgres"),
];

/// Puts the tables between the marks of the page.
pub fn write(all: &All, readme: &Path) -> io::Result<()> {
    let page = fs::read_to_string(readme)?;
    let marked = page
        .split_once(BEGIN)
        .and_then(|(head, rest)| rest.split_once(END).map(|(_, tail)| (head, tail)));
    let (head, tail) =
        marked.ok_or_else(|| io::Error::other(format!("no {BEGIN} … {END} in the page")))?;
    fs::write(readme, format!("{head}{BEGIN}{}\n{}{END}{tail}", growth(all), sweeps(all)))
}

fn series<'a>(all: &'a All, table: &str, store: &str, name: &str) -> Option<&'a Series> {
    all.get(&(table.to_owned(), store.to_owned(), name.to_owned()))
}

fn growth(all: &All) -> String {
    let found =
        ROWS.iter().filter_map(|(_, table, store, name, _)| series(all, table, store, name));
    let mut sizes: Vec<u64> = found.flat_map(|series| series.keys().copied()).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut text = "| store | what |".to_owned();
    for size in &sizes {
        let _ = write!(text, " {size} |");
    }
    let _ = write!(text, " last/first | ≤ {GROWTH} |\n|---|---|");
    text.push_str(&"--:|".repeat(sizes.len()));
    text.push_str("--:|---|\n");
    for (shown, table, store, name, what) in &ROWS {
        let Some(series) = series(all, table, store, name) else { continue };
        let _ = write!(text, "| {shown} | {what} |");
        for size in &sizes {
            let value = series.get(size).map_or_else(String::new, |value| short(*value));
            let _ = write!(text, " {value} |");
        }
        let ends = series.values().next().zip(series.values().next_back());
        let ratio = ends.filter(|_| series.len() > 1).map(|(first, last)| last / first);
        match ratio {
            // The goal is one for the store, not for what it stands on.
            Some(ratio) if *store == "dewar" => {
                let verdict = if ratio <= GROWTH { "yes" } else { "**no**" };
                let _ = writeln!(text, " {ratio:.2} | {verdict} |");
            }
            Some(ratio) => {
                let _ = writeln!(text, " {ratio:.2} | |");
            }
            None => text.push_str(" | |\n"),
        }
    }
    text
}

fn sweeps(all: &All) -> String {
    let mut text = format!(
        "| sweep | expired rows | takes, s | p50 before, ms | during | p99 before, ms | during | \
         p99, times | ≤ {SLOWER} |\n|---|--:|--:|--:|--:|--:|--:|--:|---|\n"
    );
    for (shown, store) in SWEEPS {
        let value = |table, name| {
            let last = series(all, table, store, name).and_then(|series| series.last_key_value());
            last.map(|(rows, value)| (*rows, *value))
        };
        let of = |table, name| value(table, name).map_or(f64::NAN, |(_, value)| value);
        let Some((rows, seconds)) = value("sweep", "seconds") else { continue };
        let times = of("sweep", "p99_ms") / of("alone", "p99_ms");
        let _ = writeln!(
            text,
            "| {shown} | {rows} | {} | {} | {} | {} | {} | {times:.2} | {} |",
            short(seconds),
            short(of("alone", "p50_ms")),
            short(of("sweep", "p50_ms")),
            short(of("alone", "p99_ms")),
            short(of("sweep", "p99_ms")),
            if times <= SLOWER { "yes" } else { "**no**" }
        );
    }
    text.push_str("| Redis | | | | | | | | forgets by itself |\n");
    text
}
