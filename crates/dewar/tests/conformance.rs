//! The kit passes the stores of this package.

use dewar::store::{BoxStore, MemoryStore, Scan, Store, StoreErrorKind, conformance};

#[tokio::test]
async fn the_memory_store_passes() {
    let report = conformance::check(|| async { MemoryStore::new() }).await;
    report.assert_passed();
    println!("{report}");
    let report = conformance::check_sweep(|| async { MemoryStore::new() }).await;
    report.assert_passed();
    println!("{report}");
    conformance::check_users(|| async { MemoryStore::new() }).await.assert_passed();
    conformance::check_scan(|| async { MemoryStore::new() }).await.assert_passed();
}

#[tokio::test]
async fn a_boxed_store_passes() {
    let make = || async { MemoryStore::new().boxed() };
    conformance::check(make).await.assert_passed();
    conformance::check_sweep(make).await.assert_passed();
    conformance::check_users(make).await.assert_passed();
    conformance::check_scan(make).await.assert_passed();
}

#[tokio::test]
async fn a_boxed_store_says_what_it_cannot_do() {
    let store = BoxStore::new(MemoryStore::new());
    assert!(!store.sweeps() && !store.knows_users() && !store.scans());
    let error = store.scan(None, 10).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    let store = BoxStore::without_users(MemoryStore::new());
    assert!(store.sweeps() && !store.knows_users() && store.scans());
    assert!(MemoryStore::new().boxed().boxed().knows_users());
}
