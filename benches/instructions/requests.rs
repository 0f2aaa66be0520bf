//! What is counted: requests of one visitor, always the same ones.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{Router, http::HeaderValue, routing::get};
use dewar::{ManualClock, Random, Session, SessionLayerBuilder, store::MemoryStore};
use dewar_benches::{Visitor, floor, pages};
use tokio::runtime::{Builder, Runtime};

/// How many requests are counted.
pub(crate) const COUNTED: u32 = 200;
/// The function that makes them, as valgrind sees it.
pub(crate) const FUNCTION: &str = "*requests_that_count*";

/// So many come before: the first ones fill caches, and grow what is kept.
const BEFORE: u32 = 50;

/// Makes the requests: for a process that valgrind watches.
///
/// # Errors
/// If there is no such mode or page.
pub(crate) fn make(mode: &str, page: &str) -> Result<(), String> {
    let app = match mode {
        "axum" => floor::app(),
        "cookie" => app(pages::cookie()),
        "memory" => app(pages::server(MemoryStore::new()).random(Counter::default())),
        _ => return Err(format!("no mode {mode}")),
    };
    let page = ["/", "/read", "/unused", "/wasteful"]
        .into_iter()
        .find(|known| *known == page)
        .ok_or_else(|| format!("no page {page}"))?;
    let mut visitor = Visitor::new(app);
    let runtime = Builder::new_current_thread().enable_time().build().map_err(|e| e.to_string())?;
    runtime.block_on(visitor.get("/fill"));
    if visitor.cookie().is_none() {
        // To carry a cookie to the server is the browser's work, not the session's.
        visitor.set_cookie(HeaderValue::from_static("session=none"));
    }
    runtime.block_on(ask(&mut visitor, page, BEFORE));
    requests_that_count(&runtime, &mut visitor, page);
    Ok(())
}

/// Valgrind counts from here to its end, so it stays a function of its own. It holds no closure:
/// that would bear its name too, and switch the counting off.
#[inline(never)]
fn requests_that_count(runtime: &Runtime, visitor: &mut Visitor, page: &'static str) {
    runtime.block_on(ask(visitor, page, COUNTED));
}

async fn ask(visitor: &mut Visitor, page: &'static str, times: u32) {
    for _ in 0..times {
        visitor.get(page).await;
    }
}

/// The pages at a moment that does not pass, and a page that wastes.
fn app(sessions: SessionLayerBuilder) -> Router {
    let clock = ManualClock::at_unix(1_800_000_000);
    let sessions = sessions.clock(clock).build().expect("a sound configuration");
    let wasteful = Router::new().route("/wasteful", get(wasteful)).layer(sessions.clone());
    pages::app(sessions).merge(wasteful)
}

/// As the page `/read`, but copies the whole session first: a slowdown that must be noticed.
async fn wasteful(session: Session) -> String {
    std::hint::black_box(session.to_dict());
    session.get("visits").unwrap_or(0).to_string()
}

/// Ids in the order of the numbers.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().zip(next.iter().cycle()).for_each(|(byte, next)| *byte = *next);
        Ok(())
    }
}
