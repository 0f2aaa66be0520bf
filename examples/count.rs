//! Count: a number that grows with every visit.
//!
//! ```sh
//! export SECRET_KEY="$(dewar secret)"
//! cargo run -p dewar-examples --example count     # then open http://127.0.0.1:5000/
//! ```

use axum::{Router, response::Html, routing::get};
use dewar::{Session, SessionLayer, ValueError};
use dewar_examples::failure::Failure;
use tokio::net::TcpListener;

/// The program, without the layer that gives it sessions.
pub fn app() -> Router {
    Router::new().route("/", get(index))
}

async fn index(session: Session) -> Result<Html<String>, ValueError> {
    let count = session.incr("count", 1)?;
    Ok(Html(format!("Count: {count}")))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    // The key signs the cookie: whoever knows it can write any session.
    let key = dewar::key_from_env("SECRET_KEY")?;
    let sessions = SessionLayer::signed_cookie(key).loopback_development().build()?;
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    println!("Open http://127.0.0.1:5000/ and load it again and again.");
    axum::serve(listener, app().layer(sessions)).await?;
    Ok(())
}
