//! What the memory store promises beyond the contract: bounds, and forgetting by itself.

use dewar::{
    StoreKey,
    store::{
        Created, GRACE, Loaded, MemoryStore, Moved, Reached, Record, Store, StoreErrorKind, Sweep,
        WriteId, Writes, Written,
    },
};

const GRACE_MS: u64 = GRACE.as_millis() as u64;
const HOUR_MS: u64 = 3_600_000;

/// A key as even as a real one.
fn key(number: u64) -> StoreKey {
    let mut bytes = [0; 32];
    for (at, chunk) in bytes.chunks_mut(8).enumerate() {
        let word = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(at as u32 * 16 + 7);
        chunk.copy_from_slice(&word.wrapping_mul(0xbf58_476d_1ce4_e5b9).to_le_bytes());
    }
    StoreKey::from_bytes(bytes)
}

fn record(created_ms: u64) -> Record {
    Record {
        owner: None,
        created_ms,
        idle_deadline_ms: created_ms + HOUR_MS,
        absolute_deadline_ms: created_ms + 24 * HOUR_MS,
        writes: Writes::first(WriteId::new(1)),
        data: b"cart: 3 pears".to_vec(),
    }
}

#[tokio::test]
async fn a_full_store_refuses_new_sessions_and_serves_the_others() {
    let store = MemoryStore::with_capacity(3);
    for number in 0..3 {
        assert_eq!(store.create(&key(number), &record(0)).await.unwrap(), Created::Done);
    }
    let error = store.create(&key(3), &record(0)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full);
    assert_eq!(store.create(&key(0), &record(0)).await.unwrap(), Created::Exists);

    let next = Record { writes: Writes::first(WriteId::new(2)), ..record(0) };
    let written = store.update(&key(0), WriteId::new(1), &next).await.unwrap();
    assert_eq!(written, Written::Done);
    assert_eq!(store.load(&key(0)).await.unwrap(), Loaded::Live(next));
    assert_eq!(store.delete(&key(1), HOUR_MS).await.unwrap(), Reached::Done);
    assert_eq!(store.delete(&key(9), HOUR_MS).await.unwrap(), Reached::Gone);
    assert_eq!(store.load(&key(9)).await.unwrap(), Loaded::Ended { until_ms: HOUR_MS });
    let moved = Moved { to: key(0), until_ms: HOUR_MS };
    assert_eq!(store.supersede(&key(2), WriteId::new(1), moved).await.unwrap(), Written::Done);
    assert_eq!(store.len(), 4);
}

#[tokio::test]
async fn a_full_store_makes_room_from_what_is_past() {
    let store = MemoryStore::with_capacity(100);
    for number in 0..100 {
        store.create(&key(number), &record(0)).await.unwrap();
    }
    let later = record(HOUR_MS + GRACE_MS + 2 * 65_536);
    // The first one from a later clock is not yet believed.
    assert!(store.create(&key(100), &later).await.is_err());
    assert_eq!(store.create(&key(100), &later).await.unwrap(), Created::Done);
    assert!(store.len() <= 100, "{store:?}");
}

#[tokio::test]
async fn churn_of_sessions_that_end_keeps_the_store_small() {
    let store = MemoryStore::new();
    for number in 0..100_000 {
        // Ten sessions a second: an hour and the grace of them are 39,000.
        store.create(&key(number), &record(number * 100)).await.unwrap();
    }
    assert!((39_000..42_000).contains(&store.len()), "{store:?}");
    let there = store.len();
    assert_eq!(store.sweep(u64::MAX, usize::MAX).await.unwrap().forgotten, there);
    assert!(store.is_empty());
}

#[tokio::test]
async fn keys_that_begin_alike_are_swept_too() {
    let store = MemoryStore::new();
    let alike = |last| {
        let mut bytes = [7; 32];
        bytes[30] = last;
        StoreKey::from_bytes(bytes)
    };
    for last in 0..20 {
        store.create(&alike(last), &record(u64::from(last))).await.unwrap();
    }
    assert_eq!(store.sweep(HOUR_MS + GRACE_MS + 10, 4).await.unwrap().forgotten, 4);
    assert_eq!(store.sweep(HOUR_MS + GRACE_MS + 10, 100).await.unwrap().forgotten, 6);
    assert_eq!(store.load(&alike(9)).await.unwrap(), Loaded::Nothing);
    assert_eq!(store.load(&alike(10)).await.unwrap(), Loaded::Live(record(10)));
    assert_eq!(store.create(&alike(9), &record(9)).await.unwrap(), Created::Done);
    assert_eq!(store.len(), 11);
}

#[tokio::test]
async fn clones_share_the_sessions_and_debug_shows_counts_only() {
    let store = MemoryStore::with_capacity(10);
    let clone = store.clone();
    store.create(&key(0), &record(0)).await.unwrap();
    assert_eq!(clone.load(&key(0)).await.unwrap(), Loaded::Live(record(0)));
    assert_eq!(format!("{clone:?}"), "MemoryStore { len: 1, capacity: 10 }");
}
