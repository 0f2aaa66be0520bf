//! Whether a request still costs the instructions that it is budgeted for.
//!
//! ```text
//! ./test --instructions            compares with instructions.tsv
//! ./test --instructions --bless    writes instructions.tsv anew
//! ```
//!
//! The program runs itself under callgrind, once for each case, and divides by the number of
//! requests. What a session costs is the difference to the same page of plain axum. axum's own
//! figures are written down too, and fail nothing: a change of axum is seen to be axum's.
//!
//! The profiles stay beside the program: `callgrind_annotate target/release/callgrind/memory-read`
//! shows which function takes how much.

mod callgrind;
mod requests;

use std::{
    collections::BTreeMap,
    env, fs,
    process::{Command, ExitCode},
    time::Instant,
};

use dewar_benches::budget::{Budgets, Judgement};

/// What has a budget, by mode and page.
const CASES: [(&str, &str); 5] = [
    ("cookie", "/unused"),
    ("cookie", "/read"),
    ("cookie", "/"),
    ("memory", "/read"),
    ("memory", "/"),
];

/// A page that is slower than `/read`, and must not keep its budget: else the check checks nothing.
const SABOTAGE: &str = "/wasteful";

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.tsv");

type Counts = BTreeMap<String, u64>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => check(),
        ["--bless"] => bless(),
        ["--make", mode, page] => requests::make(mode, page).map(|()| true),
        _ => Err(format!("{arguments:?}: the one option is --bless")),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn bless() -> Result<bool, String> {
    let budgets = Budgets { taken_with: toolchain()?, instructions: count_all()? };
    fs::write(FILE, budgets.to_string()).map_err(|error| format!("{FILE}: {error}"))?;
    print!("{budgets}");
    Ok(true)
}

fn check() -> Result<bool, String> {
    let start = Instant::now();
    let text = fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
    let budgets = Budgets::read(&text).map_err(|error| format!("{FILE}: {error}"))?;
    let counts = count_all()?;

    let sabotaged = count("memory", SABOTAGE)?.saturating_sub(counts["axum /read"]);
    print_table(&budgets, &counts, sabotaged);

    let mut failures: Vec<String> = counts
        .iter()
        .filter(|(case, _)| !case.starts_with("axum"))
        .filter_map(|(case, &count)| complaint(&budgets, case, count))
        .collect();
    if budgets.judge("memory /read", sabotaged) != Judgement::Dearer {
        failures.push("the slower /read keeps the budget of memory /read".into());
    }
    failures.iter().for_each(|failure| println!("{failure}"));
    if !failures.is_empty() {
        explain(&budgets, &counts)?;
    }
    // As `cargo test` ends, for ./test adds these up.
    let (verdict, failed) = (if failures.is_empty() { "ok" } else { "FAILED" }, failures.len());
    let (passed, took) = (CASES.len() + 1 - failed, start.elapsed().as_secs_f64());
    println!(
        "test result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; \
         0 filtered out; finished in {took:.2}s"
    );
    Ok(failures.is_empty())
}

fn print_table(budgets: &Budgets, counts: &Counts, sabotaged: u64) {
    println!("{:<20} {:>12} {:>8} {:>6}", "for one request", "instructions", "budget", "ratio");
    for (case, &count) in counts {
        let budget = budgets.instructions.get(case).map_or("none".into(), u64::to_string);
        let ratio = budgets.ratio(case, count).unwrap_or(f64::NAN);
        println!("{case:<20} {count:>12} {budget:>8} {ratio:>6.3}");
    }
    let ratio = budgets.ratio("memory /read", sabotaged).unwrap_or(f64::NAN);
    println!("{:<20} {sabotaged:>12} {:>8} {ratio:>6.3}\n", "a slower /read", "");
}

fn complaint(budgets: &Budgets, case: &str, count: u64) -> Option<String> {
    match budgets.judge(case, count) {
        Judgement::Kept => None,
        Judgement::Unknown => Some(format!("{case} has no budget")),
        Judgement::Dearer => Some(format!("{case} costs more than 5 % above its budget")),
        Judgement::Cheaper => Some(format!(
            "{case} costs more than 5 % less than its budget, which would let a slowdown pass"
        )),
    }
}

/// What may have moved the figures, and what to do about it.
fn explain(budgets: &Budgets, counts: &Counts) -> Result<(), String> {
    for (floor, &count) in counts.iter().filter(|(case, _)| case.starts_with("axum")) {
        if budgets.judge(floor, count) != Judgement::Kept {
            println!("{floor} has moved too: not the sessions alone have changed");
        }
    }
    let (before, now) = (&budgets.taken_with, toolchain()?);
    if *before != now {
        println!("the budgets were taken with {before}, this is {now}");
    }
    println!(
        "`callgrind_annotate target/release/callgrind/MODE-PAGE` shows what takes how much; if it \
         is meant to, `./test --instructions --bless` takes the budgets anew\n"
    );
    Ok(())
}

/// Every figure: those of axum as they are, the others above axum.
fn count_all() -> Result<Counts, String> {
    let mut counts = Counts::new();
    for page in ["/unused", "/read", "/"] {
        counts.insert(format!("axum {page}"), count("axum", page)?);
    }
    for (mode, page) in CASES {
        let above = count(mode, page)?.saturating_sub(counts[&format!("axum {page}")]);
        counts.insert(format!("{mode} {page}"), above);
    }
    Ok(counts)
}

/// The instructions of one request.
fn count(mode: &str, page: &str) -> Result<u64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let folder = program.with_file_name("callgrind");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let name = if page == "/" { "count" } else { page.trim_start_matches('/') };
    let profile = folder.join(format!("{mode}-{name}"));
    let arguments = ["--make", mode, page];
    let all = callgrind::count(&program, &arguments, requests::FUNCTION, &profile)?;
    Ok(all / u64::from(requests::COUNTED))
}

/// What the budgets depend on beside the code.
fn toolchain() -> Result<String, String> {
    let said = Command::new("rustc").arg("-vV").output().map_err(|e| format!("rustc: {e}"))?;
    let said = String::from_utf8_lossy(&said.stdout);
    let mut lines = said.lines();
    let version = lines.next().unwrap_or("no rustc");
    let host = lines.find_map(|line| line.strip_prefix("host: ")).unwrap_or("no machine");
    Ok(format!("{version} on {host}"))
}
