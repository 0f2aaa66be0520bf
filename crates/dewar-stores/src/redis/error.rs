//! Why a store cannot be opened.

use std::error::Error;

/// What a user is to be allowed, beside the keys. `info` is for those who list sessions and sweep them.
const RIGHTS: &str = "+@read +@write +@scripting +@connection +wait +role +info +scan +time, with Cluster +cluster, and \
     for a strict store +config|get";

fn tls_cure(tls: bool) -> &'static str {
    if tls {
        "does the server speak TLS on this port? If not, write redis:// for rediss://"
    } else {
        "does the server speak TLS on this port? If so, write rediss:// for redis://"
    }
}

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
    /// It broke off, or said nothing that is understood, as happens where one side speaks TLS and the other
    /// does not.
    #[error("cannot connect to Redis; {}", tls_cure(*.tls))]
    PerhapsTls {
        /// Whether TLS was spoken to it.
        tls: bool,
        /// What the driver says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It wants a password, and none was given.
    #[error(
        "Redis asks for a password, and none was given; write redis://:PASSWORD@HOST or \
         redis://USER:PASSWORD@HOST"
    )]
    NoPassword {
        /// What Redis says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The user is known, and may not use the sessions' keys.
    #[error(
        "the user may not read the sessions' keys or run scripts on them; give it the keys of the \
         prefix (~dewar:*) and {RIGHTS}"
    )]
    NoRights {
        /// What Redis says.
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
