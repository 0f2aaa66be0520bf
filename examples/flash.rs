//! Flash: a message for the next page, shown once.
//!
//! ```sh
//! export SECRET_KEY="$(dewar secret)"
//! cargo run -p dewar-examples --example flash     # then open http://127.0.0.1:5000/
//! ```

use std::sync::Arc;

use axum::{Form, Router, extract::State, response::Html, routing::get};
use dewar::{Session, SessionLayer};
use dewar_examples::{
    failure::Failure,
    mount::Mount,
    redirect::{Redirect, redirect},
    templates::{TemplateError, Templates},
};
use serde::Deserialize;
use tokio::net::TcpListener;

/// The program, without the layer that gives it sessions.
pub fn app() -> Router {
    let files = [("flash.html", include_str!("templates/flash.html"))];
    Router::new()
        .route("/", get(index).post(save))
        .with_state(Arc::new(Templates::new(&files, &[])))
}

/// Reading the messages takes them out: a reload shows none.
async fn index(
    State(templates): State<Arc<Templates>>,
    mount: Mount,
    session: Session,
) -> Result<Html<String>, TemplateError> {
    templates.render("flash.html", &mount, Some(&session))
}

#[derive(Deserialize)]
struct Note {
    note: String,
}

async fn save(mount: Mount, session: Session, Form(form): Form<Note>) -> Redirect {
    session.flash("success", format!("Saved: {}", form.note));
    redirect(mount.url("/"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let key = dewar::key_from_env("SECRET_KEY")?;
    let sessions = SessionLayer::signed_cookie(key).loopback_development().build()?;
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    println!("Open http://127.0.0.1:5000/, save a note, and load the page once more.");
    axum::serve(listener, app().layer(sessions)).await?;
    Ok(())
}
