//! Who logs in to the demo's `login` is a user of the store, as in an application: the chapter's program
//! keeps a name alone.

use axum::{extract::Request, http::Method, middleware::Next, response::Response};
use dewar::Session;

/// Under this key the program keeps who has logged in.
const NAME: &str = "username";

/// Makes the session the user's at a login, and nobody's at a logout. Other pages are let alone.
pub(super) async fn bind(session: Session, request: Request, next: Next) -> Response {
    let changes = request.method() == Method::POST || request.uri().path() == "/logout";
    let response = next.run(request).await;
    if changes {
        match session.get::<String>(NAME) {
            Some(name) if !name.is_empty() => {
                session.bind_user(&name);
            }
            _ if session.user_id().is_some() => session.unbind_user(),
            _ => {}
        }
    }
    response
}
