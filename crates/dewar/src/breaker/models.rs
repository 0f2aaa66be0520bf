//! The breaker under all schedules: it opens once, one call tries at a time, once that was answered
//! everybody goes through, and nobody is heeded who began before.

use std::sync::{Arc, atomic::AtomicUsize};

use loom::thread;

use super::*;

const LIMITS: Limits = Limits { failures: 1, pause: Duration::from_secs(1) };

/// Runs `model` under all schedules.
fn try_all(model: impl Fn() + Send + Sync + 'static) {
    let schedules = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&schedules);
    loom::model::Builder::new().check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("{} schedules", schedules.load(Ordering::Relaxed));
}

/// How a turn is asked for, and how it ends; the sabotaged ones do it in their own way.
type Ask = for<'b> fn(&'b Breaker, Instant) -> Result<Turn<'b>, StoreError>;
type End = for<'b> fn(Turn<'b>, Heard, Instant) -> Change;

fn ask(breaker: &Breaker, now: Instant) -> Result<Turn<'_>, StoreError> {
    breaker.turn_at(|| now)
}

fn end(turn: Turn<'_>, heard: Heard, now: Instant) -> Change {
    turn.over_at(heard, || now)
}

/// Believes the look before the lock: whoever saw it open tries, although it may be closed by now.
fn ask_by_the_first_look(breaker: &Breaker, now: Instant) -> Result<Turn<'_>, StoreError> {
    if !breaker.is_troubled.load(Ordering::Relaxed) {
        return Ok(breaker.a_turn(false));
    }
    let (until, pause) = (now, breaker.limits.pause);
    let closed = Rest { until, pause, probing: false };
    breaker.lock().rest.get_or_insert(closed);
    ask(breaker, now)
}

/// Believes the look before the lock: whoever was of the present then is heeded, whatever came.
fn end_by_the_first_look(mut turn: Turn<'_>, heard: Heard, now: Instant) -> Change {
    if turn.generation == turn.breaker.generation.load(Ordering::Relaxed) {
        thread::yield_now();
        turn.generation = turn.breaker.generation.load(Ordering::Relaxed);
    }
    end(turn, heard, now)
}

/// Lets the next one try before the store was heard of.
fn end_before_it_is_over(turn: Turn<'_>, heard: Heard, now: Instant) -> Change {
    if let Some(rest) = &mut turn.breaker.lock().rest {
        rest.probing = false;
    }
    thread::yield_now();
    end(turn, heard, now)
}

/// A breaker that has opened, and a moment after the pause.
fn opened() -> (Arc<Breaker>, Instant) {
    let (breaker, now) = (Breaker::new(LIMITS), Instant::now());
    let turn = ask(&breaker, now).expect("it is closed");
    assert!(matches!(end(turn, Heard::TimedOut, now), Change::Opened { .. }));
    (Arc::new(breaker), now + 2 * LIMITS.pause)
}

fn two_fail_at_once() {
    let breaker = Arc::new(Breaker::new(Limits { failures: 2, ..LIMITS }));
    let now = Instant::now();
    let callers = [(); 2].map(|()| {
        let breaker = Arc::clone(&breaker);
        thread::spawn(move || {
            let turn = ask(&breaker, now).expect("one failure is not enough");
            end(turn, Heard::TimedOut, now)
        })
    });
    let changes = callers.map(|caller| caller.join().expect("it does not panic"));
    let opened = changes.iter().filter(|change| **change != Change::None).count();
    assert_eq!(opened, 1, "it opens once");
    assert!(ask(&breaker, now).is_err(), "it rests");
}

#[test]
fn of_two_that_fail_at_once_one_opens_it() {
    try_all(two_fail_at_once);
}

/// Three come when the pause is over; whoever tries hears this of the store, or goes away at once.
fn three_come(heard: Option<Heard>, ask: Ask, end: End) {
    let (breaker, later) = opened();
    let (inside, tried) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let come = {
        let (breaker, tried) = (Arc::clone(&breaker), Arc::clone(&tried));
        move || {
            let Ok(turn) = ask(&breaker, later) else { return };
            if !turn.probes {
                return; // it is closed again
            }
            assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0, "two try at once");
            tried.fetch_add(1, Ordering::Relaxed);
            thread::yield_now();
            inside.fetch_sub(1, Ordering::Relaxed);
            match heard {
                Some(heard) => drop(end(turn, heard, later)),
                None => drop(turn),
            }
        }
    };
    let others = [(); 2].map(|()| thread::spawn(come.clone()));
    come();
    others.into_iter().for_each(|other| other.join().expect("it does not panic"));
    let tried = tried.load(Ordering::Relaxed);
    match (heard, breaker.turn_at(|| later)) {
        (Some(Heard::Answer), Ok(turn)) => {
            assert!(!turn.probes, "everybody goes through");
            assert_eq!(tried, 1, "one tries");
        }
        (Some(Heard::Answer), Err(_)) => panic!("everybody goes through"),
        (None | Some(Heard::Unclear), turn) => {
            assert!(turn.is_ok_and(|turn| turn.probes), "the next one may try");
        }
        (Some(_), turn) => {
            assert!(turn.is_err(), "it rests again");
            assert_eq!(tried, 1, "one tries");
        }
    }
}

#[test]
fn of_all_that_come_after_the_pause_one_tries_at_a_time() {
    let unclear = Some(Heard::Unclear);
    for heard in [Some(Heard::Answer), Some(Heard::NoAnswer), unclear, None] {
        try_all(move || three_come(heard, ask, end));
    }
}

#[test]
#[should_panic(expected = "one tries")]
fn one_that_tries_a_closed_breaker_is_caught() {
    try_all(|| three_come(Some(Heard::Answer), ask_by_the_first_look, end));
}

#[test]
#[should_panic(expected = "one tries")]
fn one_that_lets_others_try_beside_it_is_caught() {
    try_all(|| three_come(Some(Heard::NoAnswer), ask, end_before_it_is_over));
}

/// A call that began before it opened fails while the store is found silent, and then back.
fn one_fails_from_before(end_late: End) {
    let (breaker, now) = (Arc::new(Breaker::new(Limits { failures: 2, ..LIMITS })), Instant::now());
    let later = now + 2 * LIMITS.pause;
    let late = {
        let breaker = Arc::clone(&breaker);
        thread::spawn(move || {
            let turn = Turn { breaker: &breaker, probes: false, generation: 0, is_over: false };
            end_late(turn, Heard::TimedOut, now);
        })
    };
    for _ in 0..2 {
        // The late one may have been the first of two.
        if let Ok(turn) = ask(&breaker, now) {
            end(turn, Heard::TimedOut, now);
        }
    }
    let probe = ask(&breaker, later).expect("the pause is over");
    assert_eq!(end(probe, Heard::Answer, later), Change::Closed);
    late.join().expect("it does not panic");
    assert_eq!(breaker.lock().failures, 0, "it is not heeded");
}

#[test]
fn a_call_from_before_is_not_heeded_once_the_store_is_back() {
    try_all(|| one_fails_from_before(end));
}

#[test]
#[should_panic(expected = "it is not heeded")]
fn a_call_from_before_that_is_heeded_is_caught() {
    try_all(|| one_fails_from_before(end_by_the_first_look));
}
