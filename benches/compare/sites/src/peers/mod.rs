//! The pages with dewar's peers, each as its own documents show it.

pub(crate) mod actix;
pub(crate) mod axum_extra;
pub(crate) mod axum_session;
pub(crate) mod tower_sessions;
