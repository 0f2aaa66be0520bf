//! How far it is, on a terminal alone.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// How often a line is written anew.
const EVERY: Duration = Duration::from_millis(200);

/// One line on the standard error that is written over and over. It is silent where that is no
/// terminal, and gone at the end.
pub(super) struct Progress {
    is_shown: bool,
    last: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { is_shown: io::stderr().is_terminal(), last: None }
    }

    pub(super) fn tell(&mut self, what: impl FnOnce() -> String) {
        if self.is_shown && self.last.is_none_or(|last| last.elapsed() >= EVERY) {
            self.last = Some(Instant::now());
            let _ = write!(io::stderr().lock(), "\r\x1b[K{}", what());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}
