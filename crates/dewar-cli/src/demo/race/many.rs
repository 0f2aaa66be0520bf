//! Two hundred requests of one visitor at once.

use std::{
    sync::{RwLock, mpsc},
    thread,
};

use dewar::{Dict, Value};

use super::{
    client::{Answer, Client},
    overlap::{dump, login, overlapped, refused, until_overlapping},
    site::Site,
    tally::Tally,
};

/// How many.
const MANY: usize = 200;
/// How many write while one reads.
const WRITERS: usize = 20;
/// How long each first waits with its session open.
const FIRST_MS: u64 = 400;

/// What is asked, and how much of it is there afterwards.
pub(super) struct Many {
    what: &'static str,
    path: fn(usize, u64) -> String,
    kept: fn(&Dict) -> usize,
}

pub(super) const ALL: [Many; 3] = [
    Many {
        what: "200 writes of distinct keys",
        path: |i, ms| format!("/set?k=k{i}&ms={ms}"),
        kept: |dump| keys(dump, MANY),
    },
    Many {
        what: "200 increments of one counter",
        path: |_, ms| format!("/incr?k=n&ms={ms}"),
        kept: |dump| {
            match dump.get("n") {
                // More than were asked for is as wrong as less.
                Some(Value::Int(sum)) => usize::try_from(*sum).ok().filter(|sum| *sum <= MANY),
                _ => None,
            }
            .unwrap_or(0)
        },
    },
    Many {
        what: "200 pushes to one list",
        path: |i, ms| format!("/push?k=log&v=v{i}&ms={ms}"),
        kept: |dump| match dump.get("log") {
            Some(Value::List(log)) if log.len() <= MANY => {
                (0..MANY).filter(|i| log.contains(&Value::from(format!("v{i}")))).count()
            }
            _ => 0,
        },
    },
];

/// How many of the keys `k0`, `k1`, … are there.
fn keys(dump: &Dict, number: usize) -> usize {
    (0..number).filter(|i| dump.get(&format!("k{i}")) == Some(&Value::Int(1))).count()
}

impl Many {
    pub(super) fn run(&self, site: &Site, rounds: u64) -> anyhow::Result<Tally> {
        let mut tally = Tally::of(self.what);
        for _ in 0..rounds {
            let found = until_overlapping(FIRST_MS, |ms| {
                let cookie = login(site)?;
                let paths: Vec<_> = (0..MANY).map(|i| (self.path)(i, ms)).collect();
                let answers = at_once(site, &cookie, &paths)?;
                Ok(overlapped(&answers).then_some((cookie, answers)))
            })?;
            match found {
                Some((cookie, answers)) => {
                    count(&mut tally, site, &cookie, &answers, MANY, self.kept)?;
                }
                None => tally.unproven(),
            }
        }
        Ok(tally)
    }
}

/// A reader that is slower than twenty writers clobbers nothing.
pub(super) fn slow_reader(site: &Site, rounds: u64) -> anyhow::Result<Tally> {
    let mut tally = Tally::of("20 writes during a slow read");
    for _ in 0..rounds {
        let found = until_overlapping(100, |ms| {
            let cookie = login(site)?;
            let mut paths = vec![format!("/read?ms={}", 4 * ms)];
            paths.extend((0..WRITERS).map(|i| format!("/set?k=k{i}&ms={ms}")));
            let answers = at_once(site, &cookie, &paths)?;
            // All writers were answered before the reader had done its work.
            let is_slow = answers[0].times.is_none_or(|(_, worked)| {
                answers[1..].iter().all(|answer| answer.received < worked)
            });
            Ok((is_slow && overlapped(&answers)).then_some((cookie, answers)))
        })?;
        match found {
            Some((cookie, answers)) => {
                count(&mut tally, site, &cookie, &answers, WRITERS, |dump| keys(dump, WRITERS))?;
            }
            None => tally.unproven(),
        }
    }
    Ok(tally)
}

/// Counts what is there of so many writes. A request that was answered with an error is a loss like
/// any other.
fn count(
    tally: &mut Tally,
    site: &Site,
    cookie: &str,
    answers: &[Answer],
    tried: usize,
    kept: impl Fn(&Dict) -> usize,
) -> anyhow::Result<()> {
    if let Some(refused) = answers.iter().find_map(refused) {
        tally.say(&refused);
    }
    let kept = match dump(site, cookie)? {
        Ok(dump) if dump.get("user") == Some(&"ada".into()) => kept(&dump),
        Ok(_) => {
            tally.say("the login is gone");
            0
        }
        Err(differ) => {
            tally.say(&differ);
            0
        }
    };
    if kept < tried {
        tally.say(&format!("{kept} of {tried} are left"));
    }
    tally.writes(kept as u64, tried as u64);
    Ok(())
}

/// Asks for all of them at once, each on a connection of its own that is open already, spread over
/// the processes of the site.
fn at_once(site: &Site, cookie: &str, paths: &[String]) -> anyhow::Result<Vec<Answer>> {
    let mut clients = Vec::new();
    for i in 0..paths.len() {
        clients.push(Client::new(site.port(i))?);
    }
    let start = RwLock::new(());
    let (send, answers) = mpsc::channel();
    let spawned = thread::scope(|scope| {
        // Nobody asks before this is dropped.
        let _closed = start.write();
        for (i, (mut client, path)) in clients.into_iter().zip(paths).enumerate() {
            let (send, start) = (send.clone(), &start);
            thread::Builder::new().spawn_scoped(scope, move || {
                drop(start.read());
                let _ = send.send((i, client.get(path, cookie)));
            })?;
        }
        std::io::Result::Ok(())
    });
    spawned?;
    drop(send);
    let mut answers: Vec<_> = answers.into_iter().collect();
    answers.sort_by_key(|(i, _)| *i);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
