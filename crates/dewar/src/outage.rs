//! What becomes of a request when the store gives no answer.

use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

/// What becomes of a request when the store gives no answer. It is a layer for the routes that it
/// holds for, inside the session layer.
///
/// A store that answers that it cannot now, or will not, is no better for a request; so it holds for
/// that too. It does not hold for a store that is full, nor for a record that is damaged.
///
/// Whatever it is, a store without an answer never authenticates anybody, the browser keeps the
/// cookie it has, and no other session takes the place of the one that could not be read. A response
/// that goes out without its session, or without its changes, is kept out of caches: it is
/// `Cache-Control: private, no-store`.
///
/// Never passed over is what a page that speaks of it would be untrue about: the end of a session, by
/// [`destroy`](crate::Session::destroy), [`clear`](crate::Session::clear) or the removal of its last
/// key, and a new identity, by [`regenerate`](crate::Session::regenerate) or
/// [`bind_user`](crate::Session::bind_user). If it cannot be done, the answer is 503 and the cookie
/// stays. Nobody is told that he was logged out, or in, and it is not so. A logout that removes one key
/// of several is not seen to be one: call `destroy`.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use dewar::{OnOutage, Session, SessionLayer, store::MemoryStore};
/// # async fn news(session: Session) -> String { session.get("name").unwrap_or_default() }
/// # async fn account(session: Session) {}
/// # let key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";
/// # let sessions = SessionLayer::server(key, MemoryStore::new()).build().unwrap();
/// let app: Router = Router::new()
///     .route("/news", get(news))
///     .route_layer(OnOutage::GoOnWithout)
///     .route("/account", get(account))
///     .layer(sessions);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth way")]
pub enum OnOutage {
    /// "503 Service Unavailable" with `Retry-After`.
    #[default]
    Refuse,
    /// A session that can be read is there. If it cannot be kept, the response goes out as the
    /// handler made it, and
    /// [`Event::WentOnWithout`](crate::Event::WentOnWithout) tells what is lost. One that cannot be
    /// read is refused.
    ReadOnly,
    /// The same, and where the session cannot be read, the handler runs with an empty one: its
    /// verdict is [`Verdict::StoreUnavailable`](crate::Verdict::StoreUnavailable), and nothing of it
    /// is kept.
    GoOnWithout,
}

impl<S> Layer<S> for OnOutage {
    type Service = OnOutageService<S>;

    fn layer(&self, inner: S) -> OnOutageService<S> {
        OnOutageService { inner, on_outage: *self }
    }
}

/// The service that [`OnOutage`] makes.
#[derive(Clone, Debug)]
pub struct OnOutageService<S> {
    inner: S,
    on_outage: OnOutage,
}

impl<S, B> Service<Request<B>> for OnOutageService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(self.on_outage);
        self.inner.call(request)
    }
}
