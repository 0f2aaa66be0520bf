//! What a sweep forgets, whose sessions there are, and everything page by page.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod pg;

use std::collections::BTreeSet;

use dewar::{
    StoreKey,
    store::{
        Cursor, Entry, Loaded, Moved, Owner, Reached, Record, Scan, Store, Sweep, UserIndex,
        WriteId,
    },
};
use dewar_stores::postgres::Sabotage;
use pg::{Server, key, numbered, record};

const GRACE_MS: u64 = 300_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sweeps_at_once_share_the_work() {
    let Some(server) = Server::start() else { return };
    let (one, schema) = server.store_and_schema().await;
    let two = server.builder(&schema).connect().await.unwrap();
    let fill = format!(
        "INSERT INTO {schema}.sessions (key, kind, deadline_ms, due_ms, row_sum)
         SELECT sha256(n::text::bytea), 2, {0}, {0}, 0 FROM generate_series(1, 3000) n",
        i64::MIN + 1
    );
    server.client().await.batch_execute(&fill).await.unwrap();
    let all = |store: dewar_stores::postgres::PostgresStore| {
        tokio::spawn(async move { store.sweep(u64::MAX, usize::MAX).await.unwrap().forgotten })
    };
    let (first, second) = (all(one.clone()), all(two));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!(first + second, 3000, "each row is counted once");
    assert!(first >= 100 && second >= 100, "they overlapped: {first} and {second}");
    assert_eq!(one.scan(None, 10).await.unwrap().found.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_puts_back_what_lives_on_and_counts_what_it_forgets() {
    let Some(server) = Server::start() else { return };
    let (store, schema) = server.store_and_schema().await;
    for number in 0..250 {
        store.create(&numbered(number), &record(1, "until 2000")).await.unwrap();
        if number % 50 != 49 {
            store.touch(&numbered(number), 8000).await.unwrap();
        }
    }
    let now_ms = GRACE_MS + 2001;
    assert_eq!(
        store.sweep(now_ms, 3).await.unwrap().forgotten,
        3,
        "the limit is what is forgotten"
    );
    assert_eq!(store.sweep(now_ms, 1000).await.unwrap().forgotten, 2);
    assert_eq!(store.sweep(now_ms, 1000).await.unwrap().forgotten, 0);
    let sql = format!("SELECT count(*) FROM {schema}.sessions WHERE due_ms = deadline_ms");
    let settled = server.client().await.query_one(&sql, &[]).await.unwrap();
    assert_eq!(settled.get::<_, i64>(0), 245);
}

/// Gives what is there after a touch and a sweep that met.
async fn touch_meets_sweep(sabotage: Option<Sabotage>) -> Option<Loaded> {
    let server = Server::start()?;
    let schema = server.schema();
    let mut builder = server.builder(&schema);
    if let Some(sabotage) = sabotage {
        builder = builder.sabotage(sabotage);
    }
    let store = builder.connect().await.unwrap();
    store.create(&key(1), &record(1, "")).await.unwrap();
    // A touch between its change and its commit.
    let toucher = server.client().await;
    let touch =
        format!("UPDATE {schema}.sessions SET idle_ms = absolute_ms, deadline_ms = absolute_ms");
    toucher.batch_execute(&format!("BEGIN; {touch}")).await.unwrap();
    let sweep = tokio::spawn({
        let store = store.clone();
        async move { store.sweep(GRACE_MS + 2001, 10).await.unwrap().forgotten }
    });
    if sabotage.is_some() {
        server.until_a_lock_is_waited_for().await;
        toucher.batch_execute("COMMIT").await.unwrap();
        sweep.await.unwrap();
    } else {
        assert_eq!(sweep.await.unwrap(), 0, "it does not wait");
        toucher.batch_execute("COMMIT").await.unwrap();
    }
    Some(store.load(&key(1)).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_neither_waits_for_a_touch_nor_forgets_what_it_saved() {
    let Some(found) = touch_meets_sweep(None).await else { return };
    assert_eq!(found, Loaded::Live(Record { idle_deadline_ms: 9000, ..record(1, "") }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_goes_by_an_old_deadline_is_caught() {
    let Some(found) = touch_meets_sweep(Some(Sabotage::SweepByOldDeadline)).await else { return };
    assert_eq!(found, Loaded::Nothing, "a live session was forgotten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_sessions_are_listed_oldest_first_page_by_page() {
    let Some(server) = Server::start() else { return };
    let store = server.store().await;
    let (ada, eve) = (Owner::of("ada"), Owner::of("eve"));
    let of = |owner, created_ms| Record { owner: Some(owner), created_ms, ..record(1, "") };
    store.create(&key(5), &of(ada, 100)).await.unwrap();
    store.create(&key(4), &of(ada, u64::MAX)).await.unwrap();
    store.create(&key(3), &of(ada, 100)).await.unwrap();
    store.create(&key(2), &of(eve, 50)).await.unwrap();
    store.create(&key(1), &record(1, "nobody's")).await.unwrap();
    store.create(&key(6), &of(ada, 70)).await.unwrap();
    store.delete(&key(6), 5000).await.unwrap();
    let entry = |byte, since_ms| Entry { key: key(byte), since_ms };
    let all = [entry(3, 100), entry(5, 100), entry(4, u64::MAX)];
    assert_eq!(store.sessions_of(&ada, None, 10).await.unwrap(), all);
    assert_eq!(store.sessions_of(&ada, None, 2).await.unwrap(), all[..2]);
    assert_eq!(store.sessions_of(&ada, Some(all[0]), 10).await.unwrap(), all[1..]);
    assert_eq!(store.sessions_of(&ada, Some(all[2]), 10).await.unwrap(), []);
    assert_eq!(store.sessions_of(&eve, None, 10).await.unwrap(), [entry(2, 50)]);
    // Another owner, or another key: the list follows the record.
    let now_eves = Record { owner: Some(eve), ..record(2, "") };
    store.update(&key(3), WriteId::new(1), &now_eves).await.unwrap();
    let to = Moved { to: key(7), until_ms: 5000 };
    store.supersede(&key(5), WriteId::new(1), to).await.unwrap();
    assert_eq!(store.sessions_of(&ada, None, 10).await.unwrap(), [all[2]]);
    assert_eq!(store.sessions_of(&eve, None, 10).await.unwrap().len(), 2);
    let boxed = store.boxed();
    assert!(boxed.sweeps() && boxed.knows_users() && boxed.scans());
}

/// All keys, and what others did between the pages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_shows_what_is_there_all_the_time_whatever_others_do() {
    let Some(server) = Server::start() else { return };
    let (store, schema) = server.store_and_schema().await;
    for number in 0..200 {
        store.create(&numbered(number * 10), &record(1, "stays")).await.unwrap();
    }
    store.delete(&numbered(1001), 5000).await.unwrap();
    let sql = format!("UPDATE {schema}.sessions SET data = 'broken' WHERE key = $1");
    let damaged = numbered(550);
    let client = server.client().await;
    client.execute(&sql, &[&damaged.as_bytes().as_slice()]).await.unwrap();
    let (mut seen, mut from, mut pages) = (BTreeSet::<StoreKey>::new(), None::<Cursor>, 0);
    loop {
        let page = store.scan(from.as_ref(), 32).await.unwrap();
        pages += 1;
        for (key, found) in page.found {
            assert_eq!(found.is_err(), key == damaged);
            assert!(!matches!(found, Ok(Loaded::Nothing)));
            assert!(seen.insert(key), "shown twice");
        }
        // Others come before and behind the cursor, and go.
        store.create(&numbered(pages), &record(1, "new")).await.unwrap();
        store.create(&numbered(3000 + pages), &record(1, "new")).await.unwrap();
        match page.next {
            Some(next) => from = Some(Cursor::from_bytes(next.as_bytes())),
            None => break,
        }
    }
    assert!((0..200).all(|number| seen.contains(&numbered(number * 10))));
    assert!(seen.contains(&numbered(1001)), "a tombstone is shown too");
    assert!(pages >= 7, "{pages} pages");
    assert!(store.scan(Some(&Cursor::from_bytes([1])), 10).await.is_err());
    assert_eq!(store.delete(&damaged, 5000).await.unwrap(), Reached::Done);
}
