//! Whole requests, inside this process: each mode and page, a forged cookie, and sessions that grow.

mod quick;

use std::{error::Error, path::Path};

use axum::{Router, http::HeaderValue, routing::get};
use criterion::{BenchmarkId, Criterion, Throughput};
use dewar::{Session, store::MemoryStore};
use dewar_benches::{Visitor, contents, floor, pages};
use dewar_stores::sqlite::{Durability, SqliteStore};
use tokio::runtime::Runtime;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = quick::quick();
    let runtime = quick::runtime();
    modes(&mut criterion, &runtime)?;
    forged(&mut criterion, &runtime)?;
    sizes(&mut criterion, &runtime)?;
    criterion.final_summary();
    Ok(())
}

fn modes(criterion: &mut Criterion, runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    // On the disk that the build uses: a temporary folder may be memory, where a sync is nothing.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("request");
    let _ = std::fs::remove_dir_all(&folder);
    let sqlite = |name, durability| {
        let store = SqliteStore::builder(folder.join(name)).durability(durability).open()?;
        Ok::<_, Box<dyn Error>>(pages::app(pages::server(store).build()?))
    };
    let modes = [
        ("floor", floor::app()),
        ("cookie", pages::app(pages::cookie().build()?)),
        ("memory", pages::app(pages::server(MemoryStore::new()).build()?)),
        ("sqlite normal", sqlite("normal.db", Durability::Normal)?),
        ("sqlite full", sqlite("full.db", Durability::Full)?),
    ];
    let mut group = criterion.benchmark_group("request");
    for (mode, app) in modes {
        let mut visitor = Visitor::new(app);
        runtime.block_on(visitor.get("/fill"));
        for (name, page) in [("unused", "/unused"), ("read", "/read"), ("read and write", "/")] {
            let id = BenchmarkId::new(mode, name);
            group.bench_function(id, |b| {
                quick::measure(b, runtime, async || drop(visitor.get(page).await));
            });
        }
    }
    group.finish();
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Beside `request/cookie/read`: to refuse should cost no more than to open.
fn forged(criterion: &mut Criterion, runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    let mut visitor = Visitor::new(pages::app(pages::cookie().build()?));
    runtime.block_on(visitor.get("/fill"));
    let mut cookie = visitor.cookie().expect("a session").as_bytes().to_vec();
    let middle = cookie.len() / 2;
    cookie[middle] = if cookie[middle] == b'A' { b'B' } else { b'A' };
    let forged = HeaderValue::try_from(cookie)?;
    visitor.set_cookie(forged.clone());
    runtime.block_on(visitor.get("/read"));
    assert_eq!(visitor.cookie(), Some(&forged), "the browser is told nothing");
    criterion.bench_function("request/cookie/read, forged", |b| {
        quick::measure(b, runtime, async || drop(visitor.get("/read").await));
    });
    Ok(())
}

fn sizes(criterion: &mut Criterion, runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    let mut group = criterion.benchmark_group("request by size, memory");
    for (size, bytes) in [
        ("100 B", 100),
        ("1 KB", 1000),
        ("10 KB", 10_000),
        ("100 KB", 100_000),
        ("1 MB", 1_000_000),
    ] {
        let sessions = pages::server(MemoryStore::new()).max_session_size(0).build()?;
        let fill = move |session: Session| async move {
            contents(bytes).iter().for_each(|(key, value)| session.set(key, value.clone()));
        };
        let sized = Router::new().route("/sized", get(fill)).layer(sessions.clone());
        let mut visitor = Visitor::new(pages::app(sessions).merge(sized));
        runtime.block_on(visitor.get("/sized"));
        group.throughput(Throughput::Bytes(bytes as u64));
        for (verb, page) in [("read", "/read"), ("read and write", "/")] {
            group.bench_function(BenchmarkId::new(verb, size), |b| {
                quick::measure(b, runtime, async || drop(visitor.get(page).await));
            });
        }
    }
    Ok(())
}
