//! The queue under many schedules: one at a time, in the order they came, each with what its
//! predecessor wrote, whoever gives up meanwhile; and nothing is left behind.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use shuttle::{
    future::block_on,
    rand::{Rng, thread_rng},
    thread,
};

use super::*;
use crate::{
    models::try_schedules,
    store::{WriteId, Writes},
};

const SCHEDULES: usize = 6_000;
const SESSIONS: usize = 2;
const THREADS: u64 = 4;
const VISITS: u64 = 2;

/// What is wrong with a queue.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// What was written is not handed over.
    PassesNothingOn,
    /// The line goes with whoever leaves, others may wait in it.
    TakesTheLineAway,
    /// Whoever leaves lets nobody in.
    LetsNobodyIn,
}

/// What is known of one session's queue.
#[derive(Debug, Default)]
struct Seen {
    /// Who waits, in the order they came.
    line: VecDeque<u64>,
    inside: Option<u64>,
    /// What the last one inside wrote.
    left: Option<WriteId>,
    /// The first thing that was wrong. It is told at the end: a panic with a permit in hand would
    /// make others panic on its way.
    wrong: Option<&'static str>,
}

impl Seen {
    fn expect(&mut self, sound: bool, wrong: &'static str) {
        if !sound {
            self.wrong.get_or_insert(wrong);
        }
    }
}

struct Model {
    queue: Queue,
    fault: Fault,
    /// Not a lock of the checker's: noting something down is no step of the schedule.
    seen: [std::sync::Mutex<Seen>; SESSIONS],
}

impl Model {
    fn seen(&self, session: usize) -> std::sync::MutexGuard<'_, Seen> {
        self.seen[session].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request. `patience` is how often it looks whether its turn has come; `None` waits.
    async fn visit(&self, session: usize, me: u64, patience: Option<u32>) {
        let mut looked = 0;
        let mut waited = false;
        let mut entering = pin!(Some(self.queue.enter(key(session))));
        let permit = poll_fn(|context| {
            let future = entering.as_mut().as_pin_mut().expect("it is polled until it is ready");
            match future.poll(context) {
                Poll::Ready(permit) => return Poll::Ready(Some(permit)),
                Poll::Pending if !waited => {
                    waited = true;
                    self.seen(session).line.push_back(me);
                }
                Poll::Pending => {}
            }
            looked += 1;
            if patience.is_some() {
                context.waker().wake_by_ref();
            }
            if patience.is_some_and(|patience| looked > patience) {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await;
        match permit {
            Some(permit) => self.inside(session, me, waited, permit),
            None => {
                self.seen(session).line.retain(|other| *other != me);
                entering.set(None);
            }
        }
    }

    fn inside(&self, session: usize, me: u64, waited: bool, mut permit: Permit<'_>) {
        let predecessor = permit.predecessor().map(|record| record.version());
        {
            let mut seen = self.seen(session);
            let alone = seen.inside.replace(me).is_none();
            seen.expect(alone, "two at once");
            if waited {
                let first = seen.line.pop_front() == Some(me);
                seen.expect(first, "out of turn");
                let handed = predecessor == seen.left;
                seen.expect(handed, "not what its predecessor wrote");
            } else {
                let nobody_waits = seen.line.is_empty();
                seen.expect(nobody_waits, "out of turn");
                // If nobody waited, it is forgotten, or just about to be.
                let handed = predecessor.is_none() || predecessor == seen.left;
                seen.expect(handed, "not what its predecessor wrote");
            }
        }
        thread::yield_now();
        let wrote = thread_rng().gen_bool(0.7).then(|| WriteId::new(me));
        if let Some(write) = wrote.filter(|_| self.fault != Fault::PassesNothingOn) {
            permit.pass_on(record(write));
        }
        {
            let mut seen = self.seen(session);
            seen.inside = None;
            seen.left = wrote;
        }
        match self.fault {
            Fault::TakesTheLineAway => {
                self.queue.lines().remove(&key(session));
            }
            Fault::LetsNobodyIn => return std::mem::forget(permit),
            Fault::None | Fault::PassesNothingOn => {}
        }
        drop(permit);
    }
}

fn key(session: usize) -> StoreKey {
    StoreKey::from_bytes([session as u8; 32])
}

fn record(write: WriteId) -> Record {
    Record {
        owner: None,
        created_ms: 0,
        idle_deadline_ms: 0,
        absolute_deadline_ms: 0,
        writes: Writes::first(write),
        data: Vec::new(),
    }
}

fn several_requests(fault: Fault) {
    let model = Arc::new(Model { queue: Queue::default(), fault, seen: Default::default() });
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                for n in 0..VISITS {
                    // Most meet at one session.
                    let session = usize::from(thread_rng().gen_bool(0.2));
                    let patience = thread_rng().gen_bool(0.3);
                    let patience = patience.then(|| thread_rng().gen_range(0..4));
                    block_on(model.visit(session, 1 + number * VISITS + n, patience));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    for session in 0..SESSIONS {
        let wrong = model.seen(session).wrong;
        assert!(wrong.is_none(), "the queue: {wrong:?}");
    }
    let left_behind = model.queue.lines().len();
    assert!(left_behind == 0 || fault == Fault::LetsNobodyIn, "{left_behind} left behind");
}

#[test]
fn one_at_a_time_in_order_with_what_was_written() {
    try_schedules(SCHEDULES, || several_requests(Fault::None));
}

#[test]
#[should_panic(expected = "the queue:")]
fn a_queue_that_forgets_to_hand_over_is_caught() {
    try_schedules(SCHEDULES, || several_requests(Fault::PassesNothingOn));
}

#[test]
#[should_panic(expected = "the queue:")]
fn a_queue_that_takes_the_line_from_waiters_is_caught() {
    try_schedules(SCHEDULES, || several_requests(Fault::TakesTheLineAway));
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_queue_that_lets_nobody_in_is_caught() {
    try_schedules(SCHEDULES, || several_requests(Fault::LetsNobodyIn));
}
