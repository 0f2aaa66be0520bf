//! A rotation that gives a role, while a page with the old id is under way that writes.

use std::{io, net::SocketAddr, time::Duration};

use super::{Figures, overtook, refused, waiting};
use crate::browser::Browser;

pub(super) fn run(server: SocketAddr, wait: Duration) -> io::Result<Option<Figures>> {
    let mut browser = Browser::logged_in(server)?;
    let old = browser.cookies();
    let (writer, rotation) = browser.overtake(&waiting("/set?k=z&", wait), wait / 4, "/rotate")?;
    if !overtook(&writer, &rotation) {
        return Ok(None);
    }
    let dead = !browser.dump_with(&old)?.contains_key("user");
    let dump = browser.dump()?;
    let (write, role) = (dump.contains_key("z"), dump.contains_key("role"));
    Ok(Some(vec![
        ("write_kept", u64::from(write)),
        ("role_kept", u64::from(role)),
        ("old_id_dead", u64::from(dead)),
        ("all", u64::from(write && role && dead)),
        ("refused", refused([&writer, &rotation])),
    ]))
}
