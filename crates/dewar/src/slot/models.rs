//! The slot under all schedules: it closes once, whatever counted is kept, and nobody sees it half
//! closed.

use std::{
    future::Future,
    pin::pin,
    sync::{LazyLock, atomic::AtomicUsize},
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use http::{HeaderValue, header::COOKIE};
use loom::thread::{self, JoinHandle};

use super::*;
use crate::{clock::Clock, delta::Op, layer::SessionLayer};

/// In words: a commit signs and encodes, unoptimized. loom's own is too small for that.
const STACK_WORDS: usize = 1 << 16;

/// Standing still, so that every run of a schedule is the same; asking lets the others go on.
#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> SystemTime {
        thread::yield_now();
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }
}

static OPENED: AtomicUsize = AtomicUsize::new(0);
static COMMITTED: AtomicUsize = AtomicUsize::new(0);

static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let layer = SessionLayer::signed_cookie("9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG");
    let layer = layer.clock(Standing).on_event(|event| {
        let count = match event {
            Event::Opened { .. } => &OPENED,
            Event::Committed { .. } => &COMMITTED,
            _ => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    });
    Arc::clone(&layer.build().expect("it is sound").config)
});

/// One that nobody listens to: then a session that was only read is closed under one lock.
static SILENT: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let layer = SessionLayer::signed_cookie("9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG").clock(Standing);
    Arc::clone(&layer.build().expect("it is sound").config)
});

/// Runs `model` under all schedules.
fn try_all(model: impl Fn() + Send + Sync + 'static) {
    // The models of one process share the counts of events.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    LazyLock::force(&CONFIG);
    LazyLock::force(&SILENT);
    let schedules = Arc::new(AtomicUsize::new(0));
    let model = Arc::new(model);
    let counted = Arc::clone(&schedules);
    loom::model::Builder::new().check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        OPENED.store(0, Ordering::Relaxed);
        COMMITTED.store(0, Ordering::Relaxed);
        let model = Arc::clone(&model);
        spawn(move || model()).join().expect("it does not panic");
    });
    println!("{} schedules", schedules.load(Ordering::Relaxed));
}

fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::Builder::new().stack_size(STACK_WORDS).spawn(f).expect("there is memory")
}

/// Whoever waits here asks again once another has gone on.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::yield_now(),
        }
    }
}

fn sealed(cookie: Option<HeaderValue>) -> Slot {
    let headers = cookie.map(|cookie| (COOKIE, cookie)).into_iter().collect();
    Slot::seal(&CONFIG, &headers)
}

fn asked(slot: &Slot) -> OpenSlot {
    block_on(slot.ask(None)).expect("a cookie always answers")
}

/// Says whether the change counts.
fn set(open: &OpenSlot, name: &str) -> bool {
    open.with(|open, live| {
        if live {
            open.contents.apply(name, Op::Set(Value::from(1))).expect("it can be set");
        }
        live
    })
}

fn has(open: &OpenSlot, name: &str) -> bool {
    open.with(|open, _| open.contents.get(name).is_some())
}

/// The session that a browser brings back.
fn brought_back(change: CookieChange) -> OpenSlot {
    let CookieChange::Set(cookie) = change else { panic!("no cookie was set") };
    let pair = cookie.as_bytes().split(|byte| *byte == b';').next().expect("there is a first");
    asked(&sealed(Some(HeaderValue::from_bytes(pair).expect("it came from a header"))))
}

/// How a slot is closed; the sabotaged one does it in its own way.
type Close = fn(&OpenSlot);

fn close(open: &OpenSlot) {
    block_on(open.close()).expect("nothing stands against it");
}

/// Looks in one step whether it is open, acts in the next, and closes in a third.
fn check_then_act(open: &OpenSlot) {
    if !open.with(|_, live| live) {
        return;
    }
    let config = open.config();
    let (decision, change) = open.with(|open, _| {
        let decision = commit::decide(config, open).expect("nothing stands against it");
        (decision, commit::token::act(config, open, &decision).expect("it is small"))
    });
    open.set_outcome(Outcome::Unknown);
    open.keep(&decision, change.into(), &Vec::new());
}

fn two_close(close: Close) {
    let open = asked(&sealed(None));
    set(&open, "first");
    let closers = [(); 2].map(|()| {
        let open = open.clone();
        spawn(move || {
            close(&open);
            open.take_change()
        })
    });
    let changes = closers.map(|closer| closer.join().expect("it does not panic"));
    let cookies = changes.iter().filter(|change| matches!(change, CookieChange::Set(_))).count();
    assert_eq!(cookies, 1, "it closes once");
    assert_eq!(COMMITTED.load(Ordering::Relaxed), 1, "it closes once");
}

#[test]
fn of_two_that_close_one_commits_and_both_are_told() {
    try_all(|| two_close(close));
}

#[test]
#[should_panic(expected = "it closes once")]
fn two_that_check_then_act_are_caught() {
    try_all(|| two_close(check_then_act));
}

/// A closing that is dropped while a store is asked leaves this behind.
fn begin_to_close(open: &OpenSlot) {
    let _turn = block_on(open.0.0.closing.lock());
    drop(open.begin());
}

/// One that sets everything back, as if nothing had begun.
fn begin_to_close_and_take_it_back(open: &OpenSlot) {
    begin_to_close(open);
    open.asked(|asked| asked.phase = Phase::Open);
}

fn was_refused(open: &OpenSlot) -> bool {
    open.asked(|asked| matches!(asked.phase, Phase::Closed(Outcome::Refused)))
}

fn close_after_one_that_was_dropped(begin: fn(&OpenSlot)) {
    let open = asked(&sealed(None));
    set(&open, "first");
    let (dropped, closed) = (open.clone(), open.clone());
    let beginner = spawn(move || begin(&dropped));
    let closer = spawn(move || block_on(closed.close()).is_ok());
    beginner.join().expect("it does not panic");
    let kept = closer.join().expect("it does not panic");
    assert!(!set(&open, "late"), "no change counts any more");
    assert_eq!(was_refused(&open), !kept, "what was told once is told again");
    assert_eq!(block_on(open.close()).is_ok(), kept, "what was told once is told again");
    assert_eq!(matches!(open.take_change(), CookieChange::Set(_)), kept);
}

#[test]
fn a_closing_that_was_dropped_halfway_is_never_told_as_kept() {
    try_all(|| close_after_one_that_was_dropped(begin_to_close));
}

#[test]
#[should_panic(expected = "no change counts any more")]
fn a_closing_that_is_taken_back_is_caught() {
    try_all(|| close_after_one_that_was_dropped(begin_to_close_and_take_it_back));
}

fn write_and_read_while_closing(close: Close) {
    let open = asked(&sealed(None));
    set(&open, "first");
    let (closed, written) = (open.clone(), open.clone());
    let closer = spawn(move || {
        close(&closed);
        closed.take_change()
    });
    let writer = spawn(move || set(&written, "late"));
    assert!(has(&open, "first"), "half closed");
    let saw_late = has(&open, "late");
    let change = closer.join().expect("it does not panic");
    let counted = writer.join().expect("it does not panic");
    assert!(counted || !saw_late, "it shows what does not count");
    assert_eq!(has(&open, "late"), counted, "it stays readable as it was kept");
    let back = brought_back(change);
    assert!(has(&back, "first"));
    assert_eq!(has(&back, "late"), counted, "what counted is kept, and nothing else");
}

#[test]
fn a_write_while_closing_is_kept_or_does_not_count() {
    try_all(|| write_and_read_while_closing(close));
}

#[test]
#[should_panic(expected = "what counted is kept")]
fn a_write_between_acting_and_closing_is_caught() {
    try_all(|| write_and_read_while_closing(check_then_act));
}

#[test]
fn two_that_open_at_once_have_one_session() {
    static BOTH_OPENED: AtomicUsize = AtomicUsize::new(0);
    try_all(|| {
        let slot = sealed(None);
        let askers = ["one", "other"].map(|name| {
            let slot = slot.clone();
            spawn(move || set(&asked(&slot), name))
        });
        for asker in askers {
            assert!(asker.join().expect("it does not panic"), "it is open");
        }
        let both = OPENED.load(Ordering::Relaxed) == 2;
        BOTH_OPENED.fetch_add(usize::from(both), Ordering::Relaxed);
        let finished = block_on(slot.finish()).expect("it was asked for");
        assert!(finished.accessed);
        let back = brought_back(finished.change.expect("nothing stands against it"));
        assert!(has(&back, "one") && has(&back, "other"), "both changes are kept");
    });
    assert!(BOTH_OPENED.load(Ordering::Relaxed) > 0, "they never overlapped");
}

/// How a request ends; the sabotaged one does it in its own way.
type Finish = fn(&Slot, &OpenSlot) -> CookieChange;

fn finish(slot: &Slot, _: &OpenSlot) -> CookieChange {
    let finished = block_on(slot.finish()).expect("it was asked for");
    finished.change.expect("nothing stands against it")
}

/// Looks in one step whether it was only read, and closes in the next.
fn look_then_close(slot: &Slot, open: &OpenSlot) -> CookieChange {
    if open.with(|open, _| open.edits) == 0 {
        open.set_outcome(Outcome::Kept(CookieChange::Keep));
        return CookieChange::Keep;
    }
    finish(slot, open)
}

fn finish_beside_a_write(finish: Finish) {
    let slot = Slot::seal(&SILENT, &HeaderMap::new());
    let open = asked(&slot);
    let written = open.clone();
    let writer = spawn(move || set(&written, "late"));
    let change = finish(&slot, &open);
    let counted = writer.join().expect("it does not panic");
    let kept = match change {
        CookieChange::Keep => false,
        change => has(&brought_back(change), "late"),
    };
    assert_eq!(kept, counted, "what counted is kept, and nothing else");
}

#[test]
fn a_write_beside_the_end_of_a_request_is_kept_or_does_not_count() {
    try_all(|| finish_beside_a_write(finish));
}

#[test]
#[should_panic(expected = "what counted is kept")]
fn a_write_between_looking_and_closing_is_caught() {
    try_all(|| finish_beside_a_write(look_then_close));
}
