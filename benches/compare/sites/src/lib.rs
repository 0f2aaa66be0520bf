//! The same four pages with dewar, by hand, with its peers and without sessions.

pub mod inside;
mod ours;
mod peers;
pub mod shelf;
mod site;

pub use peers::actix::serve as serve_actix;
pub use site::{Site, UnknownName, site};
