//! tower's second half: the whole flow of a request, on one screen.
//!
//! ```text
//! request ─▶ 1 cookie ─▶ 2 verify ─▶ 3 open ─▶ 4 handler ─▶ 5 plan ▸ commit ─▶ 6 cookie ─▶ response
//!            └ sealed ┘  └─ only if somebody asks ─┘        └──── only if opened ────┘
//! ```

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    config::Config,
    respond,
    slot::{Finishing, Slot},
};

/// The service that [`SessionLayer`](crate::SessionLayer) makes.
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> SessionService<S> {
    pub(crate) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    // The body of the one response that dewar makes itself.
    ResBody: From<&'static str>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SessionFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        // The outer of two layers with one configuration commits for both.
        let is_inner = request.extensions().get::<Slot>().is_some_and(|s| s.is_of(&self.config));
        let slot = (!is_inner).then(|| Slot::seal(&self.config, request.headers())); // 1 cookie
        if let Some(slot) = &slot {
            request.extensions_mut().insert(slot.clone());
        }
        let handler = Some(self.inner.call(request));
        SessionFuture { handler, slot, response: None, finishing: Finishing::Nothing }
    }
}

impl<F, B, E> Future for SessionFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: From<&'static str>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(handler) = this.handler.as_mut().as_pin_mut() {
            let response = ready!(handler.poll(cx))?; // 2 verify, 3 open: by the extractor; 4 handler
            // Whatever the handler still holds goes now: a `Typed` writes back when it is dropped.
            this.handler.set(None);
            *this.response = Some(response);
            *this.finishing = this.slot.as_ref().map_or(Finishing::Nothing, Slot::finish); // 5 plan ▸ commit
        }
        let finished = ready!(Pin::new(this.finishing).poll(cx));
        let response = this.response.take().expect("it is there since the handler was done");
        Poll::Ready(Ok(match (finished, this.slot) {
            (Some(finished), Some(slot)) => respond::write(slot.config(), finished, response), // 6 cookie
            _ => response,
        }))
    }
}

pin_project! {
    /// The response of a [`SessionService`]. Dropped before it is ready, it leaves the session as it
    /// was or as the handler left it, never half.
    #[must_use = "futures do nothing unless polled"]
    pub struct SessionFuture<F, B> {
        // `None` when it is done.
        #[pin]
        handler: Option<F>,
        // `None` if another layer commits.
        slot: Option<Slot>,
        // What the handler answered, while the session is being committed.
        response: Option<Response<B>>,
        finishing: Finishing,
    }
}

impl<F, B> fmt::Debug for SessionFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionFuture").field("slot", &self.slot).finish_non_exhaustive()
    }
}
