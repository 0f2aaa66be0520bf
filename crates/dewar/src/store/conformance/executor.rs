//! The least that can run a future, so that the kit needs no runtime.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use super::chance::Chance;

/// One of several who use a store at once.
pub type Client<T = ()> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Runs a future on this thread until it is done: for the test of a store that needs no runtime.
///
/// ```
/// # use dewar::store::conformance::block_on;
/// assert_eq!(block_on(async { 1 + 1 }), 2);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Lets everybody else go first, `turns` times.
pub(super) async fn wait_turns(turns: usize) {
    let mut left = turns;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Runs all on this task, and gives turns in a random order.
pub(super) async fn join<T>(clients: Vec<Client<T>>, mut chance: Chance) -> Vec<T> {
    let mut answers: Vec<_> = clients.iter().map(|_| None).collect();
    let mut running: Vec<_> = clients.into_iter().enumerate().collect();
    poll_fn(|context| {
        chance.shuffle(&mut running);
        running.retain_mut(|(index, client)| match client.as_mut().poll(context) {
            Poll::Ready(answer) => {
                answers[*index] = Some(answer);
                false
            }
            Poll::Pending => true,
        });
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}

/// A letter box: one puts an answer in, one waits for it.
pub(super) struct Answer<T>(Arc<Mutex<Letter<T>>>);

struct Letter<T> {
    answer: Option<T>,
    lost: bool,
    reader: Option<Waker>,
}

/// The side that answers; if it is dropped first, the reader learns that too.
struct Writer<T>(Arc<Mutex<Letter<T>>>);

/// Gives a client that needs no answer, and where the answer will be.
pub(super) fn answering<T: Send + 'static>(client: Client<T>) -> (Client, Answer<T>) {
    let letter = Arc::new(Mutex::new(Letter { answer: None, lost: false, reader: None }));
    let writer = Writer(letter.clone());
    let client = Box::pin(async move {
        let answer = client.await;
        lock(&writer.0).answer = Some(answer);
    });
    (client, Answer(letter))
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        let mut letter = lock(&self.0);
        letter.lost = letter.answer.is_none();
        if let Some(reader) = letter.reader.take() {
            reader.wake();
        }
    }
}

impl<T> Answer<T> {
    /// The answer; `None` if the client was dropped or panicked.
    pub(super) async fn read(self) -> Option<T> {
        poll_fn(|context| {
            let mut letter = lock(&self.0);
            if letter.lost || letter.answer.is_some() {
                return Poll::Ready(letter.answer.take());
            }
            letter.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
