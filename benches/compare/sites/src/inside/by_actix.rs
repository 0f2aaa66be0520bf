//! A visitor of an application of actix-web.

use std::rc::Rc;

use actix_web::{
    App, Error,
    body::{MessageBody, to_bytes},
    dev::{Service, ServiceResponse},
    http::{Uri, header},
    test::init_service,
};
use compare_jar::Jar;
use tokio::runtime::Runtime;

use crate::peers::actix::{Pages, floor, middleware, session};

struct Visitor<S> {
    runtime: Rc<Runtime>,
    app: S,
    jar: Jar,
    cookie: Option<header::HeaderValue>,
}

pub(super) fn visitor(runtime: Rc<Runtime>, pages: Pages) -> Box<dyn super::Visitor> {
    let (jar, cookie) = (Jar::default(), None);
    match pages {
        Pages::Floor => {
            let app = runtime.block_on(init_service(App::new().configure(floor)));
            Box::new(Visitor { runtime, app, jar, cookie })
        }
        Pages::Session => {
            let app = App::new().wrap(middleware()).configure(session);
            let app = runtime.block_on(init_service(app));
            Box::new(Visitor { runtime, app, jar, cookie })
        }
    }
}

impl<S, B> super::Visitor for Visitor<S>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    fn visit(&mut self, page: &'static str) -> String {
        let response = self.runtime.block_on(get(&self.app, page, self.cookie.as_ref()));
        for set_cookie in response.headers().get_all(header::SET_COOKIE) {
            self.jar.keep(set_cookie.to_str().expect("visible ASCII"));
        }
        let line = self.jar.line();
        self.cookie = (!line.is_empty()).then(|| line.parse().expect("a header value"));
        let body = self.runtime.block_on(to_bytes(response.into_body()));
        String::from_utf8(body.ok().expect("a whole page").into()).expect("text")
    }

    fn ask(&mut self, page: &'static str, count: u32) {
        self.runtime.block_on(async {
            for _ in 0..count {
                drop(get(&self.app, page, self.cookie.as_ref()).await);
            }
        });
    }
}

async fn get<S, B>(
    app: &S,
    page: &'static str,
    cookie: Option<&header::HeaderValue>,
) -> ServiceResponse<B>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
{
    let mut request = actix_http::Request::new();
    let head = request.head_mut();
    head.uri = Uri::from_static(page);
    head.headers.insert(header::HOST, header::HeaderValue::from_static("localhost"));
    if let Some(cookie) = cookie {
        head.headers.insert(header::COOKIE, cookie.clone());
    }
    let response = app.call(request).await.expect("an answer");
    assert!(response.status().is_success(), "{page}: {}", response.status());
    response
}
