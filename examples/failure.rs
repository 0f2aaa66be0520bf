//! What ends a program: an error that its user can read.

use std::{error::Error, fmt};

/// Any error, shown by its message and the messages below it.
///
/// `main` prints an error by its `Debug` form. That of an ordinary error names fields; that of
/// this one names the cure.
pub struct Failure(Box<dyn Error>);

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut below = self.0.source();
        while let Some(error) = below {
            write!(f, ": {error}")?;
            below = error.source();
        }
        Ok(())
    }
}
