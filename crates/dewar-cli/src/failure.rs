//! How the command fails: one line, and a code that a script can read.

use std::{fmt, process::ExitCode};

use dewar::store::StoreError;

use crate::terminal;

/// The verdict on a cookie is bad, or what was asked for could not be done.
pub(crate) const REFUSED: u8 = 1;
/// The command was not used as it can be.
pub(crate) const MISUSED: u8 = 2;
/// The command worked, and there was nothing to work on.
const NOTHING: u8 = 3;

/// A cookie that is not to be believed: an answer, not a mistake of the caller.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.0)
    }
}

impl std::error::Error for Refused {}

/// What was asked for is right, and could not be done: a store that gives no answer.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

/// There is no such session, no such user, nothing to do.
#[derive(Debug)]
pub(crate) struct NothingFound(pub(crate) String);

impl fmt::Display for NothingFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NothingFound {}

/// What went wrong and its causes, each once: some drivers say on every floor what lies below.
pub(crate) fn with_causes(error: &anyhow::Error) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.last().is_some_and(|above| above.ends_with(&cause)) {
            told.push(cause);
        }
    }
    told.join(": ")
}

/// Says what went wrong, with the causes below it, and gives the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    terminal::note(&with_causes(error));
    ExitCode::from(if error.is::<Refused>() || error.is::<Failed>() || error.is::<StoreError>() {
        REFUSED
    } else if error.is::<NothingFound>() {
        NOTHING
    } else {
        MISUSED
    })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let refused = "Connection refused (os error 111)";
        let error = anyhow!(refused).context(format!("cannot connect: {refused}"));
        let error = error.context("the store cannot be opened");
        let told = format!("the store cannot be opened: cannot connect: {refused}");
        assert_eq!(with_causes(&error), told);
        assert_eq!(with_causes(&anyhow!("full").context("cannot write")), "cannot write: full");
    }
}
