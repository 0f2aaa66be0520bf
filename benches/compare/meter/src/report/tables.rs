//! Everything that a run found, for a reader.

use std::fmt::Write;

use super::{
    goals,
    table::{Table, number, whole},
};
use crate::{
    results::{Of, Results, allocations, end_to_end, in_process, of_step},
    targets::TARGETS,
};

/// The whole report.
pub(super) fn all(results: &Results, versions: &str) -> String {
    let mut report = String::new();
    let _ = writeln!(report, "# dewar beside its peers\n\n{}\n\n{versions}", conditions(results));
    let mut add = |title: &str, table: &Table| {
        if !table.is_empty() {
            let _ = write!(report, "\n## {title}\n\n{}", table.text());
        }
    };
    add("Inside the process, above the floor", &inside(results));
    for (page, what) in
        [("/unused", "session untouched"), ("/read", "read"), ("/", "read and written")]
    {
        for (crowd, connections) in [(1, "1 connection"), (16, "16 connections")] {
            let title = format!("Over sockets: {what}, {connections}");
            add(&title, &sockets(results, page, crowd));
        }
    }
    add("Peak memory of the servers", &peaks(results));
    let sync = |figure| number(results.value(of_step("disk", "-", figure)));
    let title = format!(
        "SQLite, each write synced, 32 connections: a sync took {} µs before and {} µs after",
        sync("sync_before_us"),
        sync("sync_after_us")
    );
    add(&title, &synced(results, "sqlite-full"));
    add("The same, with 1 ms added to each sync", &synced(results, "sqlite-full-1ms"));
    add("Memory of a session of 200 bytes", &memory(results));
    add("Building a program", &build(results));
    add("Goals", &goals::table(results));
    add("Could not be measured", &failures(results));
    report
}

/// When, where and with what.
pub(super) fn conditions(results: &Results) -> String {
    let names = ["date", "run", "processor", "cores", "kernel", "rustc", "python", "commit"];
    let known = names.map(|name| format!("{name}: {}", results.note(name)));
    known.join("; ")
}

fn inside(results: &Results) -> Table {
    let mut table =
        Table::new(&["", "untouched ns", "read ns", "read and written ns", "allocations", "", " "]);
    for target in TARGETS.iter().filter(|target| target.in_process) {
        let pages = ["/unused", "/read", "/"];
        let times = pages.map(|page| results.value(in_process(target.name, page)));
        let counts = pages.map(|page| results.value(allocations(target.name, page)));
        if times.iter().chain(&counts).any(Option::is_some) {
            let mut row = vec![target.label.to_owned()];
            row.extend(times.map(whole));
            row.extend(counts.map(whole));
            table.row(row);
        }
    }
    table
}

fn sockets(results: &Results, page: &str, crowd: usize) -> Table {
    let mut table = Table::new(&[
        "",
        "CPU µs",
        "above floor",
        "× floor",
        "requests/s",
        "p50 µs",
        "p99 µs",
        "errors",
    ]);
    for target in &TARGETS {
        let value = |figure| results.value(end_to_end(target.name, page, crowd, figure));
        if value("cpu_us").is_some() {
            let mut row = vec![target.label.to_owned()];
            row.extend(["cpu_us", "overhead_us", "times_floor"].map(|it| number(value(it))));
            let rest = ["requests_per_s", "p50_us", "p99_us", "errors"];
            row.extend(rest.map(|it| whole(value(it))));
            table.row(row);
        }
    }
    table
}

fn peaks(results: &Results) -> Table {
    let mut table = Table::new(&["", "MiB"]);
    for target in &TARGETS {
        let peak = results.value(of_step("end-to-end", target.name, "peak_mib"));
        if peak.is_some() {
            table.row(vec![target.label.to_owned(), number(peak)]);
        }
    }
    table
}

fn synced(results: &Results, step: &str) -> Table {
    let mut table = Table::new(&["", "requests/s", "p50 µs", "p99 µs", "CPU µs", "errors"]);
    for target in &TARGETS {
        let value = |figure| {
            let of = of_step(step, target.name, figure);
            results.value(Of { page: "/", connections: 32, ..of })
        };
        if value("requests_per_s").is_some() {
            let mut row = vec![target.label.to_owned()];
            row.extend(["requests_per_s", "p50_us", "p99_us"].map(|it| whole(value(it))));
            row.push(number(value("cpu_us")));
            row.push(whole(value("errors")));
            table.row(row);
        }
    }
    table
}

fn memory(results: &Results) -> Table {
    let mut table = Table::new(&["", "bytes", "growth under churn"]);
    for target in &TARGETS {
        let value = |figure| results.value(of_step("memory", target.name, figure));
        if value("bytes_per_session").is_some() {
            let (bytes, growth) = (value("bytes_per_session"), value("growth"));
            table.row(vec![target.label.to_owned(), whole(bytes), number(growth)]);
        }
    }
    table
}

fn build(results: &Results) -> Table {
    let mut table = Table::new(&["", "crates", "first debug build s"]);
    for (name, label) in
        [("axum", "axum"), ("dewar", "axum + dewar"), ("tower-sessions", "axum + tower-sessions")]
    {
        let value = |figure| results.value(of_step("build", name, figure));
        if value("crates").is_some() {
            let (crates, seconds) = (value("crates"), value("cold_s"));
            table.row(vec![label.to_owned(), whole(crates), number(seconds)]);
        }
    }
    table
}

fn failures(results: &Results) -> Table {
    let mut table = Table::new(&["", "step", "why"]);
    for failure in &results.failures {
        let cells = [&failure.target, &failure.step, &failure.reason];
        table.row(cells.map(|cell| cell.replace('|', "/")).to_vec());
    }
    table
}
