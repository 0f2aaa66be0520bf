//! What the pages of every peer in Rust have in common: what can be asked, how a page overlaps with
//! others, and how it tells when. dewar's own pages are those of `dewar demo race`, which do the same.

use std::{
    env,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{extract::Request, middleware::Next, response::Response};
use serde::Deserialize;

/// The header with the moment at which the session was open, in Unix microseconds.
pub const OPENED: &str = "opened";
/// The header with the moment after the wait, before the session was changed.
pub const WORKED: &str = "worked";

/// What can be asked of a page.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The key that is set.
    pub k: String,
    /// How long to wait between opening the session and working on it, in milliseconds.
    pub ms: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Self { k: "k".to_owned(), ms: 0 }
    }
}

/// When the session of a request was open, and when the page began to change it.
#[derive(Clone, Debug, Default)]
pub struct Times(Arc<OnceLock<(u64, u64)>>);

impl Times {
    /// Waits, so that others overlap. To be called once the session is loaded, before it is changed.
    pub async fn overlap(&self, asked: &Asked) {
        let opened = unix_micros();
        tokio::time::sleep(Duration::from_millis(asked.ms)).await;
        let _ = self.0.set((opened, unix_micros()));
    }

    /// The two headers that tell of it; none if the page did not wait.
    pub fn headers(&self) -> Option<[(&'static str, u64); 2]> {
        self.0.get().map(|(opened, worked)| [(OPENED, *opened), (WORKED, *worked)])
    }
}

/// The outermost layer of an application on axum: an answer tells when, even one that the session's
/// layer has put in the place of the page's.
pub async fn tell_when(mut request: Request, next: Next) -> Response {
    let times = Times::default();
    request.extensions_mut().insert(times.clone());
    let mut response = next.run(request).await;
    for (name, micros) in times.headers().into_iter().flatten() {
        response.headers_mut().insert(name, micros.into());
    }
    response
}

/// Every key that a page is ever asked to set: not every peer can list what is in a session.
pub fn keys() -> impl Iterator<Item = String> {
    let numbered = (0..20).map(|i| format!("k{i}"));
    ["user", "role", "z"].into_iter().map(str::to_owned).chain(numbered)
}

/// The store that the command line names: `--store URL`.
///
/// # Errors
/// If it names none.
pub fn store() -> Result<String, String> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [flag, url] if flag == "--store" => Ok(url.clone()),
        _ => Err("usage: PROGRAM --store URL".to_owned()),
    }
}

fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
