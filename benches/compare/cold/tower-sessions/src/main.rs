//! A counter with tower-sessions, in memory.

use axum::{Router, routing::get};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, session::Error};

async fn count(session: Session) -> Result<String, String> {
    let text = |error: Error| error.to_string();
    let visits = session.get::<i64>("visits").await.map_err(text)?.unwrap_or(0) + 1;
    session.insert("visits", visits).await.map_err(text)?;
    Ok(visits.to_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let app = Router::new().route("/", get(count)).layer(sessions);
    axum::serve(tokio::net::TcpListener::bind("127.0.0.1:5000").await?, app).await?;
    Ok(())
}
