//! What the kit found.

use std::{fmt, time::Duration};

/// What a store did in each case. Prints as a table.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) cases: Vec<CaseReport>,
    pub(super) seed: u64,
    pub(super) took: Duration,
}

/// What a store did in one case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    pub(super) name: &'static str,
    pub(super) failure: Option<String>,
}

impl Report {
    /// Every case, in the order in which it ran.
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// The cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| !case.passed())
    }

    /// How long all of them took.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Ends the test unless every case passed.
    ///
    /// # Panics
    /// If a case failed; the message is the table.
    #[track_caller]
    pub fn assert_passed(&self) {
        let names: Vec<_> = self.failed().map(|case| case.name).collect();
        assert!(names.is_empty(), "the store fails {}\n\n{self}", names.join(", "));
    }
}

impl CaseReport {
    /// Its name: a sentence that is true of a store.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the sentence is true.
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }

    /// What was found instead, if it failed.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in &self.cases {
            match &case.failure {
                None => writeln!(f, "passed  {}", case.name)?,
                Some(failure) => writeln!(f, "FAILED  {}\n            {failure}", case.name)?,
            }
        }
        let (all, failed) = (self.cases.len(), self.failed().count());
        let (passed, seconds) = (all - failed, self.took.as_secs_f64());
        write!(f, "{passed} of {all} cases passed in {seconds:.1} s, with seed {}", self.seed)
    }
}
