//! axum_session, in the memory of its process.

use axum::{Router, routing::get};
use axum_session::{
    Session, SessionConfig, SessionError, SessionLayer, SessionNullPool, SessionStore,
};
use compare_door::SESSION;

type Visitor = Session<SessionNullPool>;

pub(crate) async fn memory() -> Result<Router, SessionError> {
    let store = SessionStore::<SessionNullPool>::new(None, SessionConfig::default()).await?;
    Ok(Router::new()
        .route("/fill", get(fill))
        .route("/", get(count))
        .route("/read", get(read))
        .route("/unused", get(async || "unused"))
        .layer(SessionLayer::new(store)))
}

async fn fill(session: Visitor) -> &'static str {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(SESSION).expect("the session is JSON");
    for (key, value) in &members {
        session.set(key, value);
    }
    "filled"
}

async fn count(session: Visitor) -> String {
    let visits = session.get::<i64>("visits").unwrap_or(0) + 1;
    session.set("visits", visits);
    visits.to_string()
}

async fn read(session: Visitor) -> String {
    session.get::<i64>("visits").unwrap_or(0).to_string()
}
