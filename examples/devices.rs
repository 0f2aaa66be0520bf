//! Devices: a user sees where he is logged in, and ends one of these sessions, all, or all but this.
//!
//! ```sh
//! export SECRET_KEY="$(dewar secret)"
//! cargo run -p dewar-examples --example devices     # then open http://127.0.0.1:5000/login
//! ```

use axum::{
    Form, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::USER_AGENT},
    response::Html,
    routing::{get, post},
};
use dewar::{Session, SessionLayer, UserSessions, store::MemoryStore};
use dewar_examples::{
    escape::escape,
    failure::Failure,
    redirect::{Redirect, redirect},
};
use serde::Deserialize;
use tokio::net::TcpListener;

/// A store that gives no answer ends nothing, and must not look as if it had.
type Answer<T> = Result<T, StatusCode>;

/// The program, without the layer that gives it sessions; `users` is
/// [`SessionLayer::user_sessions`] of that layer.
pub fn app(users: UserSessions) -> Router {
    Router::new()
        .route("/", get(devices))
        .route("/login", get(login_form).post(login))
        .route("/end", post(end))
        .with_state(users)
}

async fn login_form() -> Html<&'static str> {
    Html(include_str!("templates/login.html"))
}

#[derive(Deserialize)]
struct Login {
    username: String,
}

async fn login(session: Session, headers: HeaderMap, Form(form): Form<Login>) -> Redirect {
    let device = headers.get(USER_AGENT).and_then(|name| name.to_str().ok());
    // The session gets a new id and is the user's from now on. Here would be a look at a password.
    session.bind_user(&form.username).device(device.unwrap_or("an unknown device"));
    redirect("/")
}

async fn devices(State(users): State<UserSessions>, session: Session) -> Answer<Html<String>> {
    let Some(user) = session.user_id() else {
        return Ok(Html("<a href=/login>Log in</a>".into()));
    };
    let mut page =
        format!("<h1>{} is logged in on</h1>\n<form method=post action=/end>\n", escape(&user));
    for found in users.list(&user).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)? {
        let here = if Some(found.key) == session.key() { " (here)" } else { "" };
        // The key is a hash, and shows as its first 8 digits: whoever reads the page opens nothing.
        let (device, key) = (escape(found.device.as_deref().unwrap_or("?")), found.key);
        page += &format!("<p>{device}{here} <button name=which value={key}>End</button>\n");
    }
    page += "<p><button name=which value=others>End all others</button>\n";
    page += "<button name=which value=all>End all</button>\n</form>\n";
    Ok(Html(page))
}

#[derive(Deserialize)]
struct Which {
    which: String,
}

async fn end(
    State(users): State<UserSessions>,
    session: Session,
    Form(form): Form<Which>,
) -> Answer<Redirect> {
    let (Some(user), Some(here)) = (session.user_id(), session.key()) else {
        return Ok(redirect("/login"));
    };
    let ended = match &*form.which {
        "all" => users.revoke_all(&user).await.map(drop),
        "others" => users.revoke_others(&user, here).await.map(drop),
        // Only among his own is looked: of somebody else's nobody can end one.
        key => match users.list(&user).await {
            Ok(list) => match list.iter().find(|found| found.key.to_string() == key) {
                Some(found) => users.revoke(&user, found.key).await.map(drop),
                None => Ok(()),
            },
            Err(error) => Err(error),
        },
    };
    ended.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(redirect("/"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let key = dewar::key_from_env("SECRET_KEY")?;
    let sessions = SessionLayer::server(key, MemoryStore::new()).loopback_development().build()?;
    let users = sessions.user_sessions().expect("a store in memory knows users");
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    println!("Open http://127.0.0.1:5000/login in two browsers");
    axum::serve(listener, app(users).layer(sessions)).await?;
    Ok(())
}
