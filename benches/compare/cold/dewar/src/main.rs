//! A counter with dewar, in a cookie and in memory.

use axum::{Router, routing::get};
use dewar::{Session, SessionLayer, ValueError, store::MemoryStore};

async fn count(session: Session) -> Result<String, ValueError> {
    Ok(session.incr("visits", 1)?.to_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = dewar::key_from_env("SECRET_KEY")?;
    let cookie = SessionLayer::signed_cookie(key.clone()).build()?;
    let memory = SessionLayer::server(key, MemoryStore::new()).cookie_name("id").build()?;
    let app = Router::new()
        .route("/cookie", get(count).layer(cookie))
        .route("/memory", get(count).layer(memory));
    axum::serve(tokio::net::TcpListener::bind("127.0.0.1:5000").await?, app).await?;
    Ok(())
}
