//! Flask's session system for axum and tower.

#[allow(dead_code, unused_imports)]
pub mod cookie;
#[allow(dead_code)]
mod http_date;
#[allow(dead_code)]
mod vary;
#[allow(dead_code)]
mod weak_keys;

pub use weak_keys::WeakKey;
