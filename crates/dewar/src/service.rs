//! tower's second half: the whole flow of a request, on one screen.
//!
//! ```text
//! request ─▶ 1 cookie ─▶ 2 verify ─▶ 3 open ─▶ 4 handler ─▶ 5 plan ▸ commit ─▶ 6 cookie ─▶ response
//!            └ sealed ┘  └─ only if somebody asks ─┘        └──── only if opened ────┘
//! ```

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use crate::{config::Config, respond, slot::Slot};

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
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    ReqBody: Send + 'static,
    // The body of the one response that dewar makes itself.
    ResBody: From<&'static str> + Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        // The outer of two layers with one configuration commits for both.
        if request.extensions().get::<Slot>().is_some_and(|slot| slot.is_of(&self.config)) {
            return Box::pin(self.inner.call(request));
        }
        // The clone may not be ready; the service that was polled is.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);

        let slot = Slot::seal(&self.config, request.headers()); // 1 cookie
        request.extensions_mut().insert(slot.clone());
        Box::pin(async move {
            let response = inner.call(request).await?; // 2 verify, 3 open: by the extractor; 4 handler
            let Some(finished) = slot.finish().await else { return Ok(response) }; // 5 plan ▸ commit
            Ok(respond::write(slot.config(), finished, response)) // 6 cookie
        })
    }
}
