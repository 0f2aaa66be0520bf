//! The pages with dewar.

use axum::{Router, routing::get};
use dewar::{Session, SessionLayer, SessionLayerBuilder, ValueError, store::Store};

use crate::{KEY, SESSION};

/// The pages, with a layer around them.
pub fn app(sessions: SessionLayer) -> Router {
    Router::new()
        .route("/fill", get(fill))
        .route("/", get(count))
        .route("/read", get(read))
        .route("/unused", get(async || "unused"))
        .layer(sessions)
}

/// Sessions in a signed cookie.
pub fn cookie() -> SessionLayerBuilder {
    SessionLayer::signed_cookie(KEY)
}

/// Sessions in this store.
pub fn server(store: impl Store) -> SessionLayerBuilder {
    SessionLayer::server(KEY, store)
}

async fn fill(session: Session) -> Result<&'static str, ValueError> {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(SESSION).expect("the session is JSON");
    for (key, value) in &members {
        session.set_as(key, value)?;
    }
    Ok("filled")
}

async fn count(session: Session) -> Result<String, ValueError> {
    Ok(session.incr("visits", 1)?.to_string())
}

async fn read(session: Session) -> String {
    session.get("visits").unwrap_or(0).to_string()
}
