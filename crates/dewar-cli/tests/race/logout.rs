//! A logout against one request in flight, in any order.

use std::{sync::Mutex, thread, time::Duration};

use super::{
    Chance, Found, all_served, client::Client, dead, login, overlapped, site::Site,
    until_overlapping,
};

/// Whom the logout meets: a writer, a counter, a pusher, a reader, a rotation.
const OTHERS: [&str; 5] = ["/set?k=z&", "/incr?k=n&", "/push?k=log&v=x&", "/read?", "/rotate?"];

/// How many races run beside each other: each is mostly waiting.
const LANES: u64 = 6;

/// What the races of one kind came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// The logout was saved first.
    pub(crate) logout_first: u64,
    pub(crate) logout_last: u64,
    pub(crate) lost: u64,
}

/// What all came to.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) kinds: [Tally; OTHERS.len()],
    /// One line for each loss.
    pub(crate) losses: Vec<String>,
}

/// Runs as many races, spread over the five kinds, each in an order of its own chance.
pub(crate) fn races(site: &Site, number: u64, seed: u64) -> Tallies {
    let tallies = Mutex::new(Tallies::default());
    thread::scope(|scope| {
        for lane in 0..LANES {
            let tallies = &tallies;
            scope.spawn(move || {
                for race in (lane..number).step_by(LANES as usize) {
                    let kind = race as usize % OTHERS.len();
                    // Each race has a seed of its own: its order does not hang on the others.
                    let (logout_first, found) = one(site, OTHERS[kind], seed.wrapping_add(race));
                    let mut tallies = tallies.lock().expect("no panic");
                    let tally = &mut tallies.kinds[kind];
                    if logout_first {
                        tally.logout_first += 1
                    } else {
                        tally.logout_last += 1
                    }
                    if let Err(lost) = found {
                        tally.lost += 1;
                        tallies.losses.push(format!("race {race}, {}: {lost}", OTHERS[kind]));
                    }
                }
            });
        }
    });
    tallies.into_inner().expect("no panic")
}

/// Whether the logout was the first to be saved, and what was found.
fn one(site: &Site, other: &str, seed: u64) -> (bool, Found) {
    let mut chance = Chance::new(seed);
    let mut logout_first = false;
    let found = until_overlapping(10, |ms| {
        let cookie = login(site);
        let mut request = |page: &str| {
            let client = Client::new(site.port(chance.below(3) as usize));
            let delay = Duration::from_millis(chance.below(5));
            (client, delay, format!("{page}ms={}", ms + chance.below(10)))
        };
        let (other, logout) = (request(other), request("/logout?"));
        let ask = |(mut client, delay, path): (Client, Duration, String)| {
            thread::sleep(delay);
            client.get(&path, &cookie)
        };
        let (other, logout) = thread::scope(|scope| {
            let other = scope.spawn(|| ask(other));
            let logout = ask(logout);
            (other.join().expect("no panic"), logout)
        });
        if let Err(lost) = all_served([&other, &logout]) {
            return Some(Err(lost));
        }
        logout_first = logout.times?.1 < other.times?.1;
        overlapped([&other, &logout]).then(|| {
            dead(site, &cookie, "the cookie of the login")?;
            // Whatever the other one was sent opens nothing either.
            other.cookie.map_or(Ok(()), |cookie| dead(site, &cookie, "the other's new cookie"))
        })
    });
    (logout_first, found)
}
