//! valgrind: counts the instructions of one function of a program.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// Runs `program` with these arguments under callgrind and gives the instructions that were executed
/// while `function` was on the stack. The profile stays in `profile`.
///
/// Counts do not depend on what else the machine does. They do depend on the compiler, on the C
/// library, and on the instructions that valgrind offers: it knows no SHA extensions, so hashing
/// counts for more here than it takes in truth.
pub(crate) fn count(
    program: &Path,
    arguments: &[&str],
    function: &str,
    profile: &Path,
) -> Result<u64, String> {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={function}"))
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args(arguments)
        // Where a processor has a fast `rep stosb`, the C library uses it, and each byte would count
        // as an instruction.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            format!("valgrind does not start ({error}): sudo apt-get install -y valgrind")
        })?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr);
        return Err(format!("valgrind {arguments:?}: {}\n{said}", run.status));
    }
    let text =
        fs::read_to_string(profile).map_err(|error| format!("{}: {error}", profile.display()))?;
    match total(&text) {
        None => Err(format!("{}: no line \"totals: NUMBER\"", profile.display())),
        // A pattern that matches nothing counts nothing, and would look like a wonder of speed.
        Some(0) => Err(format!("valgrind saw no function {function}: was it inlined or renamed?")),
        Some(total) => Ok(total),
    }
}

fn total(profile: &str) -> Option<u64> {
    profile.lines().rev().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}
