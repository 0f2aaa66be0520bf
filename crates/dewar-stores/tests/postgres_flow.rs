//! An application on Postgres whose answers are cut off: its requests find out what was done.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod pg;

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use dewar::{Session, SessionLayer};
use dewar_stores::postgres::PostgresStore;
use dewar_testdata::proxy::{Mode, Proxy};
use pg::Server;
use tower::ServiceExt;

/// Counts; whatever is asked of the store after that loses its first answer.
async fn count(session: Session, Extension(proxy): Extension<Arc<Proxy>>) -> Response {
    let counted = session.incr("n", 1).map(|count| count.to_string());
    proxy.set(Mode::CutAtAnswer);
    counted.into_response()
}

async fn login(session: Session) {
    session.set("n", 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_was_cut_off_is_counted_once() {
    let Some(server) = Server::start() else { return };
    let proxy = Arc::new(Proxy::before(([127, 0, 0, 1], server.postgres.port()).into()));
    let url = server.postgres.url_at(proxy.port());
    let store = PostgresStore::builder(&url).connections(1).connect().await.unwrap();
    let sessions = SessionLayer::server("9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG", store);
    let site = Router::new()
        .route("/login", get(login))
        .route("/", get(count))
        .layer(sessions.build().unwrap())
        .layer(Extension(Arc::clone(&proxy)));

    let request = Request::get("/login").body(Body::empty()).unwrap();
    let response = site.clone().oneshot(request).await.unwrap();
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    for times in 1..=20 {
        let request = Request::get("/").header(header::COOKIE, &cookie);
        let request = request.body(Body::empty()).unwrap();
        let response = site.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!(body, times.to_string(), "every earlier request counts once");
        assert_eq!(proxy.swallowed(), times, "an answer of each was lost");
    }
}
