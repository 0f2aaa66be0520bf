//! What requests do to a session, and what they were told.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use dewar::{
    StoreKey,
    store::{
        BoxStore, Created, Loaded, Moved, Reached, Record, Store, StoreError, WriteId, Written,
    },
};
use dewar_stores::migrate::Migrating;

/// Markers are followed so often: one that names its own key leads nowhere.
const MOST_HOPS: usize = 20;

/// What was seen and promised, in the order in which it happened.
#[derive(Default)]
pub struct Story {
    pub clock: u64,
    pub next_id: u8,
    pub acknowledged: Vec<(u64, u8)>,
    pub reads: Vec<Read>,
    /// When a logout was acknowledged.
    pub ended_at: Option<u64>,
    /// Somebody began one: it may have happened.
    pub may_have_ended: bool,
    /// The key that a rotation left, where it led, and when that was acknowledged.
    pub rotated: Vec<(StoreKey, StoreKey, u64)>,
    pub may_have_rotated: bool,
    pub crashes: u32,
}

pub struct Read {
    pub began: u64,
    pub done: u64,
    pub from: StoreKey,
    /// `None`: no session.
    pub found: Option<Vec<u8>>,
}

impl Story {
    pub fn now(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    pub fn id(&mut self) -> u8 {
        self.next_id += 1;
        self.next_id
    }

    /// The newest key that a browser was told.
    pub fn key(&self) -> StoreKey {
        self.rotated.last().map_or(key(0), |(_, to, _)| *to)
    }

    pub fn judge(&self) -> Result<(), String> {
        for read in &self.reads {
            let Some(found) = &read.found else {
                let rotated = self.rotated.iter().any(|(from, ..)| *from == read.from);
                if !self.may_have_ended && !rotated {
                    return Err("a session was lost".into());
                }
                continue;
            };
            if self.ended_at.is_some_and(|at| at < read.began) {
                return Err(format!("a logout was undone: {found:?}"));
            }
            let own: BTreeSet<_> = found.iter().collect();
            if own.len() != found.len() {
                return Err(format!("something was done twice: {found:?}"));
            }
            let earlier = self.acknowledged.iter().filter(|(at, _)| *at < read.began);
            let earlier = earlier.map(|(_, id)| id);
            let before = self.reads.iter().filter(|other| other.done < read.began);
            for other in before.clone() {
                if other.found.is_none() && other.from == read.from {
                    return Err(format!("the dead came back: {found:?}"));
                }
            }
            let seen = before.filter_map(|other| other.found.as_ref()).flatten();
            if let Some(lost) = earlier.chain(seen).find(|id| !own.contains(id)) {
                return Err(format!("{lost} was lost: {found:?}"));
            }
        }
        Ok(())
    }
}

pub type Task = Pin<Box<dyn Future<Output = Result<(), StoreError>>>>;
pub type Shared = Arc<Mutex<Story>>;

pub fn key(number: u8) -> StoreKey {
    StoreKey::from_bytes([number; 32])
}

/// The record after one more write.
fn with(record: &Record, id: u8) -> Record {
    let mut next = record.clone();
    next.data.push(id);
    next.writes = record.writes.and(WriteId::new(u64::from(id)));
    next
}

pub async fn append(node: BoxStore, story: Shared, mut key: StoreKey) -> Result<(), StoreError> {
    let id = story.lock().unwrap().id();
    let Loaded::Live(mut current) = node.load(&key).await? else { return Ok(()) };
    loop {
        match node.update(&key, current.version(), &with(&current, id)).await? {
            Written::Done => {
                let mut story = story.lock().unwrap();
                let now = story.now();
                story.acknowledged.push((now, id));
                return Ok(());
            }
            Written::Conflict(newer) => current = newer,
            Written::Gone => return Ok(()),
            Written::Moved(moved) => {
                key = moved.to;
                let Loaded::Live(there) = node.load(&key).await? else { return Ok(()) };
                current = there;
            }
        }
    }
}

pub async fn read(node: BoxStore, story: Shared, from: StoreKey) -> Result<(), StoreError> {
    let began = story.lock().unwrap().now();
    let mut key = from;
    let mut found = None;
    for _ in 0..MOST_HOPS {
        match node.load(&key).await? {
            Loaded::Moved(moved) => key = moved.to,
            Loaded::Live(record) => {
                found = Some(record.data);
                break;
            }
            _ => break,
        }
    }
    let mut story = story.lock().unwrap();
    let done = story.now();
    story.reads.push(Read { began, done, from, found });
    Ok(())
}

pub async fn log_out(node: BoxStore, story: Shared, mut key: StoreKey) -> Result<(), StoreError> {
    story.lock().unwrap().may_have_ended = true;
    for _ in 0..MOST_HOPS {
        let Reached::Moved(moved) = node.delete(&key, 10).await? else {
            let mut story = story.lock().unwrap();
            let now = story.now();
            story.ended_at.get_or_insert(now);
            break;
        };
        key = moved.to;
    }
    Ok(())
}

pub async fn rotate(node: BoxStore, story: Shared, from: StoreKey) -> Result<(), StoreError> {
    let Loaded::Live(mut current) = node.load(&from).await? else { return Ok(()) };
    loop {
        let id = story.lock().unwrap().id();
        let to = key(id);
        if node.create(&to, &with(&current, id)).await? != Created::Done {
            return Ok(());
        }
        story.lock().unwrap().may_have_rotated = true;
        let moved = Moved { to, until_ms: 10 };
        match node.supersede(&from, current.version(), moved).await? {
            Written::Done => {
                let mut story = story.lock().unwrap();
                let now = story.now();
                story.rotated.push((from, to, now));
                story.acknowledged.push((now, id));
                return Ok(());
            }
            Written::Conflict(newer) => {
                node.delete(&to, 10).await?;
                current = newer;
            }
            Written::Gone | Written::Moved(_) => {
                node.delete(&to, 10).await?;
                return Ok(());
            }
        }
    }
}

pub async fn sweep(node: Migrating, key: StoreKey) -> Result<(), StoreError> {
    node.carry_over(&key).await.map(drop)
}
