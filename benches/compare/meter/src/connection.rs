//! One visitor over one connection: HTTP/1.1 as far as the comparison needs it.

use std::{io, net::SocketAddr};

use compare_jar::Jar;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A visitor of one server.
pub(crate) struct Visitor {
    server: SocketAddr,
    stream: Option<TcpStream>,
    jar: Jar,
    request: String,
    answer: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Visitor {
    pub(crate) fn new(server: SocketAddr) -> Self {
        Self {
            server,
            stream: None,
            jar: Jar::default(),
            request: String::new(),
            answer: Vec::new(),
        }
    }

    /// Asks for a page, and keeps the cookies that come with it.
    ///
    /// A connection that the server closed while it rested is opened anew, as a browser does.
    pub(crate) async fn get(&mut self, page: &str) -> io::Result<Answer<'_>> {
        self.write_request(page);
        let rested = self.stream.is_some();
        let mut exchanged = self.exchange().await;
        if rested && exchanged.as_ref().is_err_and(|_| self.answer.is_empty()) {
            self.stream = None;
            exchanged = self.exchange().await;
        }
        let head_bytes = match exchanged {
            Ok(head_bytes) => head_bytes,
            Err(error) => {
                self.stream = None;
                return Err(error);
            }
        };
        let head = Head::read(&self.answer[..head_bytes])?;
        head.set_cookies.iter().for_each(|set_cookie| self.jar.keep(set_cookie));
        if head.closes {
            self.stream = None;
        }
        Ok(Answer { status: head.status, body: &self.answer[head_bytes..] })
    }

    fn write_request(&mut self, page: &str) {
        self.request.clear();
        self.request += "GET ";
        self.request += page;
        self.request += " HTTP/1.1\r\nhost: localhost\r\n";
        if !self.jar.line().is_empty() {
            self.request += "cookie: ";
            self.request += self.jar.line();
            self.request += "\r\n";
        }
        self.request += "\r\n";
    }

    /// Sends the request and reads one whole answer; gives how long its head is.
    async fn exchange(&mut self) -> io::Result<usize> {
        self.answer.clear();
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.server).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut().expect("just opened");
        stream.write_all(self.request.as_bytes()).await?;
        let head_bytes = loop {
            if stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(at) = self.answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let whole = head_bytes + Head::read(&self.answer[..head_bytes])?.body_bytes;
        while self.answer.len() < whole {
            if stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(head_bytes)
    }
}

struct Head<'a> {
    status: u16,
    body_bytes: usize,
    closes: bool,
    set_cookies: Vec<&'a str>,
}

impl<'a> Head<'a> {
    fn read(bytes: &'a [u8]) -> io::Result<Self> {
        let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
        let text = str::from_utf8(bytes).map_err(|_| wrong("a head that is no UTF-8"))?;
        let (first, lines) = text.split_once("\r\n").ok_or_else(|| wrong("no status line"))?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut head = Self {
            status: status.ok_or_else(|| wrong("no status"))?,
            body_bytes: 0,
            closes: first.starts_with("HTTP/1.0"),
            set_cookies: Vec::new(),
        };
        for (name, value) in lines.lines().filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.body_bytes = value.parse().map_err(|_| wrong("no length"))?;
            } else if name.eq_ignore_ascii_case("connection") {
                head.closes |= value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("set-cookie") {
                head.set_cookies.push(value);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err(wrong("a body in chunks, which no page here needs"));
            }
        }
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn a_head_tells_what_the_visitor_needs() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nSet-Cookie: a=1\r\nset-cookie: b=2; Path=/\r\nConnection: close\r\n\r\n";
        let head = Head::read(text.as_bytes()).unwrap();
        assert_eq!((head.status, head.body_bytes, head.closes), (200, 12, true));
        assert_eq!(head.set_cookies, ["a=1", "b=2; Path=/"]);
        assert!(Head::read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
