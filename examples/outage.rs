//! Outage: the store gives no answer, and each page says for itself what becomes of it.
//!
//! ```sh
//! export SECRET_KEY="$(dewar secret)"
//! cargo run -p dewar-examples --example outage     # then open http://127.0.0.1:5000/
//! ```
//!
//! The store here is in memory and always answers. With Redis, stop it between two pages:
//! `let store = dewar_stores::url::open("redis://127.0.0.1:6379").await?`.

use axum::{Router, routing::get};
use dewar::{OnOutage, Session, SessionLayer, ValueError, Verdict, store::MemoryStore};
use dewar_examples::failure::Failure;
use tokio::net::TcpListener;

/// The program, without the layer that gives it sessions.
pub fn app() -> Router {
    // Each layer holds for the routes above it, so every kind of page has a router of its own.
    let news = Router::new().route("/news", get(news)).route_layer(OnOutage::GoOnWithout);
    let basket = Router::new().route("/basket", get(basket)).route_layer(OnOutage::ReadOnly);
    Router::new()
        .route("/", get(async || "A page without a session never asks the store"))
        .route("/account", get(account))
        .merge(news)
        .merge(basket)
}

/// Worth reading for a stranger too. That he is one today is said, and nobody is logged out.
async fn news(session: Session) -> String {
    match (session.verdict(), session.get::<String>("name")) {
        (Verdict::StoreUnavailable, _) => "News. We cannot see who you are at the moment".into(),
        (_, Some(name)) => format!("News for {name}"),
        (_, None) => "News".into(),
    }
}

/// What can be read is shown; that this look was not counted is no harm.
async fn basket(session: Session) -> Result<String, ValueError> {
    Ok(format!("Seen {} times", session.incr("seen", 1)?))
}

/// Without a session there is nothing to show: 503, which is what every page does by default.
async fn account(session: Session) -> String {
    session.set("name", "Ada");
    String::from("Your name is Ada")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let key = dewar::key_from_env("SECRET_KEY")?;
    let sessions = SessionLayer::server(key, MemoryStore::new()).loopback_development().build()?;
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    println!("Open http://127.0.0.1:5000/account and then http://127.0.0.1:5000/news");
    axum::serve(listener, app().layer(sessions)).await?;
    Ok(())
}
