//! A browser's part of HTTP/1.1: one connection that is kept, one request at a time.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use dewar_examples::race::{OPENED, WORKED};

/// Longer than any deadline of the server: a request without an answer is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than any page of the race has.
const LARGEST: u64 = 1 << 20;

/// One connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

/// What was answered.
pub(super) struct Answer {
    pub(super) status: u16,
    /// `name=value` of the cookie that was set.
    pub(super) cookie: Option<String>,
    /// When the session was open and when the handler was done, in Unix microseconds.
    pub(super) times: Option<(u64, u64)>,
    pub(super) body: String,
    /// When all of it was here, in Unix microseconds.
    pub(super) received: u64,
}

impl Client {
    pub(super) fn new(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .with_context(|| format!("nobody listens on port {port}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Asks for a page.
    pub(super) fn get(&mut self, path: &str, cookie: &str) -> anyhow::Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let head = self.head()?;
        let header = |name: &str| {
            head.iter().find_map(|line| {
                let (found, value) = line.split_once(": ")?;
                found.eq_ignore_ascii_case(name).then_some(value)
            })
        };
        let number = |name| header(name).and_then(|value| value.parse::<u64>().ok());
        let length = number("content-length").unwrap_or(0);
        ensure!(length <= LARGEST, "{path} answers with {length} bytes");
        let mut body = vec![0; usize::try_from(length)?];
        self.stream.read_exact(&mut body)?;
        let received = unix_micros();
        let status = head.first().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let cookie = |line: &str| line.split(';').next().unwrap_or_default().to_owned();
        Ok(Answer {
            status: status.with_context(|| format!("{path} is not answered in HTTP"))?,
            cookie: header("set-cookie").map(cookie),
            times: number(OPENED).zip(number(WORKED)),
            body: String::from_utf8_lossy(&body).into_owned(),
            received,
        })
    }

    /// The lines of the head.
    fn head(&mut self) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            ensure!(self.stream.read_line(&mut line)? > 0, "the connection was cut");
            let line = line.trim_end();
            if line.is_empty() {
                return Ok(lines);
            }
            lines.push(line.to_owned());
        }
    }
}

/// The clock that all processes of this machine share.
pub(super) fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
