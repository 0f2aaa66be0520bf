//! From the lines of the measurements to tables and a picture.

use std::{collections::BTreeMap, error::Error, fmt::Write, fs, path::Path};

use crate::{plot, verdict};

/// What each table shows.
const TITLES: [(&str, &str); 8] = [
    ("memory", "MemoryStore by sessions, 200 bytes each; `machine` is as many boxes and no store"),
    (
        "sqlite",
        "SqliteStore, NORMAL, by sessions of 200 bytes; one reads, 16 write; CPU of the process",
    ),
    (
        "redis",
        "RedisStore, one node, by sessions of 200 bytes; p50 of a caller, alone and with 15 others",
    ),
    (
        "postgres",
        "PostgresStore without waiting for the disk, likewise; `server` is a bare statement",
    ),
    ("size", "Both stores by bytes of a session, 100 sessions; one caller"),
    ("keys", "A cookie of 100 bytes by keys in the ring"),
    ("alone", "What a writer waits without a sweep"),
    ("sweep", "What a writer waits while so many expired rows are swept; `empty`: nothing is due"),
];

/// The values of one figure of one store, by size.
pub type Series = BTreeMap<u64, f64>;

/// Of a table, a store and a figure.
pub type All = BTreeMap<(String, String, String), Series>;

pub fn run(tsv: &Path, svg: &Path, readme: &Path) -> Result<(), Box<dyn Error>> {
    let all = read(&fs::read_to_string(tsv)?)?;
    for (table, title) in TITLES {
        print!("\n{title}\n{}", text(&all, table));
    }
    println!("\ngrowth: what the largest costs by the smallest");
    let panel = |table, figures: &[&str]| -> Vec<plot::Line<'_>> {
        let wanted =
            all.iter().filter(|((of, _, name), _)| of == table && figures.contains(&&**name));
        wanted.map(|((_, store, name), series)| (format!("{store}: {name}"), series)).collect()
    };
    let memory = panel("memory", &["load_ns", "update_ns"]);
    let sqlite = panel("sqlite", &["load_us", "update_us"]);
    let waits = ["load_us", "update_us", "16_load_us", "16_update_us"];
    let server = |table| panel(table, &waits);
    let panels = [
        ("MemoryStore: CPU ns per call, by sessions", memory),
        ("SQLite: CPU µs per call, by sessions", sqlite),
        ("Redis: µs that a caller waits, p50, by sessions", server("redis")),
        ("Postgres: µs that a caller waits, p50, by sessions", server("postgres")),
    ];
    fs::write(svg, plot::svg(&panels))?;
    Ok(verdict::write(&all, readme)?)
}

fn read(lines: &str) -> Result<All, Box<dyn Error>> {
    let mut all = All::new();
    for line in lines.lines() {
        let [table, store, size, name, value] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("not five fields: {line}").into());
        };
        let key = (table.to_owned(), store.to_owned(), name.to_owned());
        all.entry(key).or_default().insert(size.parse()?, value.parse()?);
    }
    Ok(all)
}

/// One line for each figure of each store, one column for each size, and what the largest costs by
/// the smallest.
fn text(all: &All, table: &str) -> String {
    let of_table = || all.iter().filter(|((of, ..), _)| of == table);
    let mut sizes: Vec<u64> = of_table().flat_map(|(_, series)| series.keys().copied()).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut text = format!("{table:<40}");
    for size in &sizes {
        let _ = write!(text, " {size:>10}");
    }
    text.push_str("   growth\n");
    for ((_, store, name), series) in of_table() {
        let _ = write!(text, "{:<40}", format!("{store}: {name}"));
        for size in &sizes {
            let value = series.get(size).map_or_else(|| "-".to_owned(), |value| short(*value));
            let _ = write!(text, " {value:>10}");
        }
        let ends = series.values().next().zip(series.values().next_back());
        match ends.filter(|_| series.len() > 1) {
            Some((first, last)) => {
                let _ = writeln!(text, " {:>8.2}", last / first);
            }
            None => text.push('\n'),
        }
    }
    text
}

pub fn short(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
