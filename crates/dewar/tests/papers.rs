//! What the papers name exists: files, folders, and the tests that show what is claimed.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The papers in the first folder: their names and texts.
fn papers() -> Vec<(String, String)> {
    let entries = fs::read_dir(workspace()).unwrap().map(|entry| entry.unwrap().path());
    let papers = entries.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    papers.map(read).collect()
}

/// Where `[text](target)` leads, except out of the workspace and within the page.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let paths = targets.map(|(target, _)| target.split('#').next().unwrap_or_default());
    paths.filter(|path| !path.is_empty() && !path.contains(':')).collect()
}

/// Every path that begins in a folder of the sources, wherever it stands. A `*` stands for any
/// name: what is left of it has to exist.
fn paths(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "/_-.*".contains(c);
    let words = text.split(|c: char| !is_part(c));
    let starts = |word: &&str| {
        ["crates/", "examples/", "testdata/"].iter().any(|folder| word.starts_with(folder))
    };
    words.filter(starts).map(|word| word.split('*').next().unwrap_or(word)).collect()
}

/// The tests in the last column of the tables: `a_name_in_code`.
fn tests(text: &str) -> Vec<&str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = rows.filter_map(|row| row.rsplit(" | ").next());
    let spans = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let is_name = |span: &&str| {
        span.contains('_') && span.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'))
    };
    spans.filter(is_name).collect()
}

/// The text of every source file below a folder.
fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_file_that_a_paper_names_exists() {
    let mut checked = 0;
    for (name, text) in papers() {
        for path in links(&text).into_iter().chain(paths(&text)) {
            // The point may be that of the sentence.
            let path = path.trim_end_matches('.');
            assert!(workspace().join(path).exists(), "{name} names {path}");
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked} paths");
}

#[test]
fn every_test_that_a_table_names_exists() {
    let mut all = String::new();
    ["crates", "examples"].iter().for_each(|folder| sources(&workspace().join(folder), &mut all));
    let text = fs::read_to_string(workspace().join("COMPATIBILITY.md")).unwrap();
    let names = tests(&text);
    for name in &names {
        assert!(all.contains(&format!("fn {name}(")), "COMPATIBILITY.md names the test {name}");
    }
    assert!(names.len() > 25, "{} tests", names.len());
}

#[test]
fn the_reading_of_papers_is_sound() {
    let text = "see [a](A.md), [b](b/c.rs#d), [e](#f), [g](https://h.example), in crates/x/y.rs,\n\
                `testdata/z/*.json` and (examples/).\n\
                | what | test |\n|---|---|\n| a | `a_b`, `C_d` and `e/f_g` |\n| c_d | `h_1` |\n";
    assert_eq!(links(text), ["A.md", "b/c.rs"]);
    assert_eq!(paths(text), ["crates/x/y.rs", "testdata/z/", "examples/"]);
    assert_eq!(tests(text), ["a_b", "h_1"]);
}
