//! Flask's session system for axum and tower.
//!
//! A session is one visitor's data across requests. This crate keeps it in a signed cookie, in
//! the format of Flask: what Flask wrote opens here, and the reverse.
//!
//! ```
//! use axum::{Router, routing::get};
//! use dewar::{Session, SessionLayer, ValueError};
//!
//! async fn index(session: Session) -> Result<String, ValueError> {
//!     Ok(format!("Visit count: {}", session.incr("visits", 1)?))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";
//! let sessions = SessionLayer::signed_cookie(key).build()?;
//! let app: Router = Router::new().route("/", get(index)).layer(sessions);
//! # Ok(())
//! # }
//! ```
//!
//! # The way of a request
//!
//! ```text
//! request ─▶ 1 cookie ─▶ 2 verify ─▶ 3 open ─▶ 4 handler ─▶ 5 plan ▸ commit ─▶ 6 cookie ─▶ response
//!            find value   token →     payload →  edits        decide   act       change →
//!            borrowed     payload     contents                purely   once      headers
//!            └ always, ns ┘└──── only if somebody asks ────┘    └──── only if opened ────┘
//! ```
//!
//! - A handler that takes a [`Session`] opens it; nobody else pays for it.
//! - Whatever the browser sent, there is a session, perhaps an empty one, and
//!   [`Session::verdict`] says why it is empty.
//! - What the handler changed is kept when the response leaves, whatever its status. A handler
//!   that panics keeps nothing.
//!
//! # Security
//!
//! A signed cookie proves that nobody changed it. It hides nothing, an old copy stays valid until
//! it expires, and of two overlapping requests the last response wins.

// Values, and what is decided over values alone.
mod clock;
pub mod cookie;
mod delta;
mod error;
mod id;
mod lifetime;
mod plan;
mod sync;
mod vary;
mod verdict;
mod weak_keys;
// Configuration.
mod backend;
mod config;
mod event;
mod keys;
mod queue;
// Contract.
pub mod store;
// Rooms.
mod commit;
mod contents;
mod open;
mod respond;
mod rotation;
mod slot;
// Doors.
mod builder;
#[cfg(feature = "axum")]
mod extract;
mod flash;
mod layer;
mod service;
mod session;
mod typed;
// Tests.
#[cfg(all(test, dewar_models))]
mod models;

pub use builder::SessionLayerBuilder;
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::ConfigError;
pub use cookie::SameSite;
pub use dewar_signing::{
    BigInt, ConversionError, DateTime, Dict, FromValue, KeyId, KeyRing, SecretKey, Uuid, Value,
};
pub use error::{CommitError, ValueError};
pub use event::{Event, Snapshot};
#[cfg(feature = "axum")]
pub use extract::SessionRejection;
pub use flash::Flash;
pub use id::{OsRandom, Random, StoreKey};
pub use keys::{development_key, key_from_env, random_bytes};
pub use layer::SessionLayer;
pub use plan::Plan;
pub use service::SessionService;
pub use session::{Regeneration, Session};
pub use typed::Typed;
pub use verdict::Verdict;
pub use weak_keys::WeakKey;
