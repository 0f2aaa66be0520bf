//! By hand: the session in one SQLite file, through one connection.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use rusqlite::{Connection, params};

use super::{
    Map, answer, now_s,
    token::{Id, Ids},
    visits,
};
use crate::SESSION;

struct Site {
    ids: Ids,
    database: Mutex<Connection>,
}

/// The pages, with their sessions in this file. `synchronous` is SQLite's: `FULL` or `NORMAL`.
///
/// # Errors
/// If the file cannot be made.
pub fn app(file: &Path, synchronous: &str) -> rusqlite::Result<Router> {
    let database = Connection::open(file)?;
    database.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};
         CREATE TABLE sessions (id BLOB PRIMARY KEY, deadline_s INTEGER, data TEXT) WITHOUT ROWID"
    ))?;
    database.set_prepared_statement_cache_capacity(4);
    let site = Site { ids: Ids::new(), database: Mutex::new(database) };
    Ok(Router::new()
        .route("/fill", get(fill))
        .route("/", get(count))
        .route("/read", get(read))
        .route("/unused", get(async || "unused"))
        .with_state(Arc::new(site)))
}

async fn fill(State(site): State<Arc<Site>>) -> Response {
    let (id, token) = site.ids.make();
    site.save(&id, SESSION);
    answer("filled", Some(token))
}

async fn count(State(site): State<Arc<Site>>, request: Request) -> Response {
    let id = site.ids.verify(request.headers()).expect("our cookie");
    let mut map = site.load(&id);
    let visits = visits(&map) + 1;
    map["visits"] = visits.into();
    site.save(&id, &serde_json::to_string(&map).expect("plain values"));
    answer(visits.to_string(), None)
}

async fn read(State(site): State<Arc<Site>>, request: Request) -> Response {
    let id = site.ids.verify(request.headers()).expect("our cookie");
    answer(visits(&site.load(&id)).to_string(), None)
}

impl Site {
    fn load(&self, id: &Id) -> Map {
        let database = self.database.lock().expect("no panic");
        let sql = "SELECT data FROM sessions WHERE id = ? AND deadline_s > ?";
        let mut select = database.prepare_cached(sql).expect("sound SQL");
        let text: String =
            select.query_row(params![id, now_s() as i64], |row| row.get(0)).expect("a session");
        serde_json::from_str(&text).expect("the session is JSON")
    }

    fn save(&self, id: &Id, text: &str) {
        let database = self.database.lock().expect("no panic");
        let sql = "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)";
        let mut save = database.prepare_cached(sql).expect("sound SQL");
        save.execute(params![id, now_s() as i64 + 2 * 60 * 60, text]).expect("room on the disk");
    }
}
