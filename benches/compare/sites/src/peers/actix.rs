//! actix-session with its `CookieSessionStore`, and actix-web without sessions.

use std::io;

use actix_session::{Session, SessionMiddleware, storage::CookieSessionStore};
use actix_web::{App, Error, HttpServer, cookie::Key, rt::System, web};
use compare_door::SESSION;
use dewar_benches::KEY;

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub enum Pages {
    /// Without sessions: what the other stands upon.
    Floor,
    /// With a session in an encrypted cookie, as is the default.
    Session,
}

/// Serves them with one worker, until standard input ends.
///
/// # Errors
/// If no port can be had.
pub fn serve(pages: Pages) -> io::Result<()> {
    compare_door::end_with_stdin();
    System::new().block_on(async {
        // Two arms that look alike: each application is a type of its own.
        match pages {
            Pages::Floor => {
                let server =
                    HttpServer::new(|| App::new().configure(floor)).workers(1).bind(ANY)?;
                compare_door::announce(server.addrs()[0]);
                server.disable_signals().run().await
            }
            Pages::Session => {
                let app = || App::new().wrap(middleware()).configure(session);
                let server = HttpServer::new(app).workers(1).bind(ANY)?;
                compare_door::announce(server.addrs()[0]);
                server.disable_signals().run().await
            }
        }
    })
}

const ANY: &str = "127.0.0.1:0";

/// The pages without sessions.
pub(crate) fn floor(pages: &mut web::ServiceConfig) {
    pages
        .route("/fill", web::get().to(async || "filled"))
        .route("/", web::get().to(async || 1.to_string()))
        .route("/read", web::get().to(async || 1.to_string()))
        .route("/unused", web::get().to(async || "unused"));
}

/// The pages with a session.
pub(crate) fn session(pages: &mut web::ServiceConfig) {
    pages
        .route("/fill", web::get().to(fill))
        .route("/", web::get().to(count))
        .route("/read", web::get().to(read))
        .route("/unused", web::get().to(async || "unused"));
}

/// What goes around [`session`].
pub(crate) fn middleware() -> SessionMiddleware<CookieSessionStore> {
    SessionMiddleware::new(CookieSessionStore::default(), Key::from(KEY.repeat(2).as_bytes()))
}

async fn fill(session: Session) -> Result<&'static str, Error> {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(SESSION).expect("the session is JSON");
    for (key, value) in members {
        session.insert(key, value)?;
    }
    Ok("filled")
}

async fn count(session: Session) -> Result<String, Error> {
    let visits = session.get::<i64>("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(visits.to_string())
}

async fn read(session: Session) -> Result<String, Error> {
    Ok(session.get::<i64>("visits")?.unwrap_or(0).to_string())
}
