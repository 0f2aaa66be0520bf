//! axum-extra's jars: the session as JSON in a signed or an encrypted cookie.
//!
//! They know cookies and no sessions, so the handlers read and write the JSON themselves.

use axum::{Router, routing::get};
use axum_extra::extract::cookie::{Cookie, Key, PrivateCookieJar, SameSite, SignedCookieJar};
use compare_door::SESSION;
use dewar_benches::KEY;

type Map = serde_json::Map<String, serde_json::Value>;

pub(crate) fn signed() -> Router {
    Router::new()
        .route("/fill", get(async |jar: SignedCookieJar| (jar.add(cookie(filled())), "filled")))
        .route(
            "/",
            get(async |jar: SignedCookieJar| {
                let (cookie, visits) = counted(jar.get("session"));
                (jar.add(cookie), visits)
            }),
        )
        .route("/read", get(async |jar: SignedCookieJar| visits(&open(jar.get("session")))))
        .route("/unused", get(async || "unused"))
        .with_state(key())
}

pub(crate) fn private() -> Router {
    Router::new()
        .route("/fill", get(async |jar: PrivateCookieJar| (jar.add(cookie(filled())), "filled")))
        .route(
            "/",
            get(async |jar: PrivateCookieJar| {
                let (cookie, visits) = counted(jar.get("session"));
                (jar.add(cookie), visits)
            }),
        )
        .route("/read", get(async |jar: PrivateCookieJar| visits(&open(jar.get("session")))))
        .route("/unused", get(async || "unused"))
        .with_state(key())
}

/// A key wants 64 bytes.
fn key() -> Key {
    Key::from(KEY.repeat(2).as_bytes())
}

fn filled() -> Map {
    serde_json::from_str(SESSION).expect("the session is JSON")
}

fn counted(cookie_sent: Option<Cookie<'static>>) -> (Cookie<'static>, String) {
    let mut session = open(cookie_sent);
    let visits = session.get("visits").and_then(serde_json::Value::as_i64).unwrap_or(0) + 1;
    session.insert("visits".to_owned(), visits.into());
    (cookie(session), visits.to_string())
}

fn visits(session: &Map) -> String {
    session.get("visits").and_then(serde_json::Value::as_i64).unwrap_or(0).to_string()
}

fn open(cookie: Option<Cookie<'static>>) -> Map {
    cookie.and_then(|cookie| serde_json::from_str(cookie.value()).ok()).unwrap_or_default()
}

#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
fn cookie(session: Map) -> Cookie<'static> {
    let text = serde_json::to_string(&session).expect("plain values");
    let cookie = Cookie::build(("session", text));
    cookie.path("/").secure(true).http_only(true).same_site(SameSite::Lax).build()
}
