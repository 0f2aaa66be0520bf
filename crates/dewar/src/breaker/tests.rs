//! When it opens, when it closes, and what it does not heed.

use super::*;

const LIMITS: Limits = Limits { failures: 3, pause: Duration::from_secs(1) };

const SILENCES: [Heard; 3] = [Heard::NoAnswer, Heard::TimedOut, Heard::GivenUp];

fn call(breaker: &Breaker, heard: Heard) -> Option<Change> {
    breaker.turn().ok().map(|turn| turn.over(heard))
}

fn opened(breaker: &Breaker) {
    for _ in 0..LIMITS.failures {
        call(breaker, Heard::TimedOut);
    }
    assert!(breaker.turn().is_err(), "it rests");
}

#[tokio::test(start_paused = true)]
async fn it_opens_after_so_many_in_a_row_and_not_before() {
    for silence in SILENCES {
        let breaker = Breaker::new(LIMITS);
        for heard in [silence, silence, Heard::Answer, silence, silence] {
            assert_eq!(call(&breaker, heard), Some(Change::None));
        }
        assert!(matches!(call(&breaker, silence), Some(Change::Opened { .. })));
        let resting = breaker.turn().unwrap_err();
        assert_eq!(resting.kind(), StoreErrorKind::Resting);
        let left = resting.retry_after().expect("it says when to come back");
        assert!(left >= Duration::from_millis(700) && left <= Duration::from_millis(1300));
    }
}

#[test]
fn an_answer_is_whatever_the_store_itself_says() {
    use StoreErrorKind::*;
    for (kind, heard) in [
        (Contended, Heard::Answer),
        (Corrupt, Heard::Answer),
        (Full, Heard::Answer),
        (NotReplicated, Heard::Unclear),
        (Refused, Heard::Answer),
        (Unsupported, Heard::Answer),
        (OutcomeUnknown, Heard::NoAnswer),
        (Unavailable, Heard::NoAnswer),
        (TimedOut, Heard::TimedOut),
    ] {
        assert_eq!(Heard::of(&Err::<(), _>(StoreError::new(kind))), heard, "{kind:?}");
    }
    assert_eq!(Heard::of(&Ok(())), Heard::Answer);
}

#[tokio::test(start_paused = true)]
async fn after_the_pause_one_call_tries_and_its_answer_closes() {
    let breaker = Breaker::new(LIMITS);
    opened(&breaker);
    tokio::time::advance(Duration::from_secs(2)).await;
    let probe = breaker.turn().expect("one may try");
    assert!(breaker.turn().is_err(), "and no other beside it");
    assert_eq!(probe.over(Heard::Answer), Change::Closed);
    assert_eq!(call(&breaker, Heard::TimedOut), Some(Change::None), "it counts from nothing");
}

/// Whoever tries a store that hangs waits; one that refuses at once costs nobody time.
#[tokio::test(start_paused = true)]
async fn the_pause_doubles_while_whoever_tries_waits_in_vain_up_to_eight_times() {
    use Heard::{GivenUp, NoAnswer, TimedOut};
    let breaker = Breaker::new(LIMITS);
    opened(&breaker);
    for (heard, times) in [
        (TimedOut, 2),
        (TimedOut, 4),
        (GivenUp, 4),
        (TimedOut, 8),
        (TimedOut, 8),
        (NoAnswer, 1),
        (NoAnswer, 1),
        (TimedOut, 2),
    ] {
        tokio::time::advance(Duration::from_secs(20)).await;
        let Some(Change::Opened { pause }) = call(&breaker, heard) else { panic!("open") };
        let (least, most) = (LIMITS.pause.mul_f64(0.75), LIMITS.pause.mul_f64(1.25));
        assert!(pause >= least * times && pause <= most * times, "{pause:?}, {times} times");
    }
}

#[tokio::test(start_paused = true)]
async fn a_try_that_was_given_up_leaves_the_next_one_free() {
    let breaker = Breaker::new(LIMITS);
    opened(&breaker);
    tokio::time::advance(Duration::from_secs(2)).await;
    drop(breaker.turn().expect("one may try"));
    assert!(breaker.turn().is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_unclear_neither_counts_nor_clears() {
    use Heard::{TimedOut, Unclear};
    let breaker = Breaker::new(LIMITS);
    for heard in [Unclear, Unclear, Unclear, TimedOut, Unclear, TimedOut, Unclear] {
        assert_eq!(call(&breaker, heard), Some(Change::None));
    }
    assert!(matches!(call(&breaker, TimedOut), Some(Change::Opened { .. })), "three in a row");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(call(&breaker, Unclear), Some(Change::None), "one tries, and nothing follows");
    assert_eq!(call(&breaker, Heard::Answer), Some(Change::Closed), "so the next one tries");
}

#[tokio::test(start_paused = true)]
async fn calls_that_began_before_it_opened_change_nothing_more() {
    let breaker = Breaker::new(LIMITS);
    let turns: Vec<_> = (0..10).map(|_| breaker.turn().expect("closed")).collect();
    let changes: Vec<_> = turns.into_iter().map(|turn| turn.over(Heard::TimedOut)).collect();
    let opened = changes.iter().filter(|change| **change != Change::None);
    assert_eq!(opened.count(), 1, "{changes:?}");
}

#[tokio::test(start_paused = true)]
async fn calls_that_began_before_it_opened_do_not_open_it_again_once_it_is_closed() {
    let breaker = Breaker::new(LIMITS);
    let slow: Vec<_> = (0..10).map(|_| breaker.turn().expect("closed")).collect();
    opened(&breaker);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(breaker.turn().expect("one may try").over(Heard::Answer), Change::Closed);
    for turn in slow {
        assert_eq!(turn.over(Heard::TimedOut), Change::None);
    }
    assert!(breaker.turn().is_ok());
}

#[tokio::test(start_paused = true)]
async fn zero_means_never() {
    let breaker = Breaker::new(Limits { failures: 0, ..LIMITS });
    for _ in 0..100 {
        assert_eq!(call(&breaker, Heard::TimedOut), Some(Change::None));
    }
}
