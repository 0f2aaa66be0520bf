//! The `Cookie` lines of one request.

use http::{HeaderMap, HeaderValue, header::COOKIE};

/// The lines as they came: a browser sends one, HTTP/2 may split it. No byte is copied, and for one
/// line nothing is allocated.
pub(crate) struct CookieLines {
    first: Option<HeaderValue>,
    others: Vec<HeaderValue>,
}

impl CookieLines {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(COOKIE).iter().cloned();
        Self { first: lines.next(), others: lines.collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &HeaderValue> {
        self.first.iter().chain(&self.others)
    }
}
