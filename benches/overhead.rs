//! What a request costs above axum without sessions, for each page and mode, inside this process.
//!
//! ```text
//! cargo bench -p dewar-benches --bench overhead [-- NAME | /PAGE ...]
//! ```
//!
//! Times are of this thread's processor, in nanoseconds: the median of rounds in which the modes take
//! turns, less that of the floor.

use std::{env, error::Error, time::Duration};

use axum::{Router, http::HeaderValue};
use cpu_time::ThreadTime;
use dewar::store::MemoryStore;
use dewar_benches::{Visitor, floor, limit, pages};
use tokio::runtime::{Builder, Runtime};

const ROUNDS: usize = 41;
const CALLS: u32 = 2000;

const PAGES: [&str; 3] = ["/unused", "/read", "/"];

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let (pages, wanted): (Vec<_>, Vec<_>) = wanted.partition(|name| name.starts_with('/'));
    let modes: [(&str, Router); 5] = [
        ("floor", floor::app()),
        ("cookie", pages::app(pages::cookie().build()?)),
        ("cookie by hand", limit::cookie::app()),
        ("memory", pages::app(pages::server(MemoryStore::new()).build()?)),
        ("memory by hand", limit::memory::app()),
    ];
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let mut visitors = Vec::new();
    for (name, app) in modes {
        if name == "floor" || wanted.is_empty() || wanted.iter().any(|want| want == name) {
            let mut visitor = Visitor::new(app);
            runtime.block_on(visitor.get("/fill"));
            if name == "floor" {
                // Carrying a cookie is no cost of a session.
                visitor.set_cookie(HeaderValue::from_static("theme=dark"));
            }
            visitors.push((name, visitor));
        }
    }
    println!("{:<16} {:<8} {:>8}", "above the floor", "page", "ns");
    let is_wanted = |page: &&str| pages.is_empty() || pages.iter().any(|want| want == page);
    for page in PAGES.into_iter().filter(is_wanted) {
        let mut rounds = vec![Vec::with_capacity(ROUNDS); visitors.len()];
        for _ in 0..ROUNDS {
            for ((_, visitor), times) in visitors.iter_mut().zip(&mut rounds) {
                times.push(time(&runtime, visitor, page));
            }
        }
        let mut figures = Vec::new();
        for ((name, _), times) in visitors.iter().zip(&mut rounds) {
            times.sort_unstable();
            let ns = times[ROUNDS / 2].as_nanos() as f64 / f64::from(CALLS);
            figures.push((*name, ns));
        }
        let (_, floor_ns) = figures[0];
        println!("{:<16} {page:<8} {floor_ns:>8.0}", "(floor itself)");
        for (name, ns) in &figures[1..] {
            println!("{name:<16} {page:<8} {:>8.0}", ns - floor_ns);
        }
    }
    Ok(())
}

fn time(runtime: &Runtime, visitor: &mut Visitor, page: &'static str) -> Duration {
    let start = ThreadTime::now();
    calls(runtime, visitor, page, CALLS);
    start.elapsed()
}

fn calls(runtime: &Runtime, visitor: &mut Visitor, page: &'static str, calls: u32) {
    runtime.block_on(async {
        for _ in 0..calls {
            visitor.get(page).await;
        }
    });
}
