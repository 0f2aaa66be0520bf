//! A browser's part of HTTP/1.1: one connection, one request at a time.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long an answer is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Client(BufReader<TcpStream>);

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// As they were sent.
    pub(crate) set_cookies: Vec<String>,
    /// When the session was open and when the page began to change it, in Unix microseconds.
    pub(crate) times: Option<(u64, u64)>,
    pub(crate) body: String,
    /// When all of it was here, in Unix microseconds.
    pub(crate) received: u64,
    pub(crate) took: Duration,
}

impl Client {
    pub(crate) fn connect(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks for a page, with these cookies if there are any.
    pub(crate) fn get(&mut self, path: &str, cookies: &str) -> io::Result<Answer> {
        let begun = Instant::now();
        let cookies =
            if cookies.is_empty() { String::new() } else { format!("Cookie: {cookies}\r\n") };
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookies}\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        let head = self.head()?;
        let all = |name: &str| -> Vec<&str> {
            let values = head.iter().filter_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then_some(value.trim())
            });
            values.collect()
        };
        let number = |name: &str| all(name).first().and_then(|value| value.parse::<u64>().ok());
        if !all("transfer-encoding").is_empty() {
            return Err(wrong("a body in chunks, which no page here needs"));
        }
        let mut body = vec![0; usize::try_from(number("content-length").unwrap_or(0)).unwrap_or(0)];
        self.0.read_exact(&mut body)?;
        let status = head[0].split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok(Answer {
            status: status.ok_or_else(|| wrong("no status"))?,
            set_cookies: all("set-cookie").into_iter().map(str::to_owned).collect(),
            times: number("opened").zip(number("worked")),
            body: String::from_utf8_lossy(&body).into_owned(),
            received: unix_micros(),
            took: begun.elapsed(),
        })
    }

    /// The lines of the head; there is at least one.
    fn head(&mut self) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" if lines.is_empty() => return Err(wrong("no status line")),
                "" => return Ok(lines),
                line => lines.push(line.to_owned()),
            }
        }
    }
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The clock that all processes of this machine share.
fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
