//! Username: a value that is set on one page, read on another and deleted on a third.
//!
//! ```sh
//! export SECRET_KEY="$(dewar secret)"
//! cargo run -p dewar-examples --example username  # then open http://127.0.0.1:5000/get_session
//! ```

use axum::{Router, response::Html, routing::get};
use dewar::{Session, SessionLayer};
use dewar_examples::{escape::escape, failure::Failure};
use tokio::net::TcpListener;

/// The program, without the layer that gives it sessions.
pub fn app() -> Router {
    Router::new()
        .route("/set_session", get(set_session))
        .route("/get_session", get(get_session))
        .route("/delete_session", get(delete_session))
}

async fn set_session(session: Session) -> Html<&'static str> {
    session.set("username", "John Doe");
    Html("Session set.")
}

/// The chapter's program fails here while nothing is set; this one greets all the same.
async fn get_session(session: Session) -> Html<String> {
    let user = session.get("username").unwrap_or_else(|| String::from("stranger"));
    Html(format!("Hello, {}!", escape(&user)))
}

async fn delete_session(session: Session) -> Html<&'static str> {
    session.remove("username");
    Html("Session deleted.")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let key = dewar::key_from_env("SECRET_KEY")?;
    let sessions = SessionLayer::signed_cookie(key).loopback_development().build()?;
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    for page in ["get_session", "set_session", "delete_session"] {
        println!("Open http://127.0.0.1:5000/{page}");
    }
    axum::serve(listener, app().layer(sessions)).await?;
    Ok(())
}
