//! The end of a request: over at once, or a store is asked.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::Finished;

/// Gives what the browser is told; `None` if the response has nothing to do with the session.
pub(crate) enum Finishing {
    Nothing,
    Now(Finished),
    Waits(Pin<Box<dyn Future<Output = Option<Finished>> + Send>>),
}

impl Finishing {
    pub(super) fn waits(
        finishing: impl Future<Output = Option<Finished>> + Send + 'static,
    ) -> Self {
        Self::Waits(Box::pin(finishing))
    }
}

/// Nothing is pinned but what is boxed already.
impl Future for Finishing {
    type Output = Option<Finished>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Finished>> {
        match std::mem::replace(&mut *self, Self::Nothing) {
            Self::Nothing => Poll::Ready(None),
            Self::Now(finished) => Poll::Ready(Some(finished)),
            Self::Waits(mut finishing) => {
                let polled = finishing.as_mut().poll(cx);
                *self = Self::Waits(finishing);
                polled
            }
        }
    }
}

impl fmt::Debug for Finishing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finishing")
    }
}
