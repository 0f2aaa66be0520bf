//! By hand: the session in Flask's signed cookie.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::HeaderMap,
    response::Response,
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::{Map, answer, find, now_s, push_base64, visits};
use crate::{KEY, SESSION};

/// The pages.
pub fn app() -> Router {
    let keyed = |key: &[u8]| Hmac::<Sha1>::new_from_slice(key).expect("any length");
    let derived = keyed(KEY.as_bytes()).chain_update(b"cookie-session").finalize();
    let mac = keyed(&derived.into_bytes());
    Router::new()
        .route("/fill", get(fill))
        .route("/", get(count))
        .route("/read", get(read))
        .route("/unused", get(async || "unused"))
        .with_state(Arc::new(mac))
}

type Key = State<Arc<Hmac<Sha1>>>;

async fn fill(State(mac): Key) -> Response {
    let mut map: Map = serde_json::from_str(SESSION).expect("the session is JSON");
    map.insert("_created".into(), now_s().into());
    answer("filled", Some(sign(&mac, &map)))
}

async fn count(State(mac): Key, request: Request) -> Response {
    let mut map = open(&mac, request.headers()).expect("a live session");
    let visits = visits(&map) + 1;
    map["visits"] = visits.into();
    answer(visits.to_string(), Some(sign(&mac, &map)))
}

async fn read(State(mac): Key, request: Request) -> Response {
    let map = open(&mac, request.headers()).expect("a live session");
    answer(visits(&map).to_string(), None)
}

fn open(mac: &Hmac<Sha1>, headers: &HeaderMap) -> Option<Map> {
    let token = find(headers)?;
    let at = token.iter().rposition(|&byte| byte == b'.')?;
    let (signed, signature) = (&token[..at], &token[at + 1..]);
    let mut claimed = [0; 22];
    let len = URL_SAFE_NO_PAD.decode_slice(signature, &mut claimed).ok()?;
    mac.clone().chain_update(signed).verify_slice(&claimed[..len]).ok()?;
    let at = signed.iter().rposition(|&byte| byte == b'.')?;
    let (payload, time) = (&signed[..at], &signed[at + 1..]);
    let mut bytes = [0; 6];
    let len = URL_SAFE_NO_PAD.decode_slice(time, &mut bytes).ok()?;
    let signed_s = bytes[..len].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    let text = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let map: Map = serde_json::from_slice(&text).ok()?;
    let (now, created_s) = (now_s(), map["_created"].as_u64()?);
    let alive = now <= signed_s + 2 * 60 * 60 && now <= created_s + 7 * 24 * 60 * 60;
    alive.then_some(map)
}

fn sign(mac: &Hmac<Sha1>, map: &Map) -> Vec<u8> {
    let text = serde_json::to_vec(map).expect("plain values");
    let mut token = Vec::with_capacity(text.len() / 3 * 4 + 40);
    push_base64(&mut token, &text);
    token.push(b'.');
    push_base64(&mut token, &now_s().to_be_bytes()[4..]);
    let tag = mac.clone().chain_update(&token).finalize().into_bytes();
    token.push(b'.');
    push_base64(&mut token, &tag);
    token
}
