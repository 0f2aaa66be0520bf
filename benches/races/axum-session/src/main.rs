//! Serves the pages with axum_session in Redis, until standard input ends.

use std::error::Error;

use axum::{Extension, Json, Router, extract::Query, middleware, routing::get};
use axum_session::{Session, SessionConfig, SessionLayer, SessionStore};
use axum_session_redispool::SessionRedisPool;
use races_page::{Asked, Times, keys, tell_when};
use redis_pool::RedisPool;
use serde_json::{Map, Value};
use tokio::runtime::Builder;

type Visitor = Session<SessionRedisPool>;

fn main() -> Result<(), Box<dyn Error>> {
    let url = races_page::store()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let app = runtime.block_on(app(&url))?;
    Ok(compare_door::serve(&runtime, app)?)
}

async fn app(url: &str) -> Result<Router, Box<dyn Error>> {
    let pool = RedisPool::from(redis::Client::open(url)?);
    let config = SessionConfig::default();
    let store = SessionStore::<SessionRedisPool>::new(Some(pool.into()), config).await?;
    Ok(Router::new()
        .route("/login", get(login))
        .route("/set", get(set))
        .route("/read", get(read))
        .route("/rotate", get(rotate))
        .route("/logout", get(logout))
        .route("/dump", get(async |session: Visitor| Json(members(&session))))
        .route("/plain", get(async || "no session here\n"))
        .layer(SessionLayer::new(store))
        .layer(middleware::from_fn(tell_when)))
}

async fn login(session: Visitor) -> &'static str {
    session.set("user", "ada");
    "logged in\n"
}

async fn set(
    session: Visitor,
    Extension(times): Extension<Times>,
    Query(asked): Query<Asked>,
) -> &'static str {
    times.overlap(&asked).await;
    session.set(&asked.k, 1);
    "set\n"
}

async fn read(
    session: Visitor,
    Extension(times): Extension<Times>,
    Query(asked): Query<Asked>,
) -> String {
    let members = members(&session);
    times.overlap(&asked).await;
    format!("{} keys\n", members.len())
}

async fn rotate(
    session: Visitor,
    Extension(times): Extension<Times>,
    Query(asked): Query<Asked>,
) -> &'static str {
    times.overlap(&asked).await;
    session.renew();
    session.set("role", "admin");
    "rotated\n"
}

async fn logout(
    session: Visitor,
    Extension(times): Extension<Times>,
    Query(asked): Query<Asked>,
) -> &'static str {
    times.overlap(&asked).await;
    session.destroy();
    "logged out\n"
}

fn members(session: &Visitor) -> Map<String, Value> {
    keys().filter_map(|key| Some((key.clone(), session.get(&key)?))).collect()
}
