//! Proof that calls overlapped: nobody goes on before everybody has come.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Poll, Waker},
};

use super::executor::lock;

/// A gate that opens when all who have a ticket stand before it.
///
/// Each client loads before it and writes behind it: so every load precedes every write.
#[derive(Default)]
pub(super) struct Gate(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    missing: usize,
    left_early: usize,
    waiting: Vec<Waker>,
}

/// The right to wait at a gate. Dropping it lets the others go on.
pub(super) struct Ticket {
    gate: Arc<Mutex<State>>,
    used: bool,
}

impl Gate {
    pub(super) fn ticket(&self) -> Ticket {
        lock(&self.0).missing += 1;
        Ticket { gate: self.0.clone(), used: false }
    }

    /// Whether all met.
    pub(super) fn met(&self) -> Result<(), String> {
        let state = lock(&self.0);
        if state.missing == 0 && state.left_early == 0 {
            return Ok(());
        }
        Err("the calls did not overlap, so this shows nothing".to_owned())
    }
}

impl Ticket {
    /// Waits for all the others.
    pub(super) async fn meet(mut self) {
        self.arrive();
        poll_fn(|context| {
            let mut state = lock(&self.gate);
            if state.missing == 0 {
                return Poll::Ready(());
            }
            state.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn arrive(&mut self) {
        self.used = true;
        let mut state = lock(&self.gate);
        state.missing -= 1;
        if state.missing == 0 {
            state.waiting.drain(..).for_each(Waker::wake);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.used {
            lock(&self.gate).left_early += 1;
            self.arrive();
        }
    }
}
