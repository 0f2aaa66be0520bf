//! Stocks: what a form sends is kept in the session and shown by a template.
//!
//! ```sh
//! export SECRET_KEY="$(dewar secret)"
//! cargo run -p dewar-examples --example stocks    # then open http://127.0.0.1:5000/
//! ```

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{Path, State},
    response::Html,
    routing::get,
};
use dewar::{Session, SessionLayer};
use dewar_examples::{
    failure::Failure,
    mount::Mount,
    redirect::{Redirect, redirect},
    templates::{Routes, TemplateError, Templates},
};
use serde::Deserialize;
use tokio::net::TcpListener;

type Page = Result<Html<String>, TemplateError>;

/// What `url_for` knows.
const ROUTES: Routes = &[
    ("index", "/"),
    ("add_stock", "/add_stock"),
    ("list_stocks", "/stocks/"),
    ("display_blog_post", "/blog_posts/{post_id}"),
];

/// The program, without the layer that gives it sessions.
pub fn app() -> Router {
    let files = [
        ("base.html", include_str!("templates/base.html")),
        ("index.html", include_str!("templates/index.html")),
        ("add_stock.html", include_str!("templates/add_stock.html")),
        ("stocks.html", include_str!("templates/stocks.html")),
    ];
    Router::new()
        .route("/", get(index))
        .route("/add_stock", get(stock_form).post(add_stock))
        .route("/stocks/", get(list_stocks))
        .route("/blog_posts/{post_id}", get(display_blog_post))
        .with_state(Arc::new(Templates::new(&files, ROUTES)))
}

async fn index(State(templates): State<Arc<Templates>>, mount: Mount) -> Page {
    templates.render("index.html", &mount, None)
}

async fn stock_form(State(templates): State<Arc<Templates>>, mount: Mount) -> Page {
    templates.render("add_stock.html", &mount, None)
}

#[derive(Deserialize)]
struct Stock {
    stock_symbol: String,
    number_of_shares: String,
    purchase_price: String,
}

async fn add_stock(mount: Mount, session: Session, Form(stock): Form<Stock>) -> Redirect {
    session.set("stock_symbol", stock.stock_symbol);
    session.set("number_of_shares", stock.number_of_shares);
    session.set("purchase_price", stock.purchase_price);
    redirect(mount.url("/stocks/"))
}

async fn list_stocks(
    State(templates): State<Arc<Templates>>,
    mount: Mount,
    session: Session,
) -> Page {
    templates.render("stocks.html", &mount, Some(&session))
}

async fn display_blog_post(Path(post_id): Path<u64>) -> Html<String> {
    Html(format!("<h1>Blog Post #{post_id}...</h1>"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let key = dewar::key_from_env("SECRET_KEY")?;
    let sessions = SessionLayer::signed_cookie(key).loopback_development().build()?;
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    println!("Open http://127.0.0.1:5000/");
    axum::serve(listener, app().layer(sessions)).await?;
    Ok(())
}
