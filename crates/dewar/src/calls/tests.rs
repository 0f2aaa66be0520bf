//! Waiting for an answer: to the millisecond, and however busy the task is.

use std::task::{Context, Waker};

use tokio::sync::{Semaphore, oneshot};

use super::*;

const MOST: Duration = Duration::from_millis(20);

/// How much tokio lets a task do at one go.
const AT_ONE_GO: usize = 128;

#[test]
fn an_answer_that_is_there_needs_no_runtime() {
    let answer = pin!(within(Duration::ZERO, async { 7 }));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(answer.poll(&mut cx), Poll::Ready(Some(7)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_waited_for_to_the_millisecond() {
    for (ms, there) in [(0, true), (999, true), (1000, true), (1001, false)] {
        let answer = tokio::time::sleep(Duration::from_millis(ms));
        assert_eq!(within(Duration::from_secs(1), answer).await.is_some(), there, "{ms} ms");
    }
}

/// Does what a task may do at one go, all but so much of it.
fn work_until(left: usize, free: &Semaphore, cx: &mut Context<'_>) {
    for _ in left..AT_ONE_GO {
        assert!(pin!(free.acquire()).poll(cx).is_ready());
    }
}

#[tokio::test]
async fn a_task_may_do_so_much_at_one_go() {
    let free = Semaphore::new(1);
    poll_fn(|cx| {
        work_until(0, &free, cx);
        assert!(pin!(free.acquire()).poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

/// A timer that is polled like any other future never rings here: nothing is left for it.
#[tokio::test]
async fn an_answer_that_never_rests_is_not_waited_for_longer_either() {
    let free = Semaphore::new(1);
    let busy = async {
        for _ in 0..5_000_000_u32 {
            drop(free.acquire().await);
        }
    };
    assert_eq!(within(MOST, busy).await, None);
}

/// Nor does it ring if another part of the task leaves nothing, again and again.
#[tokio::test]
async fn the_deadline_holds_in_a_task_that_never_rests() {
    let (free, begun) = (Semaphore::new(1), Instant::now());
    let mut waits = pin!(within(MOST, std::future::pending::<()>()));
    poll_fn(|cx| {
        work_until(0, &free, cx);
        assert!(begun.elapsed() < Duration::from_secs(10), "the deadline does not hold");
        waits.as_mut().poll(cx)
    })
    .await;
}

/// The answers are there, and the task is too busy to take them before the time is over.
#[tokio::test]
async fn a_busy_task_is_not_told_as_a_store_that_timed_out() {
    // Both answers are out of reach at first, or the second one alone.
    for left in [0, 1] {
        let free = Semaphore::new(1);
        let ((one, first), (other, second)) = (oneshot::channel(), oneshot::channel());
        let mut senders = Some((one, other));
        let answer = async { (first.await, second.await) };
        let mut waits = pin!(within(MOST, answer));
        let mut go = 0;
        let answer = poll_fn(|cx| {
            go += 1;
            if go == 2 {
                let (one, other) = senders.take().expect("it is the second go");
                assert!(one.send(1).is_ok() && other.send(2).is_ok());
                std::thread::sleep(2 * MOST);
                work_until(left, &free, cx);
            }
            let waited = waits.as_mut().poll(cx);
            if go == 1 {
                assert!(waited.is_pending());
                cx.waker().wake_by_ref();
            }
            waited
        })
        .await;
        assert_eq!(answer, Some((Ok(1), Ok(2))), "{left} left");
    }
}
