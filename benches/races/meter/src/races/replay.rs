//! Somebody has a copy of the cookie, and the visitor logs out: no race at all.

use std::{io, net::SocketAddr, time::Duration};

use super::Figures;
use crate::browser::Browser;

pub(super) fn run(server: SocketAddr, _: Duration) -> io::Result<Option<Figures>> {
    let mut browser = Browser::logged_in(server)?;
    let old = browser.cookies();
    if !browser.dump()?.contains_key("user") {
        return Err(io::Error::other("a browser that has logged in is not"));
    }
    browser.get("/logout")?;
    let opens = u64::from(browser.dump_with(&old)?.contains_key("user"));
    Ok(Some(vec![("opens", opens)]))
}
