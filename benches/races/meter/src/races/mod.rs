//! The races. Each is run until its requests have overlapped, and tells figures.

mod logout;
mod many;
mod reader;
mod replay;
mod rotation;

use std::{io, net::SocketAddr, time::Duration};

use crate::client::Answer;

/// What one round of a race came to: names and values.
pub(crate) type Figures = Vec<(&'static str, u64)>;

/// A round whose requests did not overlap counts for nothing, and is run again with twice the time
/// to wait; so often.
const ATTEMPTS: u32 = 6;
/// How long a page waits at first.
const FIRST: Duration = Duration::from_millis(120);

/// A race: `None` if its requests did not overlap.
type Run = fn(SocketAddr, Duration) -> io::Result<Option<Figures>>;

/// All of them, by name.
pub(crate) const ALL: [(&str, Run); 6] = [
    ("many", many::run),
    ("slow-reader", reader::run),
    ("logout-writer", logout::writer),
    ("logout-reader", logout::reader),
    ("rotation", rotation::run),
    ("replay", replay::run),
];

/// One round of a race.
pub(crate) fn round(run: Run, server: SocketAddr) -> io::Result<Figures> {
    for attempt in 0..ATTEMPTS {
        if let Some(figures) = run(server, FIRST * 2_u32.pow(attempt))? {
            return Ok(figures);
        }
    }
    Err(io::Error::other("its requests never overlapped"))
}

/// Whether all sessions were open before the first of them was changed, as the application saw it.
/// An answer that does not tell proves nothing.
fn overlapped<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> bool {
    let (mut last_open, mut first_change) = (0, u64::MAX);
    for answer in answers {
        let Some((opened, worked)) = answer.times else { return false };
        last_open = last_open.max(opened);
        first_change = first_change.min(worked);
    }
    last_open < first_change
}

/// Whether `quick` came, changed and was answered between the moments at which `slow` had opened its
/// session and began to change it.
fn overtook(slow: &Answer, quick: &Answer) -> bool {
    let (Some((opened, worked)), Some((_, changed))) = (slow.times, quick.times) else {
        return false;
    };
    opened < changed && quick.received < worked
}

/// How many of these were not served.
fn refused<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> u64 {
    answers.into_iter().filter(|answer| answer.status != 200).count() as u64
}

/// A page that waits for so long.
fn waiting(page: &str, wait: Duration) -> String {
    format!("{page}ms={}", wait.as_millis())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Answer, overlapped, overtook};

    fn answer(times: Option<(u64, u64)>, received: u64) -> Answer {
        let (set_cookies, body, took) = (Vec::new(), String::new(), Duration::ZERO);
        Answer { status: 200, set_cookies, times, body, received, took }
    }

    #[test]
    fn only_what_is_told_is_an_overlap() {
        let early = answer(Some((1, 5)), 6);
        assert!(overlapped([&early, &answer(Some((4, 9)), 10)]));
        assert!(!overlapped([&early, &answer(Some((5, 9)), 10)]));
        assert!(!overlapped([&early, &answer(None, 10)]));
    }

    #[test]
    fn who_overtakes_is_answered_before_the_other_works() {
        let slow = answer(Some((10, 50)), 60);
        assert!(overtook(&slow, &answer(Some((12, 20)), 30)));
        // Its change came before the slow one had looked, or its answer after that had worked.
        assert!(!overtook(&slow, &answer(Some((5, 10)), 30)));
        assert!(!overtook(&slow, &answer(Some((12, 20)), 50)));
        assert!(!overtook(&slow, &answer(None, 30)));
    }
}
