//! Writers who go on while masters die, and what is left of what was acknowledged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use dewar::{
    StoreKey,
    store::{Created, Loaded, Moved, Reached, Record, Store, StoreError, WriteId, Writes, Written},
};
use dewar_stores::redis::RedisStore;
use tokio::task::JoinHandle;

use super::{chance::Chance, redis::now_ms};

const HOUR_MS: u64 = 3_600_000;

/// So many masters die, at least two: one at once, one cut off before. A hundred in a run of its own.
pub fn kills() -> usize {
    let kills = std::env::var("DEWAR_KILLS").ok().and_then(|kills| kills.parse().ok());
    kills.unwrap_or(3).max(2)
}

/// What a session may be in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Nothing,
    Live(WriteId),
    Moved(StoreKey),
    Ended,
}

impl State {
    fn of(loaded: &Loaded) -> Self {
        match loaded {
            Loaded::Nothing => Self::Nothing,
            Loaded::Live(record) => Self::Live(record.version()),
            Loaded::Moved(moved) => Self::Moved(moved.to),
            Loaded::Ended { .. } => Self::Ended,
        }
    }
}

/// One session: what was acknowledged last, and what an error left open.
struct Story {
    key: StoreKey,
    acknowledged: State,
    at: Instant,
    perhaps: Option<State>,
}

/// Writers on one store.
pub struct Writers {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<Vec<Story>>>,
}

/// What became of what was acknowledged.
#[derive(Debug, Default)]
pub struct Losses {
    pub acknowledged: usize,
    /// An acknowledged write that is not there, and when it was acknowledged.
    pub lost: Vec<Instant>,
    /// A session that was ended or rotated, and lives.
    pub revived: usize,
}

impl Writers {
    /// Some who create, change, rotate and end sessions, as fast as they are answered.
    pub fn start(store: &RedisStore) -> Self {
        let (stop, acknowledged) = (Arc::default(), Arc::default());
        let tasks = (0..6)
            .map(|_| {
                let (store, stop) = (store.clone(), Arc::clone(&stop));
                let acknowledged = Arc::clone(&acknowledged);
                tokio::spawn(async move { write(&store, &stop, &acknowledged).await })
            })
            .collect();
        Self { stop, acknowledged, tasks }
    }

    pub fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many more writes were acknowledged.
    pub async fn go_on(&self, more: usize) {
        let (start, until) = (Instant::now(), self.acknowledged() + more);
        while self.acknowledged() < until {
            assert!(start.elapsed() < Duration::from_secs(60), "nobody can write any more");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lets each write what it has begun, and no more.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Looks at every session, through a store that nobody used yet.
    pub async fn look(self, store: &RedisStore) -> Losses {
        self.stop();
        let mut losses = Losses { acknowledged: self.acknowledged(), ..Losses::default() };
        for task in self.tasks {
            for stories in task.await.unwrap().chunks(100) {
                let loads = stories.iter().map(|story| {
                    let (store, key) = (store.clone(), story.key);
                    tokio::spawn(async move { State::of(&store.load(&key).await.unwrap()) })
                });
                for (story, load) in stories.iter().zip(loads.collect::<Vec<_>>()) {
                    losses.note(story, load.await.unwrap());
                }
            }
        }
        losses
    }
}

impl Losses {
    fn note(&mut self, story: &Story, found: State) {
        if found == story.acknowledged || Some(found) == story.perhaps {
            return;
        }
        self.lost.push(story.at);
        let was_over = !matches!(story.acknowledged, State::Live(_) | State::Nothing);
        self.revived += usize::from(was_over && matches!(found, State::Live(_)));
    }
}

async fn write(store: &RedisStore, stop: &AtomicBool, acknowledged: &AtomicUsize) -> Vec<Story> {
    let mut chance = Chance::new();
    let mut stories = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let key = StoreKey::from_bytes(chance.bytes());
        let at = Instant::now();
        let mut story = Story { key, acknowledged: State::Nothing, at, perhaps: None };
        let mut version = WriteId::new(chance.number());
        let record = |write: WriteId| Record {
            owner: None,
            created_ms: now_ms(),
            idle_deadline_ms: now_ms() + HOUR_MS,
            absolute_deadline_ms: now_ms() + HOUR_MS,
            writes: Writes::first(write),
            data: b"contents".to_vec(),
        };
        let until_ms = now_ms() + HOUR_MS;
        let answer = store.create(&key, &record(version)).await;
        let mut goes_on = story.note(answer, &Created::Done, State::Live(version));
        for _ in 0..chance.below(3) {
            let next = WriteId::new(chance.number());
            if goes_on {
                let answer = store.update(&key, version, &record(next)).await;
                goes_on = story.note(answer, &Written::Done, State::Live(next));
                version = next;
            }
        }
        if goes_on && chance.below(2) == 0 {
            let to = StoreKey::from_bytes(chance.bytes());
            let answer = store.supersede(&key, version, Moved { to, until_ms }).await;
            goes_on = story.note(answer, &Written::Done, State::Moved(to));
        } else if goes_on {
            let answer = store.delete(&key, until_ms).await;
            goes_on = story.note(answer, &Reached::Done, State::Ended);
        }
        acknowledged.fetch_add(usize::from(goes_on), Ordering::Relaxed);
        stories.push(story);
        if !goes_on {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    stories
}

impl Story {
    /// Notes an answer; whether the story goes on. One that is neither done nor an error shows that
    /// something is lost, and the last look will show it, too.
    fn note<T: PartialEq>(&mut self, answer: Result<T, StoreError>, done: &T, then: State) -> bool {
        match answer {
            Ok(answer) if answer == *done => {
                self.acknowledged = then;
                self.at = Instant::now();
                true
            }
            Ok(_) => false,
            Err(_) => {
                self.perhaps = Some(then);
                false
            }
        }
    }
}
