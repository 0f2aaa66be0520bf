//! Twenty requests of one browser at once, each of which sets a key of its own.

use std::{io, net::SocketAddr, time::Duration};

use super::{Figures, overlapped, refused, waiting};
use crate::browser::Browser;

/// How many.
pub(crate) const MANY: usize = 20;

pub(super) fn run(server: SocketAddr, wait: Duration) -> io::Result<Option<Figures>> {
    let mut browser = Browser::logged_in(server)?;
    let paths: Vec<_> = (0..MANY).map(|i| waiting(&format!("/set?k=k{i}&"), wait)).collect();
    let answers = browser.at_once(&paths)?;
    if !overlapped(&answers) {
        return Ok(None);
    }
    let dump = browser.dump()?;
    let kept = (0..MANY).filter(|i| dump.contains_key(&format!("k{i}"))).count() as u64;
    Ok(Some(vec![("kept", kept), ("refused", refused(&answers))]))
}
