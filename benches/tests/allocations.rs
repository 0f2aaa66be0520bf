//! How often a request asks for memory, beyond what it does without a session: counted, not timed,
//! so it is the same on every machine.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use dewar::store::MemoryStore;
use dewar_benches::{Visitor, floor, pages};
use tokio::runtime::Builder;

const PAGES: [&str; 3] = ["/", "/read", "/unused"];

/// Allocations of one request for each page, less those of the floor.
fn allocations(app: axum::Router) -> [u64; 3] {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let count = |app| {
        let mut visitor = Visitor::new(app);
        runtime.block_on(visitor.get("/fill"));
        PAGES.map(|page| {
            // What is made once, such as a thread's deflater, is no part of a request.
            runtime.block_on(visitor.get(page));
            let request = || drop(runtime.block_on(visitor.ask(page)));
            allocation_counter::measure(request).count_total
        })
    };
    let (with, without) = (count(app), count(floor::app()));
    std::array::from_fn(|i| with[i] - without[i])
}

#[test]
fn a_cookie_costs_few_allocations() {
    let counted = allocations(pages::app(pages::cookie().build().unwrap()));
    assert_eq!(counted, [12, 6, 4], "{PAGES:?}");
}

#[test]
fn a_session_in_memory_costs_few_allocations() {
    let counted = allocations(pages::app(pages::server(MemoryStore::new()).build().unwrap()));
    assert_eq!(counted, [16, 7, 4], "{PAGES:?}");
}
