//! A logout while a page of the same browser is under way.

use std::{io, net::SocketAddr, time::Duration};

use super::{Figures, overtook, refused, waiting};
use crate::browser::Browser;

/// That page writes.
pub(super) fn writer(server: SocketAddr, wait: Duration) -> io::Result<Option<Figures>> {
    meets("/set?k=z&", server, wait)
}

/// That page reads.
pub(super) fn reader(server: SocketAddr, wait: Duration) -> io::Result<Option<Figures>> {
    meets("/read?", server, wait)
}

fn meets(page: &str, server: SocketAddr, wait: Duration) -> io::Result<Option<Figures>> {
    let mut browser = Browser::logged_in(server)?;
    let old = browser.cookies();
    let (slow, logout) = browser.overtake(&waiting(page, wait), wait / 4, "/logout")?;
    if !overtook(&slow, &logout) {
        return Ok(None);
    }
    // A copy of the jar first: it changes nothing of what the browser would find.
    let revived = u64::from(browser.dump_with(&old)?.contains_key("user"));
    let back = u64::from(browser.dump()?.contains_key("user"));
    Ok(Some(vec![("revived", revived), ("back", back), ("refused", refused([&slow, &logout]))]))
}
