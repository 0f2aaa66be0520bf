//! Bursts of requests: so many visitors at once, each over its own connection.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::connection::Visitor;

/// What a burst saw.
#[derive(Debug, Default)]
pub(crate) struct Burst {
    pub(crate) requests: usize,
    pub(crate) errors: usize,
    pub(crate) first_error: Option<String>,
    pub(crate) took: Duration,
    pub(crate) latencies: Vec<Duration>,
}

/// Asks for a page `requests` times in all, not longer than `limit`.
///
/// An error is counted and its visitor goes on.
pub(crate) async fn burst(
    visitors: &mut Vec<Visitor>,
    page: &'static str,
    requests: usize,
    limit: Duration,
) -> Burst {
    let start = Instant::now();
    let share = requests.div_ceil(visitors.len());
    let mut running = JoinSet::new();
    for mut visitor in visitors.drain(..) {
        running.spawn(async move {
            let seen = ask(&mut visitor, page, share, start, limit).await;
            (visitor, seen)
        });
    }
    let mut sum = Burst::default();
    while let Some(ended) = running.join_next().await {
        let (visitor, seen) = ended.expect("a visitor does not panic");
        visitors.push(visitor);
        sum.requests += seen.requests;
        sum.errors += seen.errors;
        sum.first_error = sum.first_error.or(seen.first_error);
        sum.latencies.extend(seen.latencies);
    }
    sum.took = start.elapsed();
    sum
}

async fn ask(
    visitor: &mut Visitor,
    page: &'static str,
    share: usize,
    start: Instant,
    limit: Duration,
) -> Burst {
    let mut seen = Burst { latencies: Vec::with_capacity(share), ..Burst::default() };
    while seen.requests < share && start.elapsed() < limit {
        let sent = Instant::now();
        // A server that does not answer costs the comparison one visitor's patience, not its end.
        let answered = tokio::time::timeout(Duration::from_secs(10), visitor.get(page)).await;
        let error = match answered {
            Ok(Ok(answer)) if answer.status == 200 => None,
            Ok(Ok(answer)) => {
                let text = String::from_utf8_lossy(answer.body);
                Some(format!("{page} answered {}: {}", answer.status, text.trim()))
            }
            Ok(Err(error)) => Some(format!("{page}: {error}")),
            Err(_) => Some(format!("{page}: no answer within 10 s")),
        };
        seen.latencies.push(sent.elapsed());
        seen.requests += 1;
        if error.is_some() {
            seen.errors += 1;
            seen.first_error = seen.first_error.or(error);
        }
    }
    seen
}
