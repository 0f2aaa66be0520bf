//! Overlapping requests over real HTTP: `dewar demo race --processes N` against the real program in one
//! and in three processes, and against a build that loses, which it must notice.
//!
//! `DEWAR_RACES` says how many logout races are run (2,000; with three processes a quarter of that), and
//! `DEWAR_SEED` runs the orders of an earlier run again.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod answer;
#[path = "race/client.rs"]
mod client;
#[path = "race/naive.rs"]
mod naive;

use std::time::Instant;

use answer::{Answer, dewar_with};
use dewar_testdata::{
    postgres::Postgres,
    redis::{Cluster, Node},
};

fn number(variable: &str, fallback: u64) -> u64 {
    std::env::var(variable).map_or(fallback, |n| n.parse().expect("a number"))
}

fn seed() -> String {
    let seed = number("DEWAR_SEED", client::unix_micros());
    eprintln!("DEWAR_SEED={seed}");
    seed.to_string()
}

fn race(args: &[&str]) -> Answer {
    let begun = Instant::now();
    let seed = seed();
    let answer = dewar_with(&[&["demo", "race", "--seed", &seed], args].concat(), &[], "");
    eprintln!("{args:?}: {:?}\n{}{}", begun.elapsed(), answer.out, answer.err);
    answer
}

/// The lines of the table: what, tried, kept, lost, revived.
fn lines(table: &str) -> Vec<(String, [u64; 4])> {
    let line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let (what, numbers) = words.split_at(words.len() - 4);
        let numbers: Vec<_> = numbers.iter().map(|word| word.parse().expect(line)).collect();
        (what.join(" "), numbers.try_into().unwrap())
    };
    table.lines().skip(1).map(line).collect()
}

/// Everything that was tried was kept, so often.
fn nothing_is_lost(args: &[&str], races: u64) {
    let races = number("DEWAR_RACES", races);
    let answer = race(&[args, &["--races", &races.to_string()]].concat());
    assert_eq!((answer.code, &*answer.err), (0, ""), "{}", answer.out);
    let lines = lines(&answer.out);
    assert_eq!(lines.len(), 11, "{}", answer.out);
    for (what, [tried, kept, lost, revived]) in &lines {
        assert!(*tried > 0 && kept == tried && (*lost, *revived) == (0, 0), "{what}");
    }
    let logouts = lines.iter().filter(|(what, _)| what.starts_with("logout"));
    assert_eq!(logouts.map(|(_, [tried, ..])| tried).sum::<u64>(), races);
    assert_eq!(lines[0], ("200 writes of distinct keys".into(), [600, 600, 0, 0]));
}

#[test]
fn nothing_is_lost_in_memory() {
    nothing_is_lost(&["--processes", "1", "--store", "memory:"], 2000);
}

#[test]
fn nothing_is_lost_in_sqlite() {
    nothing_is_lost(&["--processes", "1"], 2000);
}

#[test]
fn nothing_is_lost_in_sqlite_with_three_processes() {
    nothing_is_lost(&["--processes", "3"], 500);
}

#[test]
fn nothing_is_lost_in_redis() {
    let Some(node) = Node::start(&[]) else { return };
    let url = format!("redis://127.0.0.1:{}", node.port());
    nothing_is_lost(&["--processes", "1", "--store", &url], 500);
    nothing_is_lost(&["--processes", "3", "--store", &url], 500);
}

#[test]
fn nothing_is_lost_in_a_cluster() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let hosts = cluster.addresses().into_iter().map(|(host, port)| format!("{host}:{port}"));
    let url = format!("redis+cluster://{}", hosts.collect::<Vec<_>>().join(","));
    nothing_is_lost(&["--processes", "3", "--store", &url], 500);
}

#[test]
fn nothing_is_lost_in_postgres() {
    let Some(server) = Postgres::start() else { return };
    nothing_is_lost(&["--processes", "1", "--store", &server.url()], 500);
    nothing_is_lost(&["--processes", "3", "--store", &server.url()], 500);
}

#[test]
fn a_build_that_loses_is_found_out_in_every_line() {
    for processes in [1, 3] {
        let ports: Vec<_> = naive::serve(processes).iter().map(u16::to_string).collect();
        let answer = race(&["--against", &ports.join(",")]);
        assert_eq!(answer.code, 1, "{}", answer.err);
        assert!(answer.err.contains("promises broke; --seed "), "{}", answer.err);
        for (what, [tried, kept, lost, revived]) in lines(&answer.out) {
            assert!(kept < tried && lost + revived > 0, "{what} is not noticed");
            if what.starts_with("logout") {
                assert!(revived > 0, "{what} revives nothing");
            }
        }
    }
}

#[test]
fn what_cannot_race_is_refused_with_the_cure() {
    for (args, cure) in [
        (&["demo", "race", "--processes", "3", "--store", "memory:"][..], "or --processes 1"),
        (&["demo", "race", "--processes", "0"], "see dewar demo --help"),
        (&["demo", "visits", "--processes", "1"], "dewar demo race --processes 1"),
        (&["demo", "race", "--rounds", "1"], "dewar demo race --processes 1"),
        (&["demo", "race", "--processes", "1", "--port", "1"], "cannot be used with"),
        (&["demo", "race", "--processes", "1", "--store", "redsi://h"], "did you mean \"redis\"?"),
    ] {
        let answer = dewar_with(args, &[], "");
        assert_eq!((answer.code, &*answer.out), (2, ""), "{args:?}: {}", answer.err);
        assert!(answer.err.contains(cure), "{args:?}: {}", answer.err);
    }
    let away = ["demo", "race", "--processes", "1", "--store", "redis://u:hunter2@127.0.0.1:1"];
    let answer = dewar_with(&away, &[], "");
    assert_eq!((answer.code, answer.err.lines().count()), (1, 1), "{}", answer.err);
    assert!(answer.err.contains("cannot be opened") && !answer.err.contains("hunter2"));
    let nobody = dewar_with(&["demo", "race", "--against", "1"], &[], "");
    assert!(nobody.err.contains("nobody listens on port 1"), "{}", nobody.err);
}
