//! What a visitor's request costs, with so many sessions in the store: what an application pays, where
//! the other figures are what is within it.

use cpu_time::ProcessTime;
use dewar::{ConfigError, store::Store};
use dewar_benches::{Visitor, pages};
use http::HeaderValue;
use tokio::runtime::Runtime;

use crate::measure::{any, figure, median_of_rounds};

/// Requests of a round, each of any of the visitors.
const REQUESTS: u64 = 10_000;

/// The two pages: one reads the session, one writes it.
const PAGES: [(&str, &str); 2] = [("/read", "read_us"), ("/", "written_us")];

/// Lets so many visitors in: their cookies.
pub fn fill(
    runtime: &Runtime,
    sessions: u64,
    store: impl Store,
) -> Result<Vec<HeaderValue>, ConfigError> {
    let mut visitor = visitor(store)?;
    let one = |_| {
        visitor.forget();
        runtime.block_on(visitor.get("/fill"));
        visitor.cookie().expect("the page begins a session").clone()
    };
    Ok((0..sessions).map(one).collect())
}

/// Prints the processor time of their requests.
pub fn measure(
    runtime: &Runtime,
    table: &str,
    cookies: &[HeaderValue],
    store: impl Store,
) -> Result<(), ConfigError> {
    let mut visitor = visitor(store)?;
    let sessions = cookies.len() as u64;
    for (page, name) in PAGES {
        let ns = median_of_rounds(|round| {
            // Drawn before the clock runs: a cookie comes over the network, and not out of a table.
            let draw = |draw| cookies[any(sessions, round * REQUESTS + draw) as usize].clone();
            let drawn: Vec<_> = (0..REQUESTS).map(draw).collect();
            let start = ProcessTime::now();
            for cookie in drawn {
                visitor.set_cookie(cookie);
                runtime.block_on(visitor.ask(page));
            }
            start.elapsed().as_nanos() as f64 / REQUESTS as f64
        });
        figure(table, "dewar", sessions, name, ns / 1e3);
    }
    Ok(())
}

fn visitor(store: impl Store) -> Result<Visitor, ConfigError> {
    Ok(Visitor::new(pages::app(pages::server(store).build()?)))
}
