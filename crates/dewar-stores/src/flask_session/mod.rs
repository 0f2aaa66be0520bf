//! Live sessions shared with Flask-Session 0.8: its records, its keys, its cookie.

mod codec;

pub use codec::{Contents, Format, Unreadable, Unwritable, write};
