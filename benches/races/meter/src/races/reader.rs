//! A page that only reads is slow; meanwhile another one writes.

use std::{io, net::SocketAddr, time::Duration};

use super::{Figures, overtook, refused, waiting};
use crate::browser::Browser;

pub(super) fn run(server: SocketAddr, wait: Duration) -> io::Result<Option<Figures>> {
    let mut browser = Browser::logged_in(server)?;
    let slow = waiting("/read?", wait);
    let (reader, writer) = browser.overtake(&slow, wait / 4, "/set?k=z")?;
    if !overtook(&reader, &writer) {
        return Ok(None);
    }
    let lost = u64::from(!browser.dump()?.contains_key("z"));
    Ok(Some(vec![("lost", lost), ("refused", refused([&reader, &writer]))]))
}
