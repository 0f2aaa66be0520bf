//! By hand: the session in this process, its id in the cookie.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::get,
};

use super::{
    Map, answer, now_s,
    token::{Id, Ids},
    visits,
};
use crate::SESSION;

struct Site {
    ids: Ids,
    /// Each session with its deadline.
    sessions: Mutex<HashMap<Id, (u64, Map)>>,
}

/// The pages.
pub fn app() -> Router {
    let site = Site { ids: Ids::new(), sessions: Mutex::default() };
    Router::new()
        .route("/fill", get(fill))
        .route("/", get(count))
        .route("/read", get(read))
        .route("/unused", get(async || "unused"))
        .with_state(Arc::new(site))
}

async fn fill(State(site): State<Arc<Site>>) -> Response {
    let (id, token) = site.ids.make();
    let map: Map = serde_json::from_str(SESSION).expect("the session is JSON");
    let session = (now_s() + 2 * 60 * 60, map);
    site.sessions.lock().expect("no panic").insert(id, session);
    answer("filled", Some(token))
}

async fn count(State(site): State<Arc<Site>>, request: Request) -> Response {
    let id = site.ids.verify(request.headers()).expect("our cookie");
    let mut sessions = site.sessions.lock().expect("no panic");
    let (deadline_s, map) = sessions.get_mut(&id).expect("a session");
    let now = now_s();
    assert!(now < *deadline_s, "a live session");
    *deadline_s = now + 2 * 60 * 60;
    let visits = visits(map) + 1;
    map["visits"] = visits.into();
    answer(visits.to_string(), None)
}

async fn read(State(site): State<Arc<Site>>, request: Request) -> Response {
    let id = site.ids.verify(request.headers()).expect("our cookie");
    let sessions = site.sessions.lock().expect("no panic");
    let (deadline_s, map) = &sessions[&id];
    assert!(now_s() < *deadline_s, "a live session");
    answer(visits(map).to_string(), None)
}
