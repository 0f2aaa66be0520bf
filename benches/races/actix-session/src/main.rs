//! Serves the pages with actix-session in Redis, until standard input ends.

use std::error::Error;

use actix_session::{
    Session, SessionGetError, SessionInsertError, SessionMiddleware, storage::RedisSessionStore,
};
use actix_web::{
    App, HttpMessage, HttpServer,
    cookie::Key,
    dev::{Service, ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    rt::System,
    web::{self, Query, ReqData},
};
use races_page::{Asked, Times, keys};
use serde_json::{Map, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let url = races_page::store()?;
    compare_door::end_with_stdin();
    System::new().block_on(async {
        let store = RedisSessionStore::new(url).await?;
        let key = Key::generate();
        let app = move || {
            App::new()
                .configure(pages)
                .wrap(SessionMiddleware::new(store.clone(), key.clone()))
                .wrap_fn(|request, next| tell_when(request, next))
        };
        let server = HttpServer::new(app).workers(1).bind("127.0.0.1:0")?;
        compare_door::announce(server.addrs()[0]);
        Ok(server.disable_signals().run().await?)
    })
}

fn pages(pages: &mut web::ServiceConfig) {
    pages
        .route("/login", web::get().to(login))
        .route("/set", web::get().to(set))
        .route("/read", web::get().to(read))
        .route("/rotate", web::get().to(rotate))
        .route("/logout", web::get().to(logout))
        .route("/dump", web::get().to(dump))
        .route("/plain", web::get().to(async || "no session here\n"));
}

/// The outermost layer: an answer tells when. What the middleware answers with an error does not, for
/// whoever keeps the request to answer it himself keeps the router from it.
fn tell_when<S>(
    request: ServiceRequest,
    next: &S,
) -> impl Future<Output = Result<ServiceResponse, actix_web::Error>> + use<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = actix_web::Error>,
{
    let times = Times::default();
    request.extensions_mut().insert(times.clone());
    let answer = next.call(request);
    async move {
        let mut answer = answer.await?;
        for (name, micros) in times.headers().into_iter().flatten() {
            let (name, value) = (HeaderName::from_static(name), HeaderValue::from(micros));
            answer.headers_mut().insert(name, value);
        }
        Ok(answer)
    }
}

async fn login(session: Session) -> Result<&'static str, SessionInsertError> {
    session.insert("user", "ada")?;
    Ok("logged in\n")
}

async fn set(
    session: Session,
    times: ReqData<Times>,
    asked: Query<Asked>,
) -> Result<&'static str, SessionInsertError> {
    times.overlap(&asked).await;
    session.insert(&asked.k, 1)?;
    Ok("set\n")
}

async fn read(
    session: Session,
    times: ReqData<Times>,
    asked: Query<Asked>,
) -> Result<String, SessionGetError> {
    let members = members(&session)?;
    times.overlap(&asked).await;
    Ok(format!("{} keys\n", members.len()))
}

async fn rotate(
    session: Session,
    times: ReqData<Times>,
    asked: Query<Asked>,
) -> Result<&'static str, SessionInsertError> {
    times.overlap(&asked).await;
    session.renew();
    session.insert("role", "admin")?;
    Ok("rotated\n")
}

async fn logout(session: Session, times: ReqData<Times>, asked: Query<Asked>) -> &'static str {
    times.overlap(&asked).await;
    session.purge();
    "logged out\n"
}

async fn dump(session: Session) -> Result<web::Json<Map<String, Value>>, SessionGetError> {
    members(&session).map(web::Json)
}

fn members(session: &Session) -> Result<Map<String, Value>, SessionGetError> {
    let mut found = Map::new();
    for key in keys() {
        if let Some(value) = session.get(&key)? {
            found.insert(key, value);
        }
    }
    Ok(found)
}
