//! Rooms 1 and 6: what a browser sends, and what it is told to keep.
//!
//! ```text
//! Cookie: theme=dark; session=eyJ…        Set-Cookie: session=eyJ…; HttpOnly; Path=/
//!         └ values() ─┴──────▶ token              token ──▶ CookieAttributes::set() ┘
//! ```
//!
//! 1. [`values`] reads every `Cookie` line of a request as one list and yields the values of one
//!    name, borrowed, in wire order. [`pairs`] yields everything of one line.
//! 2. [`CookieAttributes`] holds the constant part of the cookie that is written: name and
//!    attributes, checked once against each other when the configuration is built.
//! 3. [`SetCookie`] adds the part that changes, value and expiry, and writes one header.
//!
//! # Security
//! Names are compared byte for byte. A parser that decodes or trims more than that lets a sibling
//! subdomain plant a `__Host-` cookie (CVE-2020-8184, CVE-2026-39410), and one that gives up at the
//! first odd byte lets it log a visitor out for good.

mod attributes;
mod config_error;
mod header;
mod lines;
mod prefix;
mod scope;
mod set_cookie;

pub use attributes::{CookieAttributes, CookieAttributesBuilder, SameSite};
pub use config_error::CookieConfigError;
pub use header::{Grammar, MAX_HEADER_BYTES, MAX_PAIRS, Pairs, Values, pairs, values};
pub(crate) use lines::CookieLines;
pub use set_cookie::SetCookie;
pub(crate) use set_cookie::replace_set_cookie;
