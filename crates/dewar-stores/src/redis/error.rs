//! Why a store cannot be opened.

use std::error::Error;

/// Why a Redis cannot be a store. It never shows a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is none that Redis is named by. It is not shown, it may hold a password.
    #[error(
        "the URL names no Redis; write redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss://… for TLS"
    )]
    Url,
    /// Options contradict each other, or one is out of its range.
    #[error("{option} cannot be {value}: {rule}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What it was set to.
        value: String,
        /// What it must be, and what to do.
        rule: &'static str,
    },
    /// It does not answer, or refuses the user.
    #[error("cannot connect to Redis")]
    Unreachable {
        /// What the driver says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A strict store needs a master that stops when it is cut off.
    #[error(
        "{node} has min-replicas-to-write {found}, and a strict store needs at least 1, so that a \
         master that is cut off refuses to write; set min-replicas-to-write in its configuration"
    )]
    MinReplicas {
        /// The node.
        node: String,
        /// What it is set to.
        found: String,
    },
}
