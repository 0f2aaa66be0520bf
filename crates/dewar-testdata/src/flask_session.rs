//! An application with the real Flask-Session, and a browser that talks to it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
};

use serde_json::Value as Json;

use crate::tool;

/// A running application. It ends when this is dropped.
#[derive(Debug)]
pub struct FlaskSession {
    python: Child,
    input: Option<ChildStdin>,
    port: u16,
}

/// What it answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status, as 200.
    pub status: u16,
    /// The value of each `Set-Cookie`.
    pub cookies: Vec<String>,
    /// The body; null if it is no JSON.
    pub json: Json,
}

impl FlaskSession {
    /// Starts it with this configuration: Flask's names, and `redis` for a port. `None`, said on the
    /// standard error, if no Python is named.
    ///
    /// # Panics
    /// If a Python is named but cannot run it.
    pub fn start(config: &Json) -> Option<Self> {
        let program = tool::find(tool::PYTHON)?;
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut python = Command::new(&program)
            .arg(script.join("../../testdata/python/flask_session_app.py"))
            .arg(config.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        let input = python.stdin.take();
        let mut line = String::new();
        let output = python.stdout.take().expect("the pipe was asked for");
        BufReader::new(output).read_line(&mut line).expect("the port is text");
        let port = line.trim().parse().expect("the application starts (its traceback is above)");
        Some(Self { python, input, port })
    }

    /// Asks as a browser that has this cookie header; `body` is sent as JSON, and makes it a POST.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn ask(&self, path: &str, cookie: Option<&str>, body: Option<Json>) -> Answer {
        let (method, body) = match body {
            Some(body) => ("POST", body.to_string()),
            None => ("GET", String::new()),
        };
        let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{cookie}\r\n{body}"
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let cookies = head.lines().filter_map(|line| line.strip_prefix("Set-Cookie: "));
        Answer {
            status: head[9..12].parse().expect("a status"),
            cookies: cookies.map(str::to_owned).collect(),
            json: serde_json::from_str(body).unwrap_or_default(),
        }
    }
}

impl Drop for FlaskSession {
    fn drop(&mut self) {
        drop(self.input.take()); // the end of its input ends it
        let _ = self.python.kill();
        let _ = self.python.wait();
    }
}
