//! The flow over real requests.

use axum::{Router, body::Body, routing::get};
use dewar::{ManualClock, Session, SessionLayer, ValueError};
use http::{Request, header};
use tower::ServiceExt;

async fn index(session: Session) -> Result<String, ValueError> {
    Ok(format!("Visit count: {}", session.incr("visits", 1)?))
}

#[tokio::test]
async fn a_visitor_is_counted() {
    let sessions = SessionLayer::flask("secret")
        .insecure_accept_weak_key()
        .clock(ManualClock::at_unix(1_700_000_000))
        .build()
        .unwrap();
    let app = Router::new().route("/", get(index)).layer(sessions);
    let request = Request::get("/").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(
        response.headers()[header::SET_COOKIE],
        "session=eyJ2aXNpdHMiOjF9.ZVPxAA.27R53E18yNbiXIOGu609xYPKJpQ; HttpOnly; Path=/"
    );
}
