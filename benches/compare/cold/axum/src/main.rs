//! axum alone: what the other two stand upon.

use axum::{Router, routing::get};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new().route("/", get(async || "no session"));
    axum::serve(tokio::net::TcpListener::bind("127.0.0.1:5000").await?, app).await?;
    Ok(())
}
