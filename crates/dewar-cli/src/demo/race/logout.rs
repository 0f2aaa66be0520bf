//! A logout against one request in flight, in any order.

use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::anyhow;

use super::{
    chance::Chance,
    client::{Answer, Client},
    overlap::{is_dead, login, overlapped, refused, until_overlapping},
    site::Site,
    tally::Tally,
};

/// Whom the logout meets.
const OTHERS: [(&str, &str); 5] = [
    ("logout against a write", "/set?k=z&"),
    ("logout against an increment", "/incr?k=n&"),
    ("logout against a push", "/push?k=log&v=x&"),
    ("logout against a read", "/read?"),
    ("logout against a rotation", "/rotate?"),
];

/// How many races run beside each other: each is mostly waiting.
const LANES: u64 = 6;

/// Of so many races some come in each order, or chance plays no part.
const ENOUGH: u64 = 40;

/// Runs as many races, spread over the five kinds, each in an order of its own chance.
pub(super) fn run(site: &Site, races: u64, seed: u64) -> anyhow::Result<Vec<Tally>> {
    let tallies = Mutex::new(OTHERS.map(|(what, _)| Tally::of(what)));
    let lanes = thread::scope(|scope| {
        let lanes = (0..LANES).map(|lane| {
            let tallies = &tallies;
            thread::Builder::new().spawn_scoped(scope, move || {
                for race in (lane..races).step_by(LANES as usize) {
                    let kind = race as usize % OTHERS.len();
                    // Each race has a seed of its own: its order does not hang on the others.
                    let found = one(site, OTHERS[kind], seed.wrapping_add(race))?;
                    tallies.lock().unwrap_or_else(PoisonError::into_inner)[kind].add(found);
                }
                anyhow::Ok(())
            })
        });
        let lanes: Vec<_> = lanes.collect();
        let ended = lanes.into_iter().map(|lane| match lane?.join() {
            Ok(ended) => ended,
            Err(_) => Err(anyhow!("a race ended without an answer")),
        });
        ended.collect::<anyhow::Result<Vec<()>>>()
    });
    lanes?;
    let mut tallies = tallies.into_inner().unwrap_or_else(PoisonError::into_inner);
    for tally in &mut tallies {
        let is_one_order = tally.logout_first == 0 || tally.logout_first == tally.tried;
        if is_one_order && tally.tried >= ENOUGH {
            tally.unproven += 1;
            tally.say("all races came in one order");
        }
    }
    Ok(tallies.into())
}

fn one(site: &Site, (what, other): (&'static str, &str), seed: u64) -> anyhow::Result<Tally> {
    let (mut chance, mut tally) = (Chance::new(seed), Tally::of(what));
    let found = until_overlapping(10, |ms| {
        let cookie = login(site)?;
        let mut request = |page: &str| {
            let client = Client::new(site.port(chance.process()))?;
            let delay = Duration::from_millis(chance.below(5));
            anyhow::Ok((client, delay, format!("{page}ms={}", ms + chance.below(10))))
        };
        let (other, logout) = (request(other)?, request("/logout?")?);
        let ask = |(mut client, delay, path): (Client, Duration, String)| {
            thread::sleep(delay);
            client.get(&path, &cookie)
        };
        let (other, logout) = beside(|| ask(other), || ask(logout))?;
        Ok(overlapped([&other, &logout]).then_some((cookie, other, logout)))
    })?;
    let Some((cookie, other, logout)) = found else {
        tally.unproven();
        return Ok(tally);
    };
    tally.tried = 1;
    let worked = |answer: &Answer| answer.times.map(|(_, worked)| worked);
    tally.logout_first = u64::from(worked(&logout) < worked(&other));
    if let Some(refused) = [&other, &logout].into_iter().find_map(refused) {
        tally.say(&refused);
        tally.lost = 1;
    } else if !is_dead(site, &cookie)? {
        tally.say("the cookie of the login opens something");
        tally.revived = 1;
    // Whatever the other one was sent opens nothing either.
    } else if !other.cookie.map_or(Ok(true), |cookie| is_dead(site, &cookie))? {
        tally.say("a new cookie of the other request opens something");
        tally.revived = 1;
    } else {
        tally.kept = 1;
    }
    Ok(tally)
}

/// Asks for both at once.
pub(super) fn beside(
    one: impl FnOnce() -> anyhow::Result<Answer> + Send,
    other: impl FnOnce() -> anyhow::Result<Answer>,
) -> anyhow::Result<(Answer, Answer)> {
    thread::scope(|scope| {
        let one = thread::Builder::new().spawn_scoped(scope, one)?;
        let other = other();
        let one = one.join().map_err(|_| anyhow!("a request ended without an answer"))?;
        Ok((one?, other?))
    })
}
