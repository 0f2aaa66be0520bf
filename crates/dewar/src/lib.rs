//! Flask's session system for axum and tower.
//!
//! A session is one visitor's data across requests. It lives on the server, behind a random id
//! ([`SessionLayer::server`]), or in a signed cookie in Flask's own format
//! ([`SessionLayer::signed_cookie`]): what Flask wrote opens here, and the reverse.
//!
//! ```
//! use axum::{Router, routing::get};
//! use dewar::{Session, SessionLayer, ValueError, store::MemoryStore};
//!
//! async fn index(session: Session) -> Result<String, ValueError> {
//!     Ok(format!("Visit count: {}", session.incr("visits", 1)?))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let key = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG";
//! let sessions = SessionLayer::server(key, MemoryStore::new()).build()?;
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
//! # What is promised
//!
//! | | on the server | in a signed cookie |
//! |---|---|---|
//! | overlapping requests that change different keys | all land | the last response wins |
//! | counters kept with [`incr`](Session::incr), lists kept with [`push`](Session::push) | add up | the last response wins |
//! | a logout | final, whatever is in flight | ends the browser's copy alone |
//! | a new identity with [`regenerate`](Session::regenerate) | nothing lost, the old id dead | – |
//! | the contents | nobody sees them | everybody with the cookie can read them |
//! | room | 64 KiB, or as configured | about 4 KB |
//!
//! A session becomes a user's with [`Session::bind_user`]; [`UserSessions`] shows him where he is
//! logged in and ends it, on one device or on all.
//!
//! When the store does not answer, requests that use the session get 503 and all others go on; see
//! [`OnOutage`] for what else a route may do.
//!
//! A plain `get` and `set` of one key stays what it is: of two that overlap, the later commit wins,
//! and [`Event::Overwrote`] names the key. Write your own store with [`store`].

// Values, and what is decided over values alone.
mod clock;
pub mod cookie;
mod delta;
mod error;
mod id;
mod lifetime;
mod outage;
mod plan;
mod sync;
mod user;
mod vary;
mod verdict;
mod weak_keys;
// Configuration.
mod backend;
mod breaker;
mod calls;
mod config;
mod ending;
mod event;
mod keys;
mod queue;
mod write_ids;
// Contract.
pub mod store;
// Rooms.
mod commit;
mod contents;
mod open;
mod respond;
mod rotation;
mod slot;
mod users;
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
pub use event::{EndedBy, Event, Snapshot};
#[cfg(feature = "axum")]
pub use extract::SessionRejection;
pub use flash::Flash;
pub use id::{OsRandom, Random, StoreKey};
pub use keys::{development_key, key_from_env, random_bytes};
pub use layer::SessionLayer;
pub use outage::{OnOutage, OnOutageService};
pub use plan::Plan;
pub use service::{SessionFuture, SessionService};
pub use session::{Binding, Regeneration, Session};
pub use typed::Typed;
pub use user::WhenFull;
pub use users::{Exported, UserSession, UserSessions};
pub use verdict::Verdict;
pub use weak_keys::WeakKey;
