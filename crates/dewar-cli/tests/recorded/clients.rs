//! Clients that ask several processes at random, and write down what they are told.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use super::{Event, Op};
use crate::demo::Demo;

/// So many ask each process at the same time.
const CLIENTS: usize = 4;
/// So many sessions are in use at the same time: few, so that their requests overlap.
const IN_USE: usize = 3;

/// xorshift64*: enough chance to choose with.
#[derive(Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }
}

/// The cookie of a visitor, whose browsers all use the newest.
#[derive(Default)]
struct Jar {
    token: String,
    /// A logout was sent: whatever is set from now on may be the cookie of another session.
    ending: bool,
}

/// The clients of one history.
pub(crate) struct Clients<'a> {
    demos: &'a [Demo],
    begun: Instant,
    jars: Vec<Mutex<Jar>>,
    history: Mutex<Vec<Event>>,
    next: AtomicUsize,
    requests: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks for so many pages; gives all that was asked and answered.
pub(crate) fn history(demos: &[Demo], sessions: usize, requests: usize, seed: u64) -> Vec<Event> {
    let clients = Clients {
        demos,
        begun: Instant::now(),
        jars: (0..sessions).map(|_| Mutex::default()).collect(),
        history: Mutex::default(),
        next: AtomicUsize::new(0),
        requests,
    };
    for session in 0..sessions {
        let login = clients.ask(session % demos.len(), session, Op::Login, 0);
        lock(&clients.jars[session]).token = login.new_token().expect("a cookie").to_owned();
        // From now on it counts higher, and whoever hears 1 did not open it.
        let first = demos[0].get("/incr?k=n", login.new_token().expect("a cookie"));
        assert!(first.ends_with("\r\n1\n"), "{first}");
    }
    thread::scope(|scope| {
        for client in 0..demos.len() * CLIENTS {
            let clients = &clients;
            let seed = seed.wrapping_mul(1000).wrapping_add(client as u64);
            let chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            scope.spawn(move || clients.work(client % clients.demos.len(), chance));
        }
    });
    clients.dump_all();
    clients.history.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Clients<'_> {
    fn work(&self, process: usize, mut chance: Chance) {
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            if number >= self.requests {
                return;
            }
            let first = number * (self.jars.len() + 1 - IN_USE) / self.requests;
            let session = first + chance.below(IN_USE);
            let op = match chance.below(99) {
                _ if number % 90 == 60 => Op::Logout,
                0..30 => Op::Incr,
                30..52 => Op::Push(format!("p{number}")),
                52..74 => Op::Set(format!("s{number}")),
                74..88 => Op::Dump,
                88..93 => Op::Read,
                _ => Op::Rotate,
            };
            self.ask(process, session, op, chance.below(15));
        }
    }

    fn ask(&self, process: usize, session: usize, op: Op, ms: usize) -> Event {
        let token = {
            let mut jar = lock(&self.jars[session]);
            jar.ending |= op == Op::Logout;
            jar.token.clone()
        };
        let event = self.send(process, session, op, token, ms);
        if let (Op::Rotate, Some(token)) = (&event.op, event.new_token()) {
            let mut jar = lock(&self.jars[session]);
            if !jar.ending {
                token.clone_into(&mut jar.token);
            }
        }
        event
    }

    fn send(&self, process: usize, session: usize, op: Op, token: String, ms: usize) -> Event {
        let path = match &op {
            Op::Login => "/login".to_owned(),
            Op::Set(key) => format!("/set?k={key}&ms={ms}"),
            Op::Incr => format!("/incr?k=n&ms={ms}"),
            Op::Push(text) => format!("/push?k=log&v={text}&ms={ms}"),
            Op::Read => format!("/read?ms={ms}"),
            Op::Rotate => format!("/rotate?ms={ms}"),
            Op::Logout => format!("/logout?ms={ms}"),
            Op::Dump => "/dump".to_owned(),
        };
        let from = self.begun.elapsed().as_nanos();
        let answer = self.demos[process].get(&path, &token);
        let to = self.begun.elapsed().as_nanos();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).map(|line| {
            let pair = line.split(';').next().unwrap_or_default();
            if line.contains("Max-Age=0") { String::new() } else { pair.to_owned() }
        });
        let (status, body) = (status.expect("a status"), body.to_owned());
        let event = Event { session, process, op, token, from, to, status, cookie, body };
        lock(&self.history).push(event.clone());
        event
    }

    /// What every cookie finds that was ever set, on each process in turn.
    fn dump_all(&self) {
        let history = lock(&self.history).clone();
        for (i, event) in history.iter().enumerate() {
            if let Some(token) = event.new_token() {
                let process = i % self.demos.len();
                self.send(process, event.session, Op::Dump, token.to_owned(), 0);
            }
        }
    }
}
