//! axum without sessions: what every other figure stands upon.

use axum::{Router, routing::get};

/// The pages' answers, and nothing else.
pub fn app() -> Router {
    Router::new()
        .route("/fill", get(async || "filled"))
        .route("/", get(async || 1.to_string()))
        .route("/read", get(async || 1.to_string()))
        .route("/unused", get(async || "unused"))
}
