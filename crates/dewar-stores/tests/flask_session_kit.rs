//! The conformance kit on stores shared with Flask-Session. Its keys become ids, and its bytes, which
//! are no sessions, the one value of a session.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod pg;
mod support;

use dewar::{
    Dict, StoreKey, Value,
    store::{
        Created, Loaded, Moved, Reached, Record, Store, StoreError, StoreErrorKind, WriteId,
        Written,
        conformance::{Alternating, Kit},
    },
};
use dewar_signing::{Codec, TaggedJson};
use dewar_stores::flask_session::{FlaskSessionStore, Sabotage};
use dewar_testdata::{postgres::Postgres, redis::Node};

/// The kit speaks of hashes and of any bytes.
struct AsIds<S>(S);

fn id(key: &StoreKey) -> StoreKey {
    StoreKey::from_id(*key.as_bytes())
}

fn hash(moved: Moved) -> Moved {
    Moved { to: StoreKey::from_bytes(*moved.to.as_bytes()), ..moved }
}

fn wrapped(record: &Record) -> Record {
    let session = Dict::from([("bytes", Value::Bytes(record.data.clone()))]);
    let data = TaggedJson.write(&Value::Dict(session)).unwrap().into_bytes();
    Record { data, ..record.clone() }
}

fn unwrapped(mut record: Record) -> Record {
    let Ok(Value::Dict(mut session)) = TaggedJson.read(std::str::from_utf8(&record.data).unwrap())
    else {
        panic!("no session: {record:?}");
    };
    let Some(Value::Bytes(data)) = session.remove("bytes") else { panic!("{session:?}") };
    record.data = data;
    record
}

fn written(answer: Written) -> Written {
    match answer {
        Written::Conflict(record) => Written::Conflict(unwrapped(record)),
        Written::Moved(moved) => Written::Moved(hash(moved)),
        other => other,
    }
}

fn reached(answer: Reached) -> Reached {
    match answer {
        Reached::Moved(moved) => Reached::Moved(hash(moved)),
        other => other,
    }
}

impl<S: Store> Store for AsIds<S> {
    async fn load(&self, key: &StoreKey) -> Result<Loaded, StoreError> {
        Ok(match self.0.load(&id(key)).await? {
            Loaded::Live(record) => Loaded::Live(unwrapped(record)),
            Loaded::Moved(moved) => Loaded::Moved(hash(moved)),
            other => other,
        })
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created, StoreError> {
        self.0.create(&id(key), &wrapped(record)).await
    }

    async fn update(
        &self,
        key: &StoreKey,
        expected: WriteId,
        record: &Record,
    ) -> Result<Written, StoreError> {
        Ok(written(self.0.update(&id(key), expected, &wrapped(record)).await?))
    }

    async fn touch(&self, key: &StoreKey, idle_deadline_ms: u64) -> Result<Reached, StoreError> {
        Ok(reached(self.0.touch(&id(key), idle_deadline_ms).await?))
    }

    async fn delete(&self, key: &StoreKey, until_ms: u64) -> Result<Reached, StoreError> {
        Ok(reached(self.0.delete(&id(key), until_ms).await?))
    }

    async fn supersede(
        &self,
        old: &StoreKey,
        expected: WriteId,
        moved: Moved,
    ) -> Result<Written, StoreError> {
        let moved = Moved { to: id(&moved.to), ..moved };
        Ok(written(self.0.supersede(&id(old), expected, moved).await?))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_redis_store_keeps_the_contract() {
    let Some(node) = Node::start(&[]) else { return };
    let url = format!("redis://127.0.0.1:{}", node.port());
    let kit = Kit::new(|| async { AsIds(FlaskSessionStore::redis(&url).await.unwrap()) })
        .rounds(20)
        .spawn(|client| drop(tokio::spawn(client)));
    kit.check().await.assert_passed();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_keeps_the_contract() {
    let folder = support::Folder::new();
    let path = folder.join("flask.db");
    let kit = Kit::new(|| async { AsIds(FlaskSessionStore::sqlite(&path).unwrap()) })
        .rounds(10)
        .spawn(|client| drop(tokio::spawn(client)));
    kit.check().await.assert_passed();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_store_keeps_the_contract() {
    let Some(server) = Postgres::start() else { return };
    let kit =
        Kit::new(|| async { AsIds(FlaskSessionStore::postgres(&server.url()).await.unwrap()) })
            .rounds(10)
            .spawn(|client| drop(tokio::spawn(client)));
    kit.check().await.assert_passed();
}

/// Two nodes, each with a connection of its own, so that they do overlap on the server.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_on_one_postgres_keep_the_contract_and_a_broken_one_does_not() {
    let Some(server) = Postgres::start() else { return };
    let url = server.url();
    let two = async |sabotage: Option<Sabotage>| {
        let node = async || {
            let store = FlaskSessionStore::postgres(&url).await.unwrap();
            AsIds(sabotage.map_or(store.clone(), |sabotage| store.sabotage(sabotage)))
        };
        Alternating::of([node().await, node().await])
    };
    let kit = |sabotage| {
        Kit::new(move || two(sabotage)).rounds(10).spawn(|client| drop(tokio::spawn(client)))
    };
    kit(None).check().await.assert_passed();
    for sabotage in [Sabotage::SwapWithoutComparing, Sabotage::DeleteWithoutTombstone] {
        let report = kit(Some(sabotage)).check().await;
        assert!(report.failed().next().is_some(), "{sabotage:?} passed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_what_makes_a_guarantee_is_found_out() {
    let Some(node) = Node::start(&[]) else { return };
    let url = format!("redis://127.0.0.1:{}", node.port());
    for sabotage in [Sabotage::SwapWithoutComparing, Sabotage::DeleteWithoutTombstone] {
        let make =
            || async { AsIds(FlaskSessionStore::redis(&url).await.unwrap().sabotage(sabotage)) };
        let kit = Kit::new(make).rounds(20).spawn(|client| drop(tokio::spawn(client)));
        assert!(kit.check().await.failed().next().is_some(), "{sabotage:?} passed");
    }
}

#[tokio::test]
async fn a_layer_that_gives_hashes_is_told_what_to_do() {
    let folder = support::Folder::new();
    let store = FlaskSessionStore::sqlite(folder.join("flask.db")).unwrap();
    let error = store.load(&StoreKey::from_bytes([7; 32])).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("SessionLayer::flask_session"), "{cause}");
}
