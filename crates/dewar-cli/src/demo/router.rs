//! The programs with their sessions, as one router.

use axum::{Router, http::StatusCode, response::Html, routing::get};
use dewar::{SecretKey, SessionLayer};

use super::{
    home::Home,
    pages,
    programs::{ALL, Described},
};
use crate::args::Profile;

/// One program at `/`, with the cookie that a Flask application would use.
pub(super) fn one(
    program: &'static Described,
    profile: Profile,
    home: &Home,
    key: &SecretKey,
) -> anyhow::Result<Router> {
    let lost = pages::lost(&[program], "");
    let sessions = sessions(profile, home, key, "session", "/")?;
    Ok((program.app)().fallback(not_found(lost)).layer(sessions))
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
        let app = (program.app)().fallback(not_found(lost.clone())).layer(sessions);
        router = router.nest_service(&path, app);
    }
    Ok(router)
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
