//! A browser's part of HTTP/1.1: one connection that is kept, one request at a time.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use dewar_examples::race::{OPENED, WORKED};

/// Longer than any deadline of the server: a request without an answer is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `name=value` of the cookie that was set.
    pub(crate) cookie: Option<String>,
    pub(crate) retry_after: Option<String>,
    /// When the session was open and when the handler was done, in Unix microseconds.
    pub(crate) times: Option<(u64, u64)>,
    pub(crate) body: String,
    /// When all of it was here, in Unix microseconds.
    pub(crate) received: u64,
}

impl Client {
    /// Connects.
    pub(crate) fn new(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Self { stream: BufReader::new(stream) }
    }

    /// Asks for a page.
    pub(crate) fn get(&mut self, path: &str, cookie: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes()).expect("sent");
        let head = self.head();
        let header = |name: &str| {
            head.iter().find_map(|line| {
                let (found, value) = line.split_once(": ")?;
                found.eq_ignore_ascii_case(name).then_some(value)
            })
        };
        let number = |name| header(name).map(|value| value.parse().expect("a number"));
        let mut body = vec![0; number("content-length").unwrap_or(0) as usize];
        self.stream.read_exact(&mut body).expect("a body");
        let received = unix_micros();
        let cookie = |line: &str| line.split(';').next().unwrap_or_default().to_owned();
        Answer {
            status: head[0][9..12].parse().expect("a status"),
            cookie: header("set-cookie").map(cookie),
            retry_after: header("retry-after").map(str::to_owned),
            times: number(OPENED).zip(number(WORKED)),
            body: String::from_utf8(body).expect("text"),
            received,
        }
    }

    /// The lines of the head.
    fn head(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.stream.read_line(&mut line).expect("an answer"), 0, "cut off");
            let line = line.trim_end();
            if line.is_empty() {
                return lines;
            }
            lines.push(line.to_owned());
        }
    }
}

/// The clock that all processes of this machine share.
pub(crate) fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_micros()).expect("before the year 586524")
}
