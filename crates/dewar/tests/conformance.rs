//! The kit passes the stores of this package.

use dewar::store::{BoxStore, MemoryStore, conformance};

#[tokio::test]
async fn the_memory_store_passes() {
    let report = conformance::check(|| async { MemoryStore::new() }).await;
    report.assert_passed();
    println!("{report}");
    let report = conformance::check_sweep(|| async { MemoryStore::new() }).await;
    report.assert_passed();
    println!("{report}");
}

#[tokio::test]
async fn a_boxed_store_passes() {
    let make = || async { BoxStore::new(MemoryStore::new()) };
    conformance::check(make).await.assert_passed();
}
