//! Room 5, server mode: what a handler did, applied to what is stored.
//!
//! A handler adds to 1 … 64 keys, and is alone, or another request of its visitor commits while it
//! runs. Then its own commit meets newer contents; that figure holds the other request, too.

mod quick;

use axum::{Router, routing::get};
use criterion::BenchmarkId;
use dewar::{Session, ValueError, store::MemoryStore};
use dewar_benches::{Visitor, pages};

fn main() {
    let mut criterion = quick::quick();
    let runtime = quick::runtime();
    let mut group = criterion.benchmark_group("operations");
    for operations in [1, 4, 16, 64] {
        let app = app(operations);
        let mut slow = Visitor::new(app.clone());
        runtime.block_on(slow.get("/slow"));
        let mut other = Visitor::new(app);
        other.set_cookie(slow.cookie().expect("a session").clone());

        runtime.block_on(overlap(&mut slow, &mut other));
        runtime.block_on(other.get("/nothing-lost"));
        let id = BenchmarkId::new("merged", operations);
        group.bench_function(id, |b| {
            quick::measure(b, &runtime, async || overlap(&mut slow, &mut other).await);
        });
        let id = BenchmarkId::new("alone", operations);
        group.bench_function(id, |b| {
            quick::measure(b, &runtime, async || drop(slow.get("/slow").await));
        });
    }
    group.finish();
    criterion.final_summary();
}

/// In this order: the slow request opens and waits, the other one commits, the slow one commits.
async fn overlap(slow: &mut Visitor, other: &mut Visitor) {
    tokio::join!(biased; slow.get("/slow"), other.get("/other"));
}

fn app(operations: usize) -> Router {
    let sessions = pages::server(MemoryStore::new()).build().expect("a sound configuration");
    let keys: Vec<String> = (0..operations).map(|n| format!("key {n}")).collect();
    let slow = async move |session: Session| -> Result<(), ValueError> {
        for key in &keys {
            session.incr(key, 1)?;
        }
        tokio::task::yield_now().await;
        Ok(())
    };
    Router::new()
        .route("/slow", get(slow))
        .route("/other", get(other))
        .route("/nothing-lost", get(nothing_lost))
        .layer(sessions)
}

async fn other(session: Session) -> Result<(), ValueError> {
    session.incr("other", 1).map(drop)
}

/// After two slow requests, and another one during the second.
async fn nothing_lost(session: Session) {
    assert_eq!((session.get("key 0"), session.get("other")), (Some(2), Some(1)));
}
