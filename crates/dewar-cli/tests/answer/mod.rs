//! The command as a script uses it: arguments in, texts and an exit code out.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    io::Write,
    process::{Command, Stdio},
};

/// What the command answered.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the command with arguments, variables and an input.
pub(crate) fn dewar_with(args: &[&str], variables: &[(&str, &str)], input: &str) -> Answer {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dewar"))
        .args(args)
        .env_remove("SECRET_KEY")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("as asked");
    // A command that does not read its input may be gone already.
    let _ = child.stdin.take().expect("as asked").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("as asked");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("as asked");
    Answer {
        code: output.status.code().expect("as asked"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Runs the command with a key.
pub(crate) fn dewar(args: &[&str]) -> Answer {
    dewar_with(args, &[("SECRET_KEY", "secret")], "")
}
