//! The store ends after a login: what three pages then answer, and after how long.

use std::{
    io::{
        self,
        ErrorKind::{TimedOut, WouldBlock},
    },
    net::SocketAddr,
};

use crate::{browser::Browser, races::Figures, redis::Redis};

/// The pages: one that leaves the session alone, one that reads, one that writes.
pub(crate) const PAGES: [(&str, &str); 3] =
    [("plain", "/plain"), ("read", "/read"), ("write", "/set?k=z")];

/// The status of a page that never answered.
pub(crate) const NONE: u64 = 0;

/// Ends the store and asks for each page; the name of each, and its figures.
pub(crate) fn run(server: SocketAddr, store: Redis) -> io::Result<Vec<(&'static str, Figures)>> {
    let mut browser = Browser::logged_in(server)?;
    if !browser.dump()?.contains_key("user") {
        return Err(io::Error::other("a browser that has logged in is not"));
    }
    drop(store);
    let mut found = Vec::new();
    for (name, path) in PAGES {
        let answer = match browser.get(path) {
            Ok(answer) => answer,
            // A read that was waited for long enough has one of these two names.
            Err(error) if matches!(error.kind(), WouldBlock | TimedOut) => {
                found.push((name, vec![("status", NONE), ("ms", 0), ("empty", 0)]));
                continue;
            }
            Err(error) => return Err(error),
        };
        let ms = u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX);
        // Whoever answers that nothing is in the session shows a visitor who is logged out.
        let empty = u64::from(answer.body.starts_with("0 keys"));
        found
            .push((name, vec![("status", u64::from(answer.status)), ("ms", ms), ("empty", empty)]));
    }
    Ok(found)
}
