//! Stores with the bugs that are known from the field: the kit must fail each, and say why.
#![expect(clippy::unwrap_used, reason = "a lock that is poisoned here is a failed test")]

mod bytes;
mod creating;
mod deleting;
mod half;
mod moving;
mod noting;
mod reference;
mod scanning;
mod sweeping;
mod touching;
mod updating;

use std::{collections::BTreeSet, future::Future, pin::Pin};

use dewar::store::conformance::{Kit, Report, block_on};

use self::reference::{Broken, Right, Variant};

type Examination = Pin<Box<dyn Future<Output = [Report; 4]> + Send>>;

/// A broken store, how to examine it, and the case that must notice.
struct Row {
    store: &'static str,
    examine: fn() -> Examination,
    case: &'static str,
}

/// Rows of `store => the case that must notice`.
macro_rules! rows {
    ($($store:ident => $case:ident),* $(,)?) => {
        [$($crate::Row {
            store: stringify!($store),
            examine: || Box::pin($crate::examine::<$store>()),
            case: stringify!($case),
        }),*]
    };
}
use rows;

async fn examine<V: Variant>() -> [Report; 4] {
    let kit = Kit::new(|| async { Broken::<V>::default() }).seed(1).rounds(40);
    [kit.check().await, kit.check_sweep().await, kit.check_users().await, kit.check_scan().await]
}

fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(creating::rows());
    rows.extend(updating::rows());
    rows.extend(touching::rows());
    rows.extend(deleting::rows());
    rows.extend(moving::rows());
    rows.extend(bytes::rows());
    rows.extend(half::rows());
    rows.extend(sweeping::rows());
    rows.extend(noting::rows());
    rows.extend(scanning::rows());
    rows
}

#[tokio::test]
async fn the_reference_store_passes() {
    for report in examine::<Right>().await {
        report.assert_passed();
    }
}

#[test]
fn every_broken_store_is_failed_by_its_case_and_every_case_fails_one() {
    let rows = all();
    let (mut idle, mut missed) = (BTreeSet::new(), Vec::new());
    for (row, reports) in rows.iter().zip(examine_all(&rows)) {
        idle.extend(reports.iter().flat_map(Report::cases).map(|case| case.name()));
        let failed: Vec<_> = reports.iter().flat_map(Report::failed).collect();
        for case in &failed {
            assert!(case.failure().is_some_and(|failure| !failure.is_empty()), "{case:?}");
        }
        let names: Vec<_> = failed.iter().map(|case| case.name()).collect();
        println!("{}: {}", row.store, names.join(", "));
        if !names.contains(&row.case) {
            missed.push(format!("{} is not failed by {}, but by {names:?}", row.store, row.case));
        }
    }
    println!("{} broken stores, {} cases", rows.len(), idle.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    idle.retain(|case| rows.iter().all(|row| row.case != *case));
    assert!(idle.is_empty(), "no broken store is here for {idle:?}");
}

/// On several threads: most of the time is that of threads which the kit starts and ends.
fn examine_all(rows: &[Row]) -> Vec<[Report; 4]> {
    std::thread::scope(|scope| {
        let examine = |rows: &'_ [Row]| rows.iter().map(|row| block_on((row.examine)())).collect();
        let parts = rows.chunks(rows.len().div_ceil(4));
        let threads: Vec<_> =
            parts.map(|part| scope.spawn(move || -> Vec<_> { examine(part) })).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}
