//! The same pages over a session store as most are: the whole dict is read when a request comes,
//! and the whole dict is written when it goes. It must lose every race, or the race proves nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, header},
    response::{AppendHeaders, IntoResponse, Response},
    routing::get,
};
use dewar_examples::race::{OPENED, WORKED};
use serde_json::{Map, Value as Json, json};

use crate::client::unix_micros;

/// The contents of each session, whatever process asks.
type Store = Arc<Mutex<HashMap<String, Map<String, Json>>>>;

type Asked = Query<HashMap<String, String>>;

/// Serves on as many ports, all over one store, until the test ends.
pub(crate) fn serve(processes: usize) -> Vec<u16> {
    let store = Store::default();
    (0..processes).map(|_| serve_one(Arc::clone(&store))).collect()
}

fn serve_one(store: Store) -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            axum::serve(listener, app(store)).await.expect("served");
        });
    });
    port
}

fn app(store: Store) -> Router {
    let page = |work: fn(&mut Naive, &HashMap<String, String>)| {
        get(async move |State(store): State<Store>, headers: HeaderMap, Query(asked): Asked| {
            let mut session = Naive::open(&store, &headers);
            let opened = unix_micros();
            let ms = asked.get("ms").and_then(|ms| ms.parse().ok()).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            work(&mut session, &asked);
            session.save(&store, opened)
        })
    };
    Router::new()
        .route("/login", page(|session, _| session.set("user", json!("ada"))))
        .route("/set", page(|session, asked| session.set(key(asked), json!(1))))
        .route("/incr", page(|session, asked| session.incr(key(asked))))
        .route("/push", page(|session, asked| session.push(key(asked), &asked["v"])))
        .route("/read", page(|_, _| ()))
        .route("/rotate", page(|session, _| session.rotate()))
        .route("/logout", page(|session, _| session.ended = true))
        .route("/dump", page(|session, _| session.dumped = true))
        .with_state(store)
}

fn key(asked: &HashMap<String, String>) -> &str {
    asked.get("k").map_or("k", String::as_str)
}

/// A session in the hands of a request.
struct Naive {
    id: String,
    contents: Map<String, Json>,
    old_id: Option<String>,
    ended: bool,
    dumped: bool,
}

impl Naive {
    fn open(store: &Store, headers: &HeaderMap) -> Self {
        let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
        let id = cookie.and_then(|cookie| cookie.strip_prefix("session=")).unwrap_or_default();
        let contents = store.lock().expect("no panic").get(id).cloned().unwrap_or_default();
        Self { id: id.to_owned(), contents, old_id: None, ended: false, dumped: false }
    }

    fn set(&mut self, key: &str, value: Json) {
        self.contents.insert(key.to_owned(), value);
    }

    fn incr(&mut self, key: &str) {
        let sum = self.contents.get(key).and_then(Json::as_i64).unwrap_or(0) + 1;
        self.set(key, json!(sum));
    }

    fn push(&mut self, key: &str, value: &str) {
        let list = self.contents.entry(key).or_insert_with(|| json!([]));
        list.as_array_mut().expect("a list").push(json!(value));
    }

    fn rotate(&mut self) {
        self.old_id = Some(std::mem::take(&mut self.id));
        self.set("role", json!("admin"));
    }

    /// Whole, whatever anybody else has written meanwhile.
    fn save(mut self, store: &Store, opened: u64) -> Response {
        let worked = unix_micros();
        let mut store = store.lock().expect("no panic");
        let body = if self.dumped { json!(self.contents).to_string() } else { String::new() };
        let mut cookie = None;
        if self.ended {
            store.remove(&self.id);
        } else if !self.dumped {
            if let Some(old) = &self.old_id {
                store.remove(old);
            }
            if self.id.is_empty() {
                let id = dewar::random_bytes(16).expect("random bytes");
                self.id = id.iter().map(|byte| format!("{byte:02x}")).collect();
                cookie = Some((header::SET_COOKIE, format!("session={}; Path=/", self.id)));
            }
            store.insert(self.id, self.contents);
        }
        let times = [(OPENED, opened.to_string()), (WORKED, worked.to_string())];
        (AppendHeaders(cookie), times, body).into_response()
    }
}
