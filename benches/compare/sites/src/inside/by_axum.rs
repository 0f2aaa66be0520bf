//! A visitor of an application of axum.

use std::rc::Rc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderValue, Request, Response, Uri, header},
};
use compare_jar::Jar;
use tokio::runtime::Runtime;
use tower_service::Service;

pub(super) struct Visitor {
    runtime: Rc<Runtime>,
    app: Router,
    jar: Jar,
    /// The jar's line, as long-lived bytes: cloning it costs what it costs for a header that came
    /// over a socket.
    cookie: Option<HeaderValue>,
}

impl Visitor {
    pub(super) fn new(runtime: Rc<Runtime>, app: Router) -> Self {
        // As `axum::serve` does: without it, each request would put the layers around its route anew.
        let app = {
            // Some layers start a task.
            let _inside = runtime.enter();
            app.with_state(())
        };
        // A browser without a session carries other cookies: that is no cost of a session.
        let cookie = Some(HeaderValue::from_static("theme=dark"));
        Self { runtime, app, jar: Jar::default(), cookie }
    }

    fn keep(&mut self, response: &Response<Body>) {
        for set_cookie in response.headers().get_all(header::SET_COOKIE) {
            self.jar.keep(set_cookie.to_str().expect("visible ASCII"));
        }
        let line = self.jar.line();
        if !line.is_empty() {
            self.cookie = Some(line.parse().expect("a header value"));
        }
    }
}

impl super::Visitor for Visitor {
    fn visit(&mut self, page: &'static str) -> String {
        let runtime = self.runtime.clone();
        let response = runtime.block_on(get(&mut self.app, page, self.cookie.as_ref()));
        self.keep(&response);
        let body = runtime.block_on(to_bytes(response.into_body(), 1 << 16));
        String::from_utf8(body.expect("a whole page").into()).expect("text")
    }

    fn ask(&mut self, page: &'static str, count: u32) {
        self.runtime.block_on(async {
            for _ in 0..count {
                drop(get(&mut self.app, page, self.cookie.as_ref()).await);
            }
        });
    }
}

async fn get(app: &mut Router, page: &'static str, cookie: Option<&HeaderValue>) -> Response<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(page);
    request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
    if let Some(cookie) = cookie {
        request.headers_mut().insert(header::COOKIE, cookie.clone());
    }
    let response = match app.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    assert!(response.status().is_success(), "{page}: {}", response.status());
    response
}
