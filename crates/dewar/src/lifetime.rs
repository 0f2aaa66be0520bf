//! How long a session lives: pure arithmetic over whole seconds.

use std::time::Duration;

/// The two limits of a session's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    /// The longest gap between two uses.
    pub(crate) idle: Duration,
    /// The longest life since creation; `None` for no limit.
    pub(crate) absolute: Option<Duration>,
}

/// When a session began and when it was last known to be used, in Unix seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub(crate) created_s: u64,
    pub(crate) used_s: u64,
}

impl Lifetime {
    /// The last second in which the session is alive.
    pub(crate) fn deadline_s(&self, moments: Moments) -> u64 {
        let idle = moments.used_s.saturating_add(self.idle.as_secs());
        match self.absolute {
            Some(absolute) => idle.min(moments.created_s.saturating_add(absolute.as_secs())),
            None => idle,
        }
    }

    /// By how much the session is past its deadline; `None` while it lives.
    ///
    /// # Flask
    /// An age equal to the limit is still accepted.
    pub(crate) fn expired_by(&self, moments: Moments, now_s: u64) -> Option<Duration> {
        let over = now_s.saturating_sub(self.deadline_s(moments));
        (over > 0).then(|| Duration::from_secs(over))
    }

    /// Whether a use at `now_s` should move the idle deadline. A quarter of the idle timeout must
    /// have passed: a visitor who reads a hundred pages is not sent a hundred cookies.
    pub(crate) fn touch_due(&self, moments: Moments, now_s: u64) -> bool {
        now_s.saturating_sub(moments.used_s) >= (self.idle.as_secs() / 4).max(1)
    }
}
