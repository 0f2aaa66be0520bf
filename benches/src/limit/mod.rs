//! The yardstick: the least code that puts the same bytes on the wire.
//!
//! No library could be much faster than this: it knows its one session, its one key and its four
//! pages, merges nothing, survives no race, and fails by panicking.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

pub mod cookie;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

mod token;

type Map = serde_json::Map<String, serde_json::Value>;

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// The value of the cookie `session`.
fn find(headers: &HeaderMap) -> Option<&[u8]> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b';'))
        .find_map(|pair| pair.trim_ascii_start().strip_prefix(b"session="))
}

fn visits(map: &Map) -> i64 {
    map["visits"].as_i64().expect("an integer")
}

/// An answer that hangs on the cookie, and hands out one if there is one.
fn answer(body: impl Into<axum::body::Body>, token: Option<Vec<u8>>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::VARY, HeaderValue::from_static("Cookie"));
    if let Some(token) = token {
        let cookie =
            [b"session=", &token[..], b"; Secure; HttpOnly; Path=/; SameSite=Lax"].concat();
        let mut cookie = HeaderValue::try_from(cookie).expect("visible ASCII");
        cookie.set_sensitive(true);
        headers.insert(header::SET_COOKIE, cookie);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    response
}

fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut out[start..]).expect("room enough");
    out.truncate(start + written);
}
