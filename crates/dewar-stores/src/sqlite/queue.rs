//! What waits for a thread: bounded, first come first served.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Why a job was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("{0} calls wait already; the disk is too slow for them, or the file is locked")]
    Full(usize),
    #[error("the thread of the store has ended")]
    Closed,
}

pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    arrived: Condvar,
    limit: usize,
}

struct State<J> {
    waiting: VecDeque<J>,
    closed: bool,
    /// The thread that takes is asleep, and nobody has woken it yet: to wake one that works costs a
    /// call of the system for nothing.
    asleep: bool,
}

impl<J> Queue<J> {
    pub(super) fn new(limit: usize) -> Self {
        let state = State { waiting: VecDeque::new(), closed: false, asleep: false };
        Self { state: Mutex::new(state), arrived: Condvar::new(), limit }
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, job: J) -> Result<(), Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.waiting.len() >= self.limit {
            return Err(Refused::Full(self.limit));
        }
        state.waiting.push_back(job);
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Waits for jobs and takes at most `most`; none means that the queue is closed and empty.
    ///
    /// For one thread: a second one might sleep on.
    pub(super) fn take(&self, most: usize) -> Vec<J> {
        let mut state = self.state();
        while state.waiting.is_empty() && !state.closed {
            state.asleep = true;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.asleep = false;
        Self::drain(&mut state, most)
    }

    /// Takes at most `most` of what waits now.
    pub(super) fn take_ready(&self, most: usize) -> Vec<J> {
        Self::drain(&mut self.state(), most)
    }

    fn drain(state: &mut State<J>, most: usize) -> Vec<J> {
        let count = state.waiting.len().min(most);
        state.waiting.drain(..count).collect()
    }

    /// No more jobs; what waits is still done.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_all();
    }
}

/// Closes the queue when its thread ends, by a panic too: nobody then waits for an answer that
/// cannot come.
pub(super) struct CloseOnDrop<'a, J>(pub(super) &'a Queue<J>);

impl<J> Drop for CloseOnDrop<'_, J> {
    fn drop(&mut self) {
        self.0.close();
        // Dropped behind the lock: whoever is woken by it may run at once.
        let waiting = std::mem::take(&mut self.0.state().waiting);
        drop(waiting);
    }
}
