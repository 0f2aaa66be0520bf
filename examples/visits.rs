//! Visits: how often a visitor came, told by a cookie and by nothing else.
//!
//! ```sh
//! export SECRET_KEY="$(dewar secret)"
//! cargo run -p dewar-examples --example visits    # then open http://127.0.0.1:5000/
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
    // As Flask writes it: session.get("visits", 0) + 1. `incr` says the same in one word, and
    // refuses a counter that is no number instead of beginning anew.
    let visits = session.incr("visits", 1)?;
    Ok(Html(format!("Visit count: {visits}")))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let key = dewar::key_from_env("SECRET_KEY")?;
    let sessions = SessionLayer::signed_cookie(key).loopback_development().build()?;
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    println!("Open http://127.0.0.1:5000/ in two browsers, then clear the cookies of one.");
    axum::serve(listener, app().layer(sessions)).await?;
    Ok(())
}
