//! The same four pages in every mode, beside the least code that could serve them.
//!
//! | page | does |
//! |---|---|
//! | `/fill` | gives the visitor a session of 100 bytes of JSON |
//! | `/` | reads `visits`, adds one, and answers it |
//! | `/read` | answers `visits` |
//! | `/unused` | answers without a session |
//!
//! [`pages`] serves them with dewar, [`limit`] by hand, [`floor`] without any session: what a mode
//! costs is the difference.

pub mod budget;
mod contents;
pub mod floor;
pub mod limit;
pub mod pages;
mod visitor;

pub use contents::contents;
pub use visitor::Visitor;

/// A secret that the gate for weak keys lets pass.
pub const KEY: &str = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";

/// What the session of a visitor holds: 100 bytes.
pub const SESSION: &str = r#"{"cart":["a1b2","c3d4"],"csrf":"9f86d081884c7d","theme":"dark","user":"ada","user_id":10,"visits":1}"#;
