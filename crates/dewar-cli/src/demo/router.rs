//! The programs with their sessions, as one router.

use axum::{
    Router,
    http::{StatusCode, Uri},
    middleware,
    response::Html,
    routing::get,
};
use dewar::{SecretKey, SessionLayer};

use super::{
    home::Home,
    pages,
    programs::{ALL, Described},
    user,
};
use crate::args::Profile;

/// One program at `/`, with the cookie that a Flask application would use.
pub(super) fn one(
    program: &'static Described,
    profile: Profile,
    home: &Home,
    key: &SecretKey,
) -> anyhow::Result<Router> {
    let (front, lost) = (pages::front(program), pages::lost(&[program], ""));
    let sessions = sessions(profile, home, key, "session", "/")?;
    let at = async |uri: Uri| match uri.path() {
        "/" => (StatusCode::OK, Html(front)),
        _ => (StatusCode::NOT_FOUND, Html(lost)),
    };
    Ok(app(program, home).fallback(at).layer(sessions))
}

/// All programs, each below its own path and with a cookie that only this path receives.
pub(super) fn all(profile: Profile, home: &Home, key: &SecretKey) -> anyhow::Result<Router> {
    let start = Html(pages::start(home));
    let lost = pages::lost(&ALL.each_ref(), "");
    let mut router =
        Router::new().route("/", get(async || start)).fallback(not_found(lost.clone()));
    for (i, program) in ALL.iter().enumerate() {
        let path = format!("/{}", program.name);
        let name = format!("session_{}", program.name);
        let build = || sessions(profile, home, key, &name, &path);
        // What one layer warns of, all would: once is enough.
        let silent = tracing::subscriber::NoSubscriber::new();
        let sessions =
            if i == 0 { build() } else { tracing::subscriber::with_default(silent, build) }?;
        let app = app(program, home).fallback(not_found(lost.clone())).layer(sessions);
        router = router.nest_service(&path, app);
    }
    Ok(router)
}

/// The program; on the server, who logs in to `login` is a user to whoever operates it.
fn app(program: &Described, home: &Home) -> Router {
    let app = (program.app)();
    match home {
        Home::Server { .. } if program.name == "login" => {
            app.layer(middleware::from_fn(user::bind))
        }
        _ => app,
    }
}

fn sessions(
    profile: Profile,
    home: &Home,
    key: &SecretKey,
    name: &str,
    path: &str,
) -> Result<SessionLayer, dewar::ConfigError> {
    let builder = match (profile, home) {
        (Profile::Flask, _) => SessionLayer::flask(key.clone()),
        (Profile::Default, Home::Cookie) => {
            SessionLayer::signed_cookie(key.clone()).loopback_development()
        }
        (Profile::Default, Home::Server { store, .. }) => {
            SessionLayer::server(key.clone(), store.clone()).loopback_development()
        }
    };
    builder.cookie_name(name).path(path).build()
}

/// A page that is not there says which are.
fn not_found(page: String) -> axum::routing::MethodRouter {
    axum::routing::any(async || (StatusCode::NOT_FOUND, Html(page)))
}
