//! What a session takes in Redis, beside what Flask-Session takes there for the same contents.
//!
//! `DEWAR_SESSIONS=100000 cargo test -p dewar-stores --test redis_memory -- --nocapture` prints it.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{env, fmt::Write as _};

use dewar::{
    StoreKey,
    store::{Loaded, Owner, Record, Store, WriteId, Writes},
};
use dewar_testdata::redis::Node;
use support::{
    chance::Chance,
    redis::{now_ms, on},
};

const HOUR_MS: u64 = 3_600_000;

/// 201 bytes of JSON; Flask-Session's msgpack of the same takes 151.
fn contents(chance: &mut Chance) -> String {
    let mut token = String::new();
    for _ in 0..5 {
        write!(token, "{:08x}", chance.below(1 << 32)).unwrap();
    }
    let mut number =
        |digits: u32| 10_u64.pow(digits - 1) + chance.below(9 * 10_u64.pow(digits - 1));
    let (user, first, second, visits) = (number(7), number(5), number(5), number(2));
    let name: String = (0..8).map(|_| char::from(b'a' + number(2) as u8 % 26)).collect();
    let seen = 1_764_000_000 + number(6);
    format!(
        r#"{{"_user_id":"{user}","_fresh":true,"csrf_token":"{token}","cart":[[{first},2],[{second},1]],"theme":"dark","lang":"en","visits":{visits},"name":"{name}","last_seen":{seen}}}"#
    )
}

fn used(node: &Node) -> u64 {
    node.info("used_memory").trim().parse().unwrap()
}

/// Bytes for each of `count` sessions.
async fn of_dewar(count: u64, what: fn(&mut Chance) -> Record) -> Option<u64> {
    let node = Node::start(&[])?;
    let store = on(&node).connect().await.unwrap();
    let (mut chance, before) = (Chance::new(), used(&node));
    for _ in 0..count / 200 {
        let made: Vec<_> = (0..200)
            .map(|_| {
                let (store, record) = (store.clone(), what(&mut chance));
                let key = StoreKey::from_bytes(chance.bytes());
                tokio::spawn(async move {
                    store.create(&key, &record).await.unwrap();
                    assert_eq!(store.load(&key).await.unwrap(), Loaded::Live(record));
                })
            })
            .collect();
        for task in made {
            task.await.unwrap();
        }
    }
    assert_eq!(node.ask(&["DBSIZE"]).text(), count.to_string());
    Some((used(&node) - before) / count)
}

async fn of_flask_session(count: u64) -> Option<u64> {
    let node = Node::start(&[])?;
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", node.port())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let (mut chance, before) = (Chance::new(), used(&node));
    for _ in 0..count / 200 {
        let mut pipeline = redis::Pipeline::new();
        for _ in 0..200 {
            let id: String = (0..43).map(|_| char::from(b'a' + chance.below(26) as u8)).collect();
            let blob: Vec<u8> = (0..150).map(|_| chance.below(256) as u8).collect();
            pipeline.cmd("SETEX").arg(format!("session:{id}")).arg(86_400).arg(blob);
        }
        connection.send_packed_commands(&pipeline, 0, 200).await.unwrap();
    }
    assert_eq!(node.ask(&["DBSIZE"]).text(), count.to_string());
    Some((used(&node) - before) / count)
}

fn fresh(chance: &mut Chance) -> Record {
    Record {
        owner: None,
        created_ms: now_ms(),
        idle_deadline_ms: now_ms() + 2 * HOUR_MS,
        absolute_deadline_ms: now_ms() + 7 * 24 * HOUR_MS,
        writes: Writes::first(WriteId::new(chance.below(u64::MAX))),
        data: contents(chance).into_bytes(),
    }
}

/// Of a user, and written by one process for the eighth time.
fn owned(chance: &mut Chance) -> Record {
    let record = fresh(chance);
    let first = record.version().get();
    let writes = (1..8).fold(record.writes, |writes, more| {
        writes.and(WriteId::new(first.wrapping_add(more * 13)))
    });
    let owner = Some(Owner::from_bytes(chance.bytes()));
    Record { owner, writes, ..record }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_takes_no_more_memory_than_one_of_flask_session() {
    let count = env::var("DEWAR_SESSIONS").ok().and_then(|count| count.parse().ok());
    let count = count.unwrap_or(20_000);
    let Some(flask) = of_flask_session(count).await else { return };
    let dewar = of_dewar(count, fresh).await.unwrap();
    let owned = of_dewar(count, owned).await.unwrap();
    println!("{count} sessions of 201 bytes of JSON, bytes each:");
    println!("Flask-Session {flask}, dewar {dewar}, dewar with an owner and 8 writes {owned}");
    assert!(dewar <= flask, "dewar takes {dewar} bytes a session, Flask-Session {flask}");
}
