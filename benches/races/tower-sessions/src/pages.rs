//! tower-sessions, with any of its stores.
//!
//! Also part of `peers/tower-sessions-stores`, whose tower-sessions is another version.

use axum::{Extension, Json, Router, extract::Query, http::StatusCode, middleware, routing::get};
use races_page::{Asked, Times, keys, tell_when};
use serde_json::{Map, Value};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore, cookie::time::Duration};

/// The pages. The idle timeout is dewar's; everything else is the default.
pub(crate) fn app(store: impl SessionStore + Clone) -> Router {
    let sessions =
        SessionManagerLayer::new(store).with_expiry(Expiry::OnInactivity(Duration::hours(2)));
    Router::new()
        .route("/login", get(login))
        .route("/set", get(set))
        .route("/read", get(read))
        .route("/rotate", get(rotate))
        .route("/logout", get(logout))
        .route("/dump", get(dump))
        .route("/plain", get(async || "no session here\n"))
        .layer(sessions)
        .layer(middleware::from_fn(tell_when))
}

type Failure = (StatusCode, String);
type Asking = Query<Asked>;

async fn login(session: Session) -> Result<&'static str, Failure> {
    session.insert("user", "ada").await.map_err(failure)?;
    Ok("logged in\n")
}

async fn set(
    session: Session,
    Extension(times): Extension<Times>,
    Query(asked): Asking,
) -> Result<&'static str, Failure> {
    open(&session).await?;
    times.overlap(&asked).await;
    session.insert(&asked.k, 1).await.map_err(failure)?;
    Ok("set\n")
}

async fn read(
    session: Session,
    Extension(times): Extension<Times>,
    Query(asked): Asking,
) -> Result<String, Failure> {
    let members = members(&session).await?;
    times.overlap(&asked).await;
    Ok(format!("{} keys\n", members.len()))
}

async fn rotate(
    session: Session,
    Extension(times): Extension<Times>,
    Query(asked): Asking,
) -> Result<&'static str, Failure> {
    open(&session).await?;
    times.overlap(&asked).await;
    session.cycle_id().await.map_err(failure)?;
    session.insert("role", "admin").await.map_err(failure)?;
    Ok("rotated\n")
}

async fn logout(
    session: Session,
    Extension(times): Extension<Times>,
    Query(asked): Asking,
) -> Result<&'static str, Failure> {
    open(&session).await?;
    times.overlap(&asked).await;
    session.flush().await.map_err(failure)?;
    Ok("logged out\n")
}

async fn dump(session: Session) -> Result<Json<Map<String, Value>>, Failure> {
    members(&session).await.map(Json)
}

/// It is loaded when it is first looked at.
async fn open(session: &Session) -> Result<(), Failure> {
    session.get_value("user").await.map_err(failure)?;
    Ok(())
}

async fn members(session: &Session) -> Result<Map<String, Value>, Failure> {
    let mut found = Map::new();
    for key in keys() {
        if let Some(value) = session.get_value(&key).await.map_err(failure)? {
            found.insert(key, value);
        }
    }
    Ok(found)
}

fn failure(error: impl std::fmt::Display) -> Failure {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
