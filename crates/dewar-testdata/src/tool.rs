//! What a test needs beside Rust: named by an environment variable, never searched for.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
};

/// The Python that has the real Flask, for example `target/venv/bin/python`.
pub const PYTHON: &str = "DEWAR_PYTHON";
/// The `chromedriver` program.
pub const CHROMEDRIVER: &str = "DEWAR_CHROMEDRIVER";
/// The `chromium` program.
pub const CHROMIUM: &str = "DEWAR_CHROMIUM";
/// The `redis-server` or `valkey-server` program.
pub const REDIS_SERVER: &str = "DEWAR_REDIS_SERVER";

/// The folder of Postgres' programs, if they are not on the `PATH` or where distributions put them.
pub const POSTGRES_BIN: &str = "DEWAR_POSTGRES_BIN";

/// The folder that holds all these programs: the one that `variable` names, or the last of `folders`
/// that has them. `None`, said on the standard error, if there is none: the test then has nothing to
/// say.
///
/// # Panics
/// If there is none although nothing may be skipped (`CI` or `DEWAR_REQUIRE_ALL` is set), or if
/// `variable` names a folder without them.
pub fn installed(variable: &str, programs: &[&str], folders: Vec<PathBuf>) -> Option<PathBuf> {
    let has_all = |folder: &PathBuf| programs.iter().all(|name| folder.join(name).is_file());
    if let Some(folder) = env::var_os(variable).filter(|path| !path.is_empty()) {
        let folder = PathBuf::from(folder);
        assert!(has_all(&folder), "{variable}: no folder with {programs:?}");
        return Some(folder);
    }
    let found = folders.into_iter().filter(has_all).max();
    if found.is_none() {
        assert!(!everything_is_required(), "{programs:?} are not installed");
        let _ = writeln!(io::stderr(), "skipped: {programs:?} are not installed");
    }
    found
}

/// The program that `variable` names. `None`, said on the standard error, if it is not set: the
/// test then has nothing to say.
///
/// # Panics
/// If it is not set although nothing may be skipped (`CI` or `DEWAR_REQUIRE_ALL` is set), or names
/// something that does not exist: a test that silently did nothing would prove nothing.
pub fn find(variable: &str) -> Option<PathBuf> {
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) else {
        assert!(!everything_is_required(), "{variable} is not set: run the tests by ./test");
        // Not `eprintln!`, which the test runner keeps to itself when a test passes.
        let _ = writeln!(io::stderr(), "skipped: {variable} is not set (./test sets it)");
        return None;
    };
    let path = PathBuf::from(path);
    assert!(path.is_absolute() && path.exists(), "{variable}: no absolute path of a program");
    Some(path)
}

/// The program of a Redis or Valkey server: the one that [`REDIS_SERVER`] names, or the one on the
/// `PATH`. `None`, said on the standard error, if there is none.
///
/// # Panics
/// If there is none although nothing may be skipped, or the variable names something that does not
/// exist.
pub fn find_redis_server() -> Option<PathBuf> {
    if env::var_os(REDIS_SERVER).is_some_and(|path| !path.is_empty()) {
        return find(REDIS_SERVER);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    let names = ["redis-server", "valkey-server"];
    let found = names.iter().find_map(|name| {
        folders.iter().map(|folder| folder.join(name)).find(|program| program.is_file())
    });
    if found.is_none() {
        assert!(
            !everything_is_required(),
            "no redis-server on the PATH: install it, or set {REDIS_SERVER}"
        );
        let _ = writeln!(
            io::stderr(),
            "skipped: no redis-server on the PATH, and {REDIS_SERVER} is not set"
        );
    }
    found
}

fn everything_is_required() -> bool {
    ["CI", "DEWAR_REQUIRE_ALL"].iter().any(|name| env::var_os(name).is_some_and(|v| !v.is_empty()))
}
