//! A browser with one cookie, inside this process.

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, header},
};
use tower::Service;

/// A visitor of one application.
#[derive(Debug)]
pub struct Visitor {
    app: Router,
    cookie: Option<HeaderValue>,
}

impl Visitor {
    /// A visitor who has never been there.
    pub fn new(app: Router) -> Self {
        // As `axum::serve` does: without it, each request would put the layers around its route anew.
        Self { app: app.with_state(()), cookie: None }
    }

    /// The cookie that the visitor sends, if it has one.
    pub fn cookie(&self) -> Option<&HeaderValue> {
        self.cookie.as_ref()
    }

    /// Sends this cookie from now on.
    pub fn set_cookie(&mut self, cookie: HeaderValue) {
        self.cookie = Some(cookie);
    }

    /// Forgets the cookie, as a visitor who has never been there.
    pub fn forget(&mut self) {
        self.cookie = None;
    }

    /// Asks for a page and keeps the cookie that comes with it.
    ///
    /// # Panics
    /// If the page does not answer 200: nothing else is worth measuring.
    pub async fn get(&mut self, page: &'static str) -> Response<Body> {
        let response = self.ask(page).await;
        if let Some(set) = response.headers().get(header::SET_COOKIE) {
            self.cookie = Some(pair(set));
        }
        response
    }

    /// Asks for a page, and goes on sending the cookie that it has.
    ///
    /// # Panics
    /// If the page does not answer 200.
    pub async fn ask(&mut self, page: &'static str) -> Response<Body> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = page.parse().expect("a path");
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
        if let Some(cookie) = &self.cookie {
            request.headers_mut().insert(header::COOKIE, cookie.clone());
        }
        let response = match self.app.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        assert!(response.status().is_success(), "{page}: {}", response.status());
        response
    }
}

/// What a browser sends back of a `Set-Cookie`. As long-lived bytes, so that cloning it costs what
/// it costs for a header that came over a socket.
fn pair(set: &HeaderValue) -> HeaderValue {
    let end = set.as_bytes().iter().position(|&b| b == b';').unwrap_or(set.len());
    HeaderValue::from_bytes(&set.as_bytes()[..end]).expect("part of a header value")
}
