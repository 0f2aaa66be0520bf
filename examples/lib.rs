//! The programs of the tutorials, on plain axum and dewar.
//!
//! Each is one file that runs: `cargo run -p dewar-examples --example visits`, with a key in
//! `SECRET_KEY`. They are modules here too, so that `dewar demo` and the tests serve the very same
//! code.
//!
//! | program | shows | of the session |
//! |---|---|---|
//! | [`count`] | a number that grows with every visit | `incr` |
//! | [`visits`] | the same, and a new beginning without the cookie | `incr` |
//! | [`username`] | a value set, read and deleted | `set`, `get`, `remove` |
//! | [`login`] | a form, a login and a logout | `regenerate`, `set`, `remove` |
//! | [`stocks`] | a form, templates and a redirect | `set`, the session in a template |
//! | [`flash`] | a message for the next page, shown once | `flash`, `flashed_messages` |
//! | [`race`] | pages that overlap, and lose nothing | `incr`, `push`, `regenerate`, `destroy` |
//! | [`devices`] | a user's sessions, listed and ended | `bind_user`, `UserSessions` |
//! | [`outage`] | pages while the store gives no answer | `OnOutage` for each route |
//! | [`custom_store`] | a store of one's own | the `Store` behind it |
//!
//! Beside them stands what Flask gives a program and axum does not: [`escape`], [`failure`],
//! [`mount`], [`redirect`] and [`templates`].

// A program names this library as its own reader would; as a module it then means itself.
extern crate self as dewar_examples;

/// The program of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

pub mod escape;
pub mod failure;
pub mod mount;
pub mod redirect;
pub mod templates;

/// Declares the programs: the `main` of each belongs to the example of that name.
macro_rules! programs {
    ($($name:ident = $path:literal;)+) => {$(
        #[expect(dead_code, reason = "`main` is for the program alone")]
        #[path = $path]
        pub mod $name;
    )+};
}

programs! {
    count = "count.rs";
    custom_store = "custom_store.rs";
    devices = "devices.rs";
    flash = "flash.rs";
    login = "login.rs";
    outage = "outage.rs";
    race = "race.rs";
    stocks = "stocks.rs";
    username = "username.rs";
    visits = "visits.rs";
}
