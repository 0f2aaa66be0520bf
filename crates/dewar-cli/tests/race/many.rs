//! Two hundred requests of one visitor at once.

use std::{
    sync::{Barrier, mpsc},
    thread,
};

use serde_json::{Value as Json, json};

use super::{
    Found, all_served,
    client::{Answer, Client},
    dump, login, overlapped,
    site::Site,
    until_overlapping,
};

/// How many.
const MANY: usize = 200;
/// How long each first waits with its session open. A machine that needs longer to take them all in
/// gets twice the time, and twice again.
const FIRST_MS: u64 = 400;

/// What is asked, and what must be there afterwards.
pub(crate) struct Many {
    path: fn(usize, u64) -> String,
    missing: fn(&Json) -> Option<String>,
}

/// Each sets a key of its own.
pub(crate) const SET: Many = Many {
    path: |i, ms| format!("/set?k=k{i}&ms={ms}"),
    missing: |dump| {
        let kept = (0..MANY).filter(|i| dump[format!("k{i}")] == 1).count();
        (kept != MANY).then(|| format!("{kept} of {MANY} keys are left"))
    },
};

/// Each adds 1 to one counter.
pub(crate) const INCR: Many = Many {
    path: |_, ms| format!("/incr?k=n&ms={ms}"),
    missing: |dump| (dump["n"] != MANY).then(|| format!("{MANY} increments make {}", dump["n"])),
};

/// Each appends an element of its own to one list.
pub(crate) const PUSH: Many = Many {
    path: |i, ms| format!("/push?k=log&v=v{i}&ms={ms}"),
    missing: |dump| {
        let kept = |i: &usize| {
            dump["log"].as_array().is_some_and(|log| log.contains(&json!(format!("v{i}"))))
        };
        let kept = (0..MANY).filter(kept).count();
        let length = dump["log"].as_array().map_or(0, Vec::len);
        (kept != MANY || length != MANY)
            .then(|| format!("{kept} of {MANY} elements are left in {length}"))
    },
};

/// Runs it.
pub(crate) fn all_land(site: &Site, many: &Many) -> Found {
    until_overlapping(FIRST_MS, |ms| {
        let cookie = login(site);
        let paths: Vec<_> = (0..MANY).map(|i| (many.path)(i, ms)).collect();
        let answers = at_once(site, &cookie, &paths);
        if let Err(lost) = all_served(&answers) {
            return Some(Err(lost));
        }
        overlapped(&answers).then(|| {
            let dump = dump(site, &cookie)?;
            if dump["user"] != "ada" {
                return Err(format!("the login is gone: {dump}"));
            }
            (many.missing)(&dump).map_or(Ok(()), Err)
        })
    })
}

/// A reader that is slower than twenty writers clobbers nothing.
pub(crate) fn slow_reader(site: &Site) -> Found {
    const WRITERS: usize = 20;
    until_overlapping(100, |ms| {
        let cookie = login(site);
        let mut paths = vec![format!("/read?ms={}", 4 * ms)];
        paths.extend((0..WRITERS).map(|i| format!("/set?k=k{i}&ms={ms}")));
        let answers = at_once(site, &cookie, &paths);
        if let Err(lost) = all_served(&answers) {
            return Some(Err(lost));
        }
        // All writers were answered before the reader had done its work.
        let (_, reader_worked) = answers[0].times?;
        let is_slow = answers[1..].iter().all(|answer| answer.received < reader_worked);
        (is_slow && overlapped(&answers)).then(|| {
            let dump = dump(site, &cookie)?;
            let kept = (0..WRITERS).filter(|i| dump[format!("k{i}")] == 1).count();
            if kept == WRITERS { Ok(()) } else { Err(format!("{kept} of {WRITERS} keys are left")) }
        })
    })
}

/// Asks for all of them at once, each on a connection of its own that is open already, spread over
/// the processes of the site.
pub(crate) fn at_once(site: &Site, cookie: &str, paths: &[String]) -> Vec<Answer> {
    let start = Barrier::new(paths.len());
    let (send, answers) = mpsc::channel();
    thread::scope(|scope| {
        for (i, path) in paths.iter().enumerate() {
            let (send, start) = (send.clone(), &start);
            let mut client = Client::new(site.port(i));
            scope.spawn(move || {
                start.wait();
                send.send((i, client.get(path, cookie))).expect("somebody waits");
            });
        }
    });
    drop(send);
    let mut answers: Vec<_> = answers.into_iter().collect();
    answers.sort_by_key(|(i, _)| *i);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
