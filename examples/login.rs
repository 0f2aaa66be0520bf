//! Login: a form, and a session that knows who filled it in.
//!
//! ```sh
//! export SECRET_KEY="$(dewar secret)"
//! cargo run -p dewar-examples --example login     # then open http://127.0.0.1:5000/login
//! ```

use axum::{Form, Router, response::Html, routing::get};
use dewar::{Session, SessionLayer};
use dewar_examples::{
    escape::escape,
    failure::Failure,
    mount::Mount,
    redirect::{Redirect, redirect},
};
use serde::Deserialize;
use tokio::net::TcpListener;

/// The program, without the layer that gives it sessions.
pub fn app() -> Router {
    Router::new()
        .route("/", get(index))
        .route("/login", get(login_form).post(login))
        .route("/logout", get(logout))
}

async fn index(session: Session) -> Html<String> {
    Html(match session.get::<String>("username") {
        // The name came from a visitor: escaped, or it could bring a script along.
        Some(username) => format!("Logged in as {}", escape(&username)),
        None => String::from("You are not logged in"),
    })
}

/// The chapter shows no form; a person needs one.
async fn login_form() -> Html<&'static str> {
    Html(include_str!("templates/login.html"))
}

#[derive(Deserialize)]
struct Login {
    username: String,
}

async fn login(mount: Mount, session: Session, Form(form): Form<Login>) -> Redirect {
    // Whoever gains rights gets a new session: one that was planted before is worth nothing.
    session.regenerate();
    session.set("username", form.username);
    redirect(mount.url("/"))
}

async fn logout(mount: Mount, session: Session) -> Redirect {
    // As in the chapter. `session.destroy()` would end the whole session, for every open tab.
    session.remove("username");
    redirect(mount.url("/"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let key = dewar::key_from_env("SECRET_KEY")?;
    let sessions = SessionLayer::signed_cookie(key).loopback_development().build()?;
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    println!("Open http://127.0.0.1:5000/login and, to leave, http://127.0.0.1:5000/logout");
    axum::serve(listener, app().layer(sessions)).await?;
    Ok(())
}
