//! A browser: a jar of cookies, and requests that may be under way at the same time.

use std::{
    io,
    net::SocketAddr,
    sync::Barrier,
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use compare_jar::Jar;
use serde_json::{Map, Value};

use crate::client::{Answer, Client};

/// A visitor with one jar.
pub(crate) struct Browser {
    server: SocketAddr,
    jar: Jar,
}

impl Browser {
    /// One that has just logged in.
    pub(crate) fn logged_in(server: SocketAddr) -> io::Result<Self> {
        let mut browser = Self { server, jar: Jar::default() };
        let answer = browser.get("/login")?;
        if answer.status != 200 || browser.jar.line().is_empty() {
            return Err(io::Error::other(format!(
                "the login is answered {}: {}",
                answer.status, answer.body
            )));
        }
        Ok(browser)
    }

    /// What it would send now.
    pub(crate) fn cookies(&self) -> String {
        self.jar.line().to_owned()
    }

    /// Asks for one page and keeps its cookies.
    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        let answer = Client::connect(self.server)?.get(path, self.jar.line())?;
        self.keep([&answer]);
        Ok(answer)
    }

    /// Asks for all of these at once, each on a connection that is open already, and keeps their
    /// cookies in the order in which they came.
    pub(crate) fn at_once(&mut self, paths: &[String]) -> io::Result<Vec<Answer>> {
        let mut clients = Vec::new();
        for _ in paths {
            clients.push(Client::connect(self.server)?);
        }
        let (start, cookies) = (Barrier::new(paths.len()), self.jar.line());
        let answers = thread::scope(|scope| {
            let ask = |(path, mut client): (&'_ String, Client)| {
                let (start, path) = (&start, path.clone());
                scope.spawn(move || {
                    start.wait();
                    client.get(&path, cookies)
                })
            };
            let asked: Vec<_> = paths.iter().zip(clients).map(ask).collect();
            asked.into_iter().map(end).collect::<io::Result<Vec<_>>>()
        })?;
        self.keep(&answers);
        Ok(answers)
    }

    /// Asks for `slow`, and a moment later for `quick`: both with the cookies of now. Keeps what they
    /// set in the order in which it came.
    pub(crate) fn overtake(
        &mut self,
        slow: &str,
        moment: Duration,
        quick: &str,
    ) -> io::Result<(Answer, Answer)> {
        let mut clients = (Client::connect(self.server)?, Client::connect(self.server)?);
        let cookies = self.jar.line();
        let (slow, quick) = thread::scope(|scope| {
            let slow = scope.spawn(|| clients.0.get(slow, cookies));
            thread::sleep(moment);
            let quick = clients.1.get(quick, cookies);
            (end(slow), quick)
        });
        let (slow, quick) = (slow?, quick?);
        self.keep([&slow, &quick]);
        Ok((slow, quick))
    }

    fn keep<'a>(&mut self, answers: impl IntoIterator<Item = &'a Answer>) {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.sort_by_key(|answer| answer.received);
        for set_cookie in answers.iter().flat_map(|answer| &answer.set_cookies) {
            self.jar.keep(set_cookie);
        }
    }

    /// What is in the session that the jar opens.
    pub(crate) fn dump(&self) -> io::Result<Map<String, Value>> {
        dump(self.server, self.jar.line())
    }

    /// What is in the session that these cookies open: those of another copy of the jar.
    pub(crate) fn dump_with(&self, cookies: &str) -> io::Result<Map<String, Value>> {
        dump(self.server, cookies)
    }
}

fn dump(server: SocketAddr, cookies: &str) -> io::Result<Map<String, Value>> {
    let answer = Client::connect(server)?.get("/dump", cookies)?;
    if answer.status != 200 {
        let Answer { status, body, .. } = answer;
        return Err(io::Error::other(format!("the session is shown with {status}: {body}")));
    }
    serde_json::from_str(&answer.body).map_err(io::Error::other)
}

fn end<T>(thread: ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
}
