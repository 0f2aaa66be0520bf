//! What the public types promise to the compiler.

use dewar::{
    CommitError, ConfigError, Flash, ManualClock, Plan, Session, SessionLayer, SessionLayerBuilder,
    SessionRejection, SessionService, Typed, ValueError, Verdict, WeakKey,
    cookie::CookieConfigError,
};

fn value<T: Clone + Send + Sync + 'static>() {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}
fn shared<T: Send + Sync + 'static>() {}

#[derive(serde::Deserialize, serde::Serialize)]
struct Fields {}

#[test]
fn sessions_and_layers_go_anywhere() {
    value::<Session>();
    value::<SessionLayer>();
    value::<SessionService<axum::Router>>();
    value::<Verdict>();
    value::<Plan>();
    value::<Flash>();
    value::<ManualClock>();
    shared::<SessionLayerBuilder>();
    shared::<Typed<Fields>>();
}

#[test]
fn errors_go_anywhere() {
    error::<ConfigError>();
    error::<CommitError>();
    error::<ValueError>();
    error::<SessionRejection>();
    error::<WeakKey>();
    error::<CookieConfigError>();
}

#[test]
fn a_request_with_a_session_is_a_future_that_can_move() {
    fn moves<T: Send>(_: T) {}
    let sessions = SessionLayer::flask("secret").insecure_accept_weak_key().build().unwrap();
    let app = axum::Router::new()
        .route(
            "/",
            axum::routing::get(async |session: Session| session.commit().await.is_ok().to_string()),
        )
        .layer(sessions);
    let request = http::Request::new(axum::body::Body::empty());
    moves(tower::ServiceExt::oneshot(app, request));
}
