//! tower-sessions, with any of its stores.
//!
//! Also part of `peers/tower-sessions-sqlite`, whose tower-sessions is another version.

use axum::{Router, http::StatusCode, routing::get};
use compare_door::SESSION;
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore, cookie::time::Duration};

/// The pages. The idle timeout is dewar's.
pub(crate) fn app(store: impl SessionStore + Clone) -> Router {
    let sessions =
        SessionManagerLayer::new(store).with_expiry(Expiry::OnInactivity(Duration::hours(2)));
    Router::new()
        .route("/fill", get(fill))
        .route("/", get(count))
        .route("/read", get(read))
        .route("/unused", get(async || "unused"))
        .layer(sessions)
}

type Failure = (StatusCode, String);

async fn fill(session: Session) -> Result<&'static str, Failure> {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(SESSION).expect("the session is JSON");
    for (key, value) in members {
        session.insert_value(&key, value).await.map_err(failure)?;
    }
    Ok("filled")
}

async fn count(session: Session) -> Result<String, Failure> {
    let visits = session.get::<i64>("visits").await.map_err(failure)?.unwrap_or(0) + 1;
    session.insert("visits", visits).await.map_err(failure)?;
    Ok(visits.to_string())
}

async fn read(session: Session) -> Result<String, Failure> {
    Ok(session.get::<i64>("visits").await.map_err(failure)?.unwrap_or(0).to_string())
}

fn failure(error: impl std::fmt::Display) -> Failure {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
