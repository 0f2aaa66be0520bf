//! How the command fails: one line, and a code that a script can read.

use std::{fmt, process::ExitCode};

use crate::terminal;

/// The verdict on a cookie is bad.
const REFUSED: u8 = 1;
/// The command was not used as it can be.
pub(crate) const MISUSED: u8 = 2;

/// A cookie that is not to be believed: an answer, not a mistake of the caller.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.0)
    }
}

impl std::error::Error for Refused {}

/// Says what went wrong, with the causes below it, and gives the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    terminal::note(&format!("{error:#}"));
    ExitCode::from(if error.is::<Refused>() { REFUSED } else { MISUSED })
}
