//! A running `dewar demo` on a free port, with a state folder of its own.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// The program itself.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_dewar");

/// It ends when this is dropped.
pub(crate) struct Demo {
    child: Child,
    log: Option<JoinHandle<String>>,
    folder: PathBuf,
    /// The port it listens on.
    pub(crate) port: u16,
    /// Everything it printed at its start.
    pub(crate) said: String,
}

/// How a demo ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
    pub(crate) err: String,
}

impl Demo {
    /// Starts `dewar demo ARGS`.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    /// Starts `dewar demo ARGS` with further variables.
    pub(crate) fn start_with(args: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_by(Command::new(PROGRAM), args, variables)
    }

    /// Starts it by a command that takes over what follows.
    pub(crate) fn start_by(command: Command, args: &[&str], variables: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dewar-demo-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        Self::start_in(folder, command, args, variables)
    }

    /// Ends it and starts another that finds what it kept.
    pub(crate) fn restart(mut self, args: &[&str]) -> Self {
        let folder = std::mem::take(&mut self.folder);
        drop(self);
        Self::start_in(folder, Command::new(PROGRAM), args, &[])
    }

    /// Starts another in the same state folder, which goes with this one: by default they share key
    /// and store.
    pub(crate) fn start_beside(&self, args: &[&str]) -> Self {
        let mut beside = Self::start_in(self.folder.clone(), Command::new(PROGRAM), args, &[]);
        beside.folder = PathBuf::new();
        beside
    }

    fn start_in(
        folder: PathBuf,
        mut command: Command,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut child = command
            .envs(variables.iter().copied())
            .args(["demo", "--port", "0"])
            .args(args)
            .env("XDG_STATE_HOME", &folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // Read on, or a long log would stop the demo at a full pipe.
        let stderr = child.stderr.take().expect("piped");
        let log = Some(std::thread::spawn(move || read_all(stderr)));
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut said = String::new();
        while !said.contains("Press CTRL+C") {
            assert_ne!(lines.read_line(&mut said).expect("text"), 0, "it ended: {said}");
        }
        let (_, rest) = said.split_once("http://127.0.0.1:").expect("an address");
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let port = digits.parse().expect("a port");
        Self { child, log, folder, port, said }
    }

    /// The folder it keeps things in: gone when this is dropped.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The variables of its state.
    pub(crate) fn state(&self) -> [(&str, &str); 1] {
        [("XDG_STATE_HOME", self.folder.to_str().expect("text"))]
    }

    /// Its address, without a path.
    pub(crate) fn site(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Opens a connection and says nothing.
    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).expect("it listens")
    }

    /// Asks for a page on a connection that stays open.
    pub(crate) fn keep_alive(&self, path: &str) -> TcpStream {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        stream.read_exact(&mut [0; 12]).expect("an answer");
        stream
    }

    /// The whole answer to a GET request, with a `Cookie` line unless that is empty.
    pub(crate) fn get(&self, path: &str, cookie: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n"), "")
    }

    /// The whole answer to a form.
    pub(crate) fn post(&self, path: &str, form: &str) -> String {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n",
            form.len()
        );
        self.ask(&head, form)
    }

    fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "{head}Connection: close\r\n\r\n{body}").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(mut self) -> Ended {
        let start = Instant::now();
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
        let status = self.child.wait().expect("it ends");
        let took = start.elapsed();
        let log = self.log.take().expect("not yet read");
        Ended { code: status.code(), took, err: log.join().expect("text") }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Handed on by `restart`, or another's.
        if !self.folder.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn read_all(mut stderr: ChildStderr) -> String {
    let mut text = String::new();
    stderr.read_to_string(&mut text).expect("text");
    text
}
