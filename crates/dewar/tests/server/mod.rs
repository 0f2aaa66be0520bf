//! What the tests of server mode share: a site whose one handler does what a request says, and a
//! store that counts, fails, waits its turn or lies.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod outage;
pub(crate) mod schedule;
pub(crate) mod site;
pub(crate) mod tap;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// A request under way, polled by hand.
pub(crate) struct Running<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<T> Running<T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self { future: Box::pin(future), woken: Arc::new(Woken(AtomicBool::new(true))) }
    }

    /// Whether a poll would get it further: it does not wait for another request.
    pub(crate) fn can_go_on(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst)
    }

    /// One step.
    pub(crate) fn poll(&mut self) -> Option<T> {
        self.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }
}

/// A runtime whose time passes only when nothing else can happen.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

/// The seed of a random test: from the environment, to replay what was printed.
pub(crate) fn seed(default: u64) -> u64 {
    let seed = std::env::var("DEWAR_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(default);
    println!("replay with DEWAR_TEST_SEED={seed}");
    seed
}

/// xorshift64*: enough chance to shuffle with.
#[derive(Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }
}

/// A store, a clock and a site on both.
pub(crate) fn fresh() -> (tap::Tap, site::Millis, site::Site) {
    let (store, clock) = (tap::Tap::new(), site::Millis::default());
    let site = site::Site::new(&store, &clock);
    (store, clock, site)
}
