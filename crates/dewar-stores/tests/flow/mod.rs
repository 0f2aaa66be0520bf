//! A visitor of a real application on a store, whose requests overlap: each waits with its session
//! open until all have theirs.

pub mod model;
pub mod site;
pub mod watched;

use std::sync::Arc;

use tokio::sync::Barrier;

/// What one request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Read,
    SetA,
    SetB,
    Incr,
    Push,
    Rotate,
    Logout,
    /// Ends the session and begins another, as somebody else.
    Replace,
    Take,
}

impl Does {
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::SetA,
        Self::SetB,
        Self::Incr,
        Self::Push,
        Self::Rotate,
        Self::Logout,
        Self::Replace,
        Self::Take,
    ];

    /// Whether the visitor's session is over afterwards.
    pub fn ends(self) -> bool {
        matches!(self, Self::Logout | Self::Replace)
    }
}

/// What a request is asked to do.
#[derive(Clone, Debug)]
pub struct Asked {
    pub does: Does,
    /// What it writes, so that its writes are known among the others'.
    pub mark: usize,
    /// Passed with the session open.
    pub all_opened: Arc<Barrier>,
    /// How often others are let in before the work.
    pub yields: usize,
}
