//! Where a program is mounted.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, NestedPath},
    http::request::Parts,
};

/// The path under which a program was nested; empty if it was not.
///
/// A program knows its own paths only. Addresses that leave it, in a redirect or a link, begin
/// with this.
///
/// # Flask
/// `SCRIPT_NAME`, which `url_for` puts in front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount(String);

impl Mount {
    /// The address of one of the program's own paths, such as `/stocks/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Mount {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let nested = NestedPath::from_request_parts(parts, state).await;
        Ok(nested.map_or_else(
            |_| Self::default(),
            |path| Self(path.as_str().trim_end_matches('/').to_owned()),
        ))
    }
}
