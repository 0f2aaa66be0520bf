//! One answer, from a thread to a future of any runtime.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

enum State<T> {
    Waiting(Option<Waker>),
    Answered(T),
    /// One side is gone.
    Over,
}

struct Shared<T>(Mutex<State<T>>);

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the answer.
pub(super) struct Sender<T>(Arc<Shared<T>>);

/// Waits for the answer; `None` if the sender was dropped without one.
pub(super) struct Receiver<T>(Arc<Shared<T>>);

/// Both ends.
pub(super) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared(Mutex::new(State::Waiting(None))));
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    pub(super) fn send(self, answer: T) {
        self.replace(State::Answered(answer));
    }

    /// Whether nobody waits any more.
    pub(super) fn is_abandoned(&self) -> bool {
        matches!(*self.0.state(), State::Over)
    }

    /// The waker is called after the lock is released: it may run the future at once.
    fn replace(&self, next: State<T>) {
        let mut state = self.0.state();
        let State::Waiting(waker) = &mut *state else { return };
        let waker = waker.take();
        *state = next;
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.replace(State::Over);
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.state();
        match mem::replace(&mut *state, State::Over) {
            State::Answered(answer) => Poll::Ready(Some(answer)),
            State::Over => Poll::Ready(None),
            State::Waiting(_) => {
                *state = State::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        *self.0.state() = State::Over;
    }
}
